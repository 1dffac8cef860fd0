"""Look for known kinds of faults in the product (bandit) and in what it depends on (pip-audit).

`make security`. Exit status 1 where something was found. Every finding of bandit needs its reason: beside the code
(``# noqa: S108 - why``, read by ruff as well, or ``# nosec B608 - why``), or below for what is meant wherever it
stands; a statement for the database into whose text nothing goes but constants of its module needs none. pip-audit is
passed over, with a word, where no source of advisories can be reached: that is told by one dependency within seconds.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import outputs

ROOT = Path(__file__).parents[1]
KNOWN = "aiohttp"  # a dependency that every source of advisories knows
SQL = "B608"
FIRST_S, WHOLE_S = 15, 240
# What is meant wherever it stands.
EVERYWHERE = {
    "B101": "asserts narrow types for mypy and guard nothing: input is checked by models and errors of our own",
    "B403": "pickle is imported for pipes between this program and its own child process",
    "B404": "subprocess is imported: each call has its own reason (S603)",
    "B406": "xml.sax.saxutils escapes texts here and parses nothing",
}
_REASON = re.compile(r"#\s*(?:noqa:|nosec)\s*((?:[SB]\d{3}(?:,\s*)?)+)\s*-\s*\S")


def bandit(paths: Sequence[str] = ("src",)) -> tuple[list[dict[str, Any]], int]:
    """(findings without a reason, findings in all). Raises `SystemExit` where bandit does not run."""
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", "--ignore-nosec", "--format", "json", *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        raise SystemExit(f"bandit did not run: {(done.stderr or done.stdout).strip()[-500:]}") from None
    if report["errors"]:
        raise SystemExit(f"bandit could not read: {report['errors']}")
    found = report["results"]
    return [finding for finding in found if not reasoned(finding)], len(found)


def reasoned(finding: dict[str, Any]) -> bool:
    """Whether a finding is meant wherever it stands, or one of its statement's lines says why it is meant."""
    if finding["test_id"] in EVERYWHERE:
        return True
    source = (ROOT / finding["filename"]).read_text()
    if finding["test_id"] == SQL and constants_only(source, finding["line_range"]):
        return True
    wanted = finding["test_id"], "S" + finding["test_id"][1:]
    return any(
        set(wanted) & set(re.split(r"[,\s]+", codes)) for codes in _codes(source.splitlines(), finding["line_range"])
    )


def constants_only(source: str, lines: Sequence[int]) -> bool:
    """Whether the f-strings of these lines put nothing into their text but constants of the module, by their names."""
    texts = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.JoinedStr) and node.lineno <= lines[-1] and (node.end_lineno or 0) >= lines[0]
    ]
    put_in = [value.value for text in texts for value in text.values if isinstance(value, ast.FormattedValue)]
    loops = [node for value in put_in for node in ast.walk(value) if isinstance(node, ast.comprehension)]
    own = {node.id for loop in loops for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    names = {node.id for value in put_in for node in ast.walk(value) if isinstance(node, ast.Name)}
    return bool(put_in) and all(name.isupper() for name in names - own - {"range", "len"})


def _codes(lines: Sequence[str], numbers: Sequence[int]) -> Iterator[str]:
    """Codes with a reason in a statement, in a comment above it, or behind the bracket that ends it."""
    first, last = numbers[0] - 1, numbers[-1]
    read = list(lines[first:last])
    read += [line for line in lines[max(first - 1, 0) : first] if line.strip().startswith("#")]
    read += [line for line in lines[last : last + 1] if line.strip().startswith((")", "]", "}", '"""'))]
    yield from (match[1] for line in read if (match := _REASON.search(line)))


def audit() -> str:
    """Known faults of the pinned dependencies; empty where there is none, or no source of advisories answers."""
    pins = [
        line for line in (ROOT / "requirements.txt").read_text().splitlines() if re.match(r"[A-Za-z0-9_.-]+==", line)
    ]
    one = next(line for line in pins if line.startswith(f"{KNOWN}=="))
    first = _audited([one], FIRST_S)
    if first is None or not first["dependencies"] or "skip_reason" in first["dependencies"][0]:
        print("pip-audit: passed over, no source of advisories can be reached from here")
        return ""
    whole = _audited(pins, WHOLE_S)
    if whole is None:
        print(f"pip-audit: passed over, the source of advisories did not answer for all within {WHOLE_S} s")
        return ""
    skipped = [one["name"] for one in whole["dependencies"] if "skip_reason" in one]
    print(
        f"pip-audit: {len(whole['dependencies']) - len(skipped)} dependencies looked up, {len(skipped)} unknown there"
    )
    faults = ((one, fault) for one in whole["dependencies"] for fault in one.get("vulns", ()))
    return "\n".join(f"{one['name']} {one['version']}: {fault['id']}" for one, fault in faults)


def _audited(pins: Sequence[str], seconds: float) -> dict[str, Any] | None:
    """What pip-audit says of some pins; None where it does not within `seconds`."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        wanted.write_text("\n".join(pin.split(" ", 1)[0] for pin in pins) + "\n")
        command = [
            sys.executable,
            "-m",
            "pip_audit",
            "--disable-pip",
            "--no-deps",
            "--timeout",
            "5",
            "--format",
            "json",
        ]
        command += ["--progress-spinner", "off", "--requirement", str(wanted)]
        try:
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=seconds)
            report: dict[str, Any] = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, json.JSONDecodeError):
            return None
    return report


def main() -> None:
    """Both, and a file of what was found."""
    faults, looked_at = bandit()
    for finding in faults:
        print(f"{finding['filename']}:{finding['line_number']}: {finding['test_id']} {finding['issue_text']}")
    print(f"bandit: {looked_at} findings, {len(faults)} without a reason")
    known = audit()
    if known:
        print(known)
    result = {"findings": looked_at, "without_reason": len(faults), "advisories": known.splitlines()}
    outputs.write("security", result)
    sys.exit(1 if faults or known else 0)


if __name__ == "__main__":
    main()
