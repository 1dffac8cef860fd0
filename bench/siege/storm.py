"""Ten thousand requests made from the server's own description, each wrong in some way: no 5xx, no traceback."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import orjson

KEYS = 8  # requests of one key are limited: so many send in turns
LANES = 24
STRANGE: tuple[Any, ...] = (
    None, True, "", " ", "\x00", "\ud83d", "é" * 300, "a" * 5_000, -1, 0, 1, 2**31, 2**63, 2**64, -(2**63), 1e308,
    1.5, "1e999", "NaN", "Infinity", "9" * 400, [], {}, [[]], [None] * 50, {"": None}, {"$gt": ""}, "'; DROP TABLE a;",
    "../../etc/passwd", "{{7*7}}", "%00", "PETR4", "petr4 ", "PETR4\n", "0001-01-01", "9999-12-31", "2026-02-30",
    "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1-0", "\u202e", "𝟙", "null", "-1", "1,1", -0.0,
)  # fmt: skip
HEADERS: tuple[dict[str, str], ...] = (
    {}, {}, {}, {"Idempotency-Key": "\\"}, {"Idempotency-Key": "k" * 300}, {"Prefer": "wait=99999999999"},
    {"Last-Event-ID": "999999999999999999999-1"}, {"If-None-Match": '",,"'}, {"Accept": "text/x-none"},
    {"Accept-Language": "x" * 500}, {"Range": "bytes=9-1"}, {"Content-Encoding": "gzip"}, {"Expect": "miracles"},
)  # fmt: skip


class Storm:
    """Hostile requests over every operation of a description."""

    def __init__(self, description: dict[str, Any], seed: int = 13) -> None:
        self._chance = random.Random(seed)
        self._schemas = description.get("components", {}).get("schemas", {})
        self.operations = [
            (method.upper(), path, operation)
            for path, operations in sorted(description["paths"].items())
            for method, operation in sorted(operations.items())
            if not path.endswith("/events")  # streams end when their reader does
        ]

    def request(self) -> tuple[str, str, dict[str, Any]]:
        """(method, path, options of the client)."""
        chance = self._chance
        method, path, operation = chance.choice(self.operations)
        given = operation.get("parameters", ())
        query = {
            p["name"]: _word(self._near(p.get("schema", {})))
            for p in given
            if p["in"] == "query" and chance.random() < 0.6
        }
        query.pop("wait", None)
        if chance.random() < 0.1:
            query[_word(chance.choice(STRANGE))[:50]] = "x"
        place = re.sub(r"\{[a-z_]+\}", lambda _: _path_word(chance.choice(STRANGE)), path)
        options: dict[str, Any] = {"params": query, "headers": dict(chance.choice(HEADERS))}
        content = operation.get("requestBody", {}).get("content", {})
        if content and chance.random() < 0.95:
            kind, about = chance.choice(sorted(content.items()))
            options["headers"]["Content-Type"] = kind
            options["data"] = self._body(about.get("schema", {}))
        return method, place, options

    def _body(self, schema: dict[str, Any]) -> bytes:
        chance = self._chance
        made = orjson.dumps(_encodable(self._near(schema)))
        roll = chance.random()
        if roll < 0.05:
            return made[: chance.randrange(len(made) + 1)]
        if roll < 0.1:
            return bytes(chance.randrange(256) for _ in range(chance.randrange(200)))
        return b'{"a":' * 400 + b"1" + b"}" * 400 if roll < 0.12 else made

    def _near(self, schema: dict[str, Any], depth: int = 0) -> Any:
        """A value like what `schema` describes, often with something strange in it."""
        chance = self._chance
        if chance.random() < 0.25 or depth > 5:
            return chance.choice(STRANGE)
        if reference := schema.get("$ref"):
            return self._near(self._schemas.get(reference.rpartition("/")[2], {}), depth + 1)
        for word in ("anyOf", "oneOf", "allOf"):
            if options := schema.get(word):
                return self._near(chance.choice(options), depth + 1)
        if named := schema.get("enum") or schema.get("examples") or ([schema["const"]] if "const" in schema else None):
            return chance.choice(named)
        match schema.get("type"):
            case "object":
                inner = schema.get("properties", {})
                return {name: self._near(one, depth + 1) for name, one in inner.items() if chance.random() < 0.85}
            case "array":
                return [self._near(schema.get("items", {}), depth + 1) for _ in range(chance.randrange(4))]
            case "integer" | "number":
                return chance.choice((0, 1, 2, schema.get("maximum", 10), schema.get("minimum", -1), 10**12))
            case "boolean":
                return chance.random() < 0.5
        return chance.choice(STRANGE)


def _encodable(value: Any) -> Any:
    """`value` without what JSON cannot carry: integers beyond 64 bits as text, lone halves of characters as marks."""
    if isinstance(value, dict):
        return {_word(k): _encodable(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_encodable(v) for v in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return str(value) if isinstance(value, int) and abs(value) >= 2**63 else value


def _word(value: Any) -> str:
    return str(value).encode("utf-8", "replace").decode()


def _path_word(value: Any) -> str:
    return re.sub(r"[?#/\s]", "_", _word(value))[:300] or "_"


async def send_storm(
    sessions: list[aiohttp.ClientSession], description: dict[str, Any], count: int
) -> tuple[Counter[int], list[str]]:
    """(answers by status, what should not have been answered so) of `count` requests."""
    storm = Storm(description)
    left = iter(range(count))
    seen: Counter[int] = Counter()
    wrong: list[str] = []
    slow: list[tuple[float, str, str, int]] = []

    async def lane(number: int) -> None:
        for at in left:
            method, path, options = storm.request()
            session = sessions[(number + at) % len(sessions)]
            begun = time.monotonic()
            try:
                async with session.request(method, path, allow_redirects=False, **options) as answer:
                    body = await asyncio.wait_for(answer.read(), 30)
                    status = answer.status
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ValueError):
                status, body = 0, b""  # the server hung up, or the client would not send it
            except TimeoutError:
                status, body = -1, b"no answer in time"
            seen[status] += 1
            slow.append((round(time.monotonic() - begun, 2), method, path[:80], len(options.get("data", b""))))
            slow.sort(reverse=True)
            del slow[6:]
            fine = status < 500 or (status == 503 and b"urn:invest:" in body and b"unavailable" not in body)
            if status < 0 or not fine or b"Traceback" in body:
                wrong.append(f"{method} {path}: {status} {body[:200].decode(errors='replace')}")

    await asyncio.gather(*(lane(number) for number in range(LANES)))
    print(f"  slowest: {slow}", flush=True)
    return seen, wrong


def tracebacks_in(log: Path) -> int:
    """Lines of a log that hold a traceback."""
    return log.read_text(errors="replace").count("Traceback (most recent call last)")
