"""What a server takes: learnt from what it refuses, one thing at a time, and kept for the next call and worker."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from invest.ai.answers import schema_appendix
from invest.ai.calls.addresses import has_version
from invest.ai.errors import CallFailed
from invest.ai.wires import Question, Request, Structure, Wire

MOST_LESSONS = 10  # things learnt within one call; a server that refuses more wants something else
LEAST_TOKENS = 1000  # room for an answer; a server that allows less cannot answer
MARGIN = 64  # tokens between the prompt and the answer where a server tells how much it holds
_REFUSING = frozenset({400, 405, 415, 422, 501})
_NEXT: dict[Structure, Structure] = {"schema": "object", "object": "prompt"}
_ABOUT_STRUCTURE = re.compile(
    r"(?i)response_?format|json_?schema|json_?object|json mode|output_?(?:config|format)|text\.format|structured|schema"
    r"|mime|grammar|guided"
)
_ABOUT_SYSTEM = re.compile(
    r"(?i)system (?:role|message|prompt|instruction)s?\b.{0,60}\b(?:not|un)|role.{0,30}['\"`]?system['\"`]?"
    r"|developer instruction|roles must alternate|['\"`]system['\"`].{0,40}role|only user and assistant"
    r"|should be 'user' or 'assistant'"
)
_ALLOWED = re.compile(
    r"(?i)(?:at most|maximum (?:allowed|value|limit)?(?: number of (?:output|completion) tokens)?(?: for \S+)?"
    r"(?: is| of|:)?"
    r"|less than or equal to|only afford|up to|max(?:imum)? (?:is|of))\s*[`'\"]?(\d{3,7})\b"
    r"|> (\d{3,7}), which is the maximum|\[\s*\d+\s*,\s*(\d{3,7})\s*\]"
)
_HELD = re.compile(r"(?i)(?:context (?:length|window|size)|maximum context|`max_new_tokens` must be)\D{0,60}?(\d{3,7})")
_IN_MESSAGES = re.compile(
    r"(?i)(\d{2,7}) (?:tokens )?(?:in the messages|of text input|input tokens|in your prompt|prompt tokens|`inputs`)"
)
_LIMIT_NAMES = ("max_tokens", "max_completion_tokens", "max_output_tokens")
# Without these no question is asked; a server that refuses them is not asked in another way.
_ESSENTIAL = frozenset({"model", "messages", "input", "contents", "system", "instructions", "systemInstruction"})
_OPAQUE = _ESSENTIAL | {"schema", "json_schema", "responseJsonSchema"}
_STRUCTURE_ENDS = ("responseJsonSchema", "responseMimeType")
_COMMON = frozenset({"type", "name", "strict", "schema", "format", "text", "stream"})  # words that mean nothing alone
_ABOUT_THINKING = re.compile(r"(?i)\bthinking\b|\breasoning\b")
_THINKING = frozenset({"reasoning_effort", "reasoning", "thinking", "effort", "thinkingConfig"})
# A router that finds no host for all the parameters of a request does not say for which.
_UNHANDLED = re.compile(
    r"(?i)(?:handle|support)s? the requested parameters|support(?:s|ing)? (?:all )?(?:the )?parameters"
)
_REFUSAL_WORDS = re.compile(
    r"(?i)unsupported|not (?:supported|permitted|allowed|recogni[sz]ed|available|valid)|unrecogni[sz]ed|unknown|extra"
    r"|unexpected|invalid|deprecated|does ?n[o']t support|cannot|can't|must (?:not|be)|should be"
    r"|forbidden|no longer|only"
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one server is asked. `dropped` are parameters it refused, as paths in the body ("reasoning.effort").

    `model` is one of the server's list, where the settings name none.
    """

    structure: Structure = "schema"
    schema_in_prompt: bool = False
    dropped: tuple[str, ...] = ()
    limit_name: str | None = None
    most_tokens: int | None = None
    system_role: bool = True
    older_api: bool = False
    version: str = ""
    model: str = ""

    def kept(self) -> dict[str, Any]:
        """As plain data, to be kept."""
        return asdict(self)

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Dialect:
        """From what `kept` gave; what another version wrote otherwise counts as nothing learnt."""
        try:
            return cls(**{**kept, "dropped": tuple(kept.get("dropped", ()))})
        except TypeError:
            return cls()

    def shaped(self, question: Question) -> Question:
        """`question` as this server is asked: its structure, the schema in words where it needs them, its limit."""
        limit = min(question.max_tokens, self.most_tokens or question.max_tokens)
        if question.schema is None:
            return replace(question, max_tokens=limit)
        words = self.schema_in_prompt or self.structure != "schema"
        system = question.system + schema_appendix(question.schema) if words else question.system
        return replace(question, system=system, structure=self.structure, max_tokens=limit)

    def request(self, wire: Wire, question: Question, model: str, *, stream: bool, extra: dict[str, Any]) -> Request:
        """The request of `wire` for a shaped question, without what this server refuses; `extra` is the user's own."""
        asked = wire.request(question, model, stream=stream and "stream" not in self.dropped)
        body = merged(copy.copy(asked.body), extra)
        if self.limit_name and wire.limit in body:
            body = {self.limit_name if name == wire.limit else name: value for name, value in body.items()}
        if not self.system_role:
            body = _folded(body)
        for path in self.dropped:
            body = _without(body, path.split("."))
        return Request(self.version + asked.path, body)


