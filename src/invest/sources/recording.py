"""What an upstream answered, as a file for a bug report: without keys and without people."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from invest.sources.live import Trial, lines_in_zip

BODY = 200_000  # bytes of a text that are recorded
LINES = 5  # of each table in a zip that are recorded
OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
PERSONAL = (
    (re.compile(r"(://)[^/\s:@]+:[^/\s@]+@"), r"\1"),
    (re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+\.[\w.]+"), "x@example.com"),
    (re.compile(r"\b\d{3}\.\d{3}\.\d{3}-\d{2}\b"), "000.000.000-00"),
    (re.compile(r"(?i)(cpf\W{1,5})\d{11}\b"), r"\g<1>00000000000"),
    (re.compile(r"(?:\+55[\s-]?)?\(\d{2}\)\s?9?\d{4}[\s-]\d{4}\b"), "(00) 0000-0000"),
    (re.compile(r"\+55[\s-]?\d{2}[\s-]?9?\d{4}-?\d{4}\b"), "(00) 0000-0000"),
    # a firewall's page shows the address of who asked
    (re.compile(rf"(?<![\d.])(?:{OCTET}\.){{3}}{OCTET}(?![\d.])"), "…"),
    (re.compile(r"(?i)(?<![0-9a-f:])(?:[0-9a-f]{1,4}:){3,7}(?::?[0-9a-f]{1,4})+(?![0-9a-f:])"), "…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 …"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"), "…"),
    (
        re.compile(
            r"(?i)(?<![a-z])((?:[a-z]+[_-])*(?:token|api[_-]?key|apikey|key|secret|password|passwd|senha|signature|"
            r"authorization|session(?:[_-]?id)?))(\"?\s*[=:]\s*\"?)(?!bearer|basic)[^\s\"&,;<]{6,}"
        ),
        r"\1\2…",
    ),
)  # fmt: skip
# Columns of CVM's tables that name people or say where they are.
PEOPLE = re.compile(
    r"^\"?(?:RESP|.*_RESP(?:_.*)?|RESP_.*|DIRETOR.*|AUDITOR|.*EMAIL.*|TEL.*|DDD.*|FAX.*|LOGRADOURO.*|COMPL.*|BAIRRO.*|CEP.*|"
    r"PESSOA_.*|.*RESPONSAVEL.*|.*TELEFONE.*|NUMERO_ENDERECO|ENDERECO.*)\"?$",
    re.IGNORECASE,
)  # fmt: skip


def recording_of(trial: Trial, secrets: Collection[str] = ()) -> dict[str, Any]:
    """What to send with a report of a fault: where, when, what came, without keys (`secrets` among them) and people.

    Of a zip its members with their first lines; of a text its first 200,000 bytes, of a refusal as well.
    """
    answer = trial.answer
    recording: dict[str, Any] = {
        "source": trial.source,
        "url": anonymous(trial.url, secrets),
        "asked_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "state": trial.state,
        "seconds": round(trial.seconds, 3),
        "found": anonymous(trial.found, secrets),
        "missing": list(trial.missing),
    }
    if answer is None:
        return recording | ({"body": anonymous(trial.refusal, secrets)} if trial.refusal else {})
    payload = answer.payload
    recording |= {"sha256": payload.sha256, "size": payload.size, "content_type": payload.content_type}
    if answer.path is None:
        text = answer.body[:BODY].decode("utf-8", "replace")
        recording["body"] = "\n".join(_without_people(text.split("\n"), secrets))
        return recording
    try:
        recording["members"] = {name: _without_people(lines, secrets) for name, lines in lines_in_zip(answer, LINES)}
    except (zipfile.BadZipFile, OSError) as error:
        recording["members"] = f"a zip that cannot be read ({error})"
    return recording


def _without_people(lines: Sequence[str], secrets: Collection[str]) -> list[str]:
    """Lines without keys and personal data; of a table without what its columns about people hold."""
    names = lines[0].strip().split(";") if lines else []
    people = {i for i, name in enumerate(names) if PEOPLE.match(name.strip())} if len(names) > 1 else set()
    kept = list(lines[:1])
    for line in lines[1:]:
        fields = line.split(";")
        kept.append(";".join("…" if i in people and f.strip() else f for i, f in enumerate(fields)) if people else line)
    return [anonymous(line, secrets) for line in kept]


def anonymous(text: str, secrets: Collection[str] = ()) -> str:
    """`text` without `secrets`, e-mail and network addresses, telephone numbers, CPFs and what looks like a key."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    for pattern, instead in PERSONAL:
        text = pattern.sub(instead, text)
    return text


def as_bytes(recordings: Sequence[Mapping[str, Any]]) -> bytes:
    """Recordings as a file."""
    return orjson.dumps(list(recordings), option=orjson.OPT_INDENT_2)