def merged(body: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
    """`body` with `extra` laid over it, objects joined; null takes a parameter out."""
    out = dict(body)
    for name, value in extra.items():
        if value is None:
            out.pop(name, None)
        elif isinstance(value, dict) and isinstance(out.get(name), dict):
            out[name] = merged(out[name], value)
        else:
            out[name] = value
    return out


@dataclass(frozen=True, slots=True)
class Refused:
    """What a server refused: the request, the question behind it, and where it went."""

    wire: Wire
    sent: Request
    asked: Question
    base_url: str


def learn(dialect: Dialect, error: CallFailed, refused: Refused) -> Dialect | None:
    """What `error` teaches of the server, or None where asking otherwise would not help."""
    if error.http_status in (404, 405) and error.code != "model_gone":
        return (_with_less if _UNHANDLED.search(error.message) else _other_address)(dialect, refused)
    if error.http_status not in _REFUSING and error.code not in ("context_small", "quota_spent", "request_refused"):
        return None
    if (narrower := _other_limit(dialect, error, refused)) is not None:
        return narrower
    if error.code in ("quota_spent", "refused", "model_gone"):
        return None
    if dialect.system_role and _ABOUT_SYSTEM.search(error.message):
        return replace(dialect, system_role=False)
    return _without_parameter(dialect, error, refused)


def _without_parameter(dialect: Dialect, error: CallFailed, refused: Refused) -> Dialect | None:
    """A simpler way to ask for the structure, or the question without the parameter that the error is about."""
    body, asked = refused.sent.body, refused.asked
    path = next((p for name in _names(error, body) if (p := _path_of(name, body))), None)
    structural = _ABOUT_STRUCTURE.search(error.message) if path is None else _is_structure(path, body)
    if asked.schema is not None and asked.structure in _NEXT and structural:
        return replace(dialect, structure=_NEXT[asked.structure])
    if path is None or path in dialect.dropped or not _REFUSAL_WORDS.search(error.message):
        return None
    return replace(dialect, dropped=(*dialect.dropped, path))


def _with_less(dialect: Dialect, refused: Refused) -> Dialect | None:
    """The question without a parameter that it can do without: the strict structure first, then how hard to think."""
    if refused.asked.schema is not None and refused.asked.structure in _NEXT:
        return replace(dialect, structure=_NEXT[refused.asked.structure])
    path = next((path for path in _paths(refused.sent.body) if path.rpartition(".")[2] in _THINKING), None)
    return replace(dialect, dropped=(*dialect.dropped, path)) if path else None


def _other_address(dialect: Dialect, refused: Refused) -> Dialect | None:
    """A gateway without the newer API, or a base URL written without its version."""
    if refused.wire.fallback and not dialect.older_api:
        return replace(dialect, older_api=True)
    openai = type(refused.wire).__name__.startswith("OpenAI")
    if openai and not has_version(refused.base_url) and not dialect.version:
        return replace(dialect, version="/v1")
    return None


def _other_limit(dialect: Dialect, error: CallFailed, refused: Refused) -> Dialect | None:
    """Another name for the token limit, or the number of tokens the server allows."""
    message, asked = error.message, refused.asked
    held, spent = _HELD.search(message), _IN_MESSAGES.search(message)
    if held and error.code == "context_small":
        room = int(held[1]) - (int(spent[1]) if spent else 0) - MARGIN
        fits = spent is not None and LEAST_TOKENS <= room < asked.max_tokens
        return replace(dialect, most_tokens=room) if fits else None
    limits = (int(next(group for group in match.groups() if group)) for match in _ALLOWED.finditer(message))
    less = [most for most in limits if LEAST_TOKENS <= most < asked.max_tokens]
    if less and "max" in message.lower():
        return replace(dialect, most_tokens=min(less))
    now = dialect.limit_name or refused.wire.limit
    others = [name for name in _LIMIT_NAMES if name != now and re.search(rf"\b{name}\b", message)]
    if now in _LIMIT_NAMES and now in refused.sent.body and others and re.search(rf"\b{now}\b", message):
        return replace(dialect, limit_name=others[0])
    return None


def _names(error: CallFailed, body: dict[str, Any]) -> Iterator[str]:
    """What the error may be about: the parameters it names, then those of the body that its words mention."""
    yield from error.named
    if _ABOUT_THINKING.search(error.message):
        yield from (path for path in _paths(body) if path.rpartition(".")[2] in _THINKING)
    for path in _paths(body):
        name = path.rpartition(".")[2]
        if name not in _COMMON and re.search(rf"(?<![\w.]){re.escape(name)}(?![\w])", error.message):
            yield path


def _is_structure(path: str, body: dict[str, Any]) -> bool:
    """Whether the parameter at `path` is how the structure of the answer was asked for."""
    if path == "output_config":
        return "format" in body["output_config"]
    return path.startswith(("response_format", "text", "output_config.format")) or path.endswith(_STRUCTURE_ENDS)


def _path_of(name: str, body: dict[str, Any]) -> str | None:
    """Where the body holds the parameter `name`: its last part decides, the longest match wins. None if nowhere."""
    wanted = [_snake(part) for part in re.split(r"[.\[\]]+", name) if part and not part.isdecimal()]
    found: list[tuple[int, str]] = []
    for path in _paths(body):
        parts = [_snake(part) for part in path.split(".")]
        common = 0
        while common < min(len(parts), len(wanted)) and parts[-1 - common] == wanted[-1 - common]:
            common += 1
        if common:
            found.append((common, path))
    if found:
        return max(found, key=lambda pair: (pair[0], -len(pair[1])))[1]
    return _path_of(name.rpartition(".")[0], body) if "." in name else None


def _paths(body: dict[str, Any], prefix: str = "", depth: int = 3) -> Iterator[str]:
    for name, value in body.items():
        if name in _ESSENTIAL and not prefix:
            continue
        yield prefix + name
        if isinstance(value, dict) and depth > 1 and name not in _OPAQUE:
            yield from _paths(value, f"{prefix}{name}.", depth - 1)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("-", "_")


def _without(body: dict[str, Any], path: list[str]) -> dict[str, Any]:
    name, rest = path[0], path[1:]
    if name not in body:
        return body
    if not rest or not isinstance(body[name], dict):
        return {k: v for k, v in body.items() if k != name} if not rest else body
    inner = _without(body[name], rest)
    return {k: inner if k == name else v for k, v in body.items() if k != name or inner}


def _folded(body: dict[str, Any]) -> dict[str, Any]:
    """The system text at the head of the user's, for models that know no system role."""
    if isinstance(messages := body.get("messages"), list) and messages and messages[0].get("role") == "system":
        text = f"{messages[0]['content']}\n\n{messages[1]['content']}"
        return {**body, "messages": [{"role": "user", "content": text}, *messages[2:]]}
    if isinstance(system := body.get("systemInstruction"), dict):
        first, *rest = body["contents"]
        parts = [*system["parts"], *first["parts"]]
        return {
            **{k: v for k, v in body.items() if k != "systemInstruction"},
            "contents": [{**first, "parts": parts}, *rest],
        }
    return body
