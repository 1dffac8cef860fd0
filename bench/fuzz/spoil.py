"""Ways to spoil a good sample: any of its bytes, or the values in it, so that readers get past the syntax."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from tests.builders.hostile import ODD, nodes

TOKENS: Final = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n\n\n", b";;;;;;;;", b'"', b"'", b"=cmd|' /C calc'!A0", b"-",
    b"1e309", b"NaN", b"31/12/9999", b"00/00/0000", b"1.234.567,89", b"9" * 40, b"{", b"[" * 50, b"]", b"<a", b"&lt;",
    b"%s%n", b"\xe2\x80\xae", b"null", b"true", b"-0.0", b" " * 300, b"PETR4", b"\xc3\xa9", b"data: {", b"\n\n",
    b"PK\x03\x04",
)  # fmt: skip
CELLS: Final = (
    "", " ", "-", "NaN", "1e400", "-1", "0", "1.000,50", "1,000.50", "9" * 60, "9" * 38, "0,0000000000000000000001",
    "0001-01-01", "31/12/2025", "2025-12-31", "2025-02-30", "9999-12-31", "2025-12-31T00:00",
    "ÚLTIMO", '"', '"a;b"', "\x00", "\ufeff", "MIL", "²", "１２",
    "12ABC34501DE35", "33.000.167/0001-01", "é" * 300, "=1+1", "PETR4", "1e-400", "Infinity", "-0.0", "10%",
)  # fmt: skip
MAX_BYTES: Final = 200_000
MAX_LINE: Final = 400  # bytes of a sample that is one value or one sentence
MAX_WORD: Final = 50_000
WORD: Final = re.compile(r"\w+|\W")
Spoil = Callable[[random.Random, Sequence[bytes]], bytes]


def spoil_bytes(rng: random.Random, samples: Sequence[bytes]) -> bytes:
    """One sample with one to six faults, wherever they fall."""
    data = bytearray(rng.choice(samples))
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(7):
            case 0 if data:
                data[at % len(data)] = rng.randrange(256)
            case 1:
                del data[at : at + rng.randint(1, 64)]
            case 2:
                data[at:at] = data[at : at + rng.randint(1, 200)] * rng.randint(1, 5)
            case 3:
                data[at:at] = rng.choice(TOKENS)
            case 4:
                other = rng.choice(samples)
                start = rng.randrange(len(other) + 1)
                data[at : at + 40] = other[start : start + rng.randint(1, 80)]
            case 5:
                del data[at:]
            case _:
                data[at : at + rng.randint(1, 12)] = rng.choice(TOKENS)
    return bytes(data[:MAX_BYTES])


def spoil_values(rng: random.Random, samples: Sequence[bytes]) -> bytes:
    """One JSON document with one to four values replaced by odd ones or by others of it, removed or repeated."""
    document: Any = json.loads(rng.choice(samples))
    for _ in range(rng.randint(1, 4)):
        places = [place for place in nodes(document) if place]
        if not places:
            return json.dumps(rng.choice(ODD)).encode()
        *way, last = rng.choice(places)
        parent = document
        for step in way:
            parent = parent[step]
        match rng.randrange(6):
            case 0:
                del parent[last]
            case 1 if isinstance(parent, list):
                parent.extend(copy.deepcopy(parent[last]) for _ in range(rng.randint(1, 3)))
            case 2:
                parent[last] = copy.deepcopy(_value_at(document, rng.choice(places)))
            case _:
                parent[last] = copy.deepcopy(rng.choice(ODD))
    return json.dumps(document).encode()[:MAX_BYTES]


def _value_at(document: Any, place: Sequence[Any]) -> Any:
    for step in place:
        document = document[step]
    return document


def spoil_cells(rng: random.Random, samples: Sequence[bytes]) -> bytes:
    """One table with one to five cells, rows or columns replaced, repeated, moved or dropped."""
    rows = [line.split(";") for line in rng.choice(samples).decode("utf-8", "replace").splitlines()]
    for _ in range(rng.randint(1, 5)):
        row = rng.choice(rows)
        at = rng.randrange(len(row)) if row else 0
        match rng.randrange(8):
            case 0:
                rows.insert(rng.randrange(len(rows) + 1), list(row))
            case 1 if len(rows) > 1:
                rows.remove(row)
            case 2:
                for each in rows:
                    del each[at : at + 1]
            case 3:
                row.insert(at, rng.choice(CELLS))
            case 4 if row:
                row[at] = rng.choice(rng.choice(rows) or [""])
            case _ if row:
                row[at] = rng.choice(CELLS)
            case _:
                pass
    return "\r\n".join(";".join(row) for row in rows).encode()[:MAX_BYTES]


def spoil_words(rng: random.Random, samples: Sequence[bytes]) -> bytes:
    """One line with one to four of its words, numbers or signs replaced, repeated, moved or dropped."""
    words = WORD.findall(rng.choice(samples).decode("utf-8", "replace"))
    others = WORD.findall(rng.choice(samples).decode("utf-8", "replace"))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(words) + 1)
        match rng.randrange(6):
            case 0:
                del words[at : at + 1]
            case 1:
                words.insert(at, rng.choice(others))
            case 2 if at < len(words):
                words[at] = (words[at] * rng.choice((2, 3, 50, 1000)))[:MAX_WORD]
            case 3 if words:
                words.insert(at, words.pop(rng.randrange(len(words))))
            case _:
                words[at : at + 1] = [rng.choice(CELLS)]
    return "".join(words).encode("utf-8", "surrogatepass")[:MAX_BYTES]


def spoil_events(rng: random.Random, samples: Sequence[bytes]) -> bytes:
    """One stream with one to three of its events spoilt in their values, repeated, moved or dropped."""
    blocks = rng.choice(samples).split(b"\n\n")
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(blocks))
        head, data, value = blocks[at].partition(b"data: ")
        match rng.randrange(5):
            case 0:
                blocks.insert(rng.randrange(len(blocks) + 1), blocks[at])
            case 1 if len(blocks) > 1:
                blocks.insert(rng.randrange(len(blocks)), blocks.pop(at))
            case _ if data and _is_json(value):
                blocks[at] = head + data + spoil_values(rng, (value,))
            case _ if len(blocks) > 1:
                del blocks[at]
            case _:
                pass
    return b"\n\n".join(blocks)[:MAX_BYTES]


def ways(samples: Sequence[bytes]) -> list[Spoil]:
    """How samples can be spoilt: any of them as bytes; JSON, tables, streams and lines in their values as well."""
    found: list[Spoil] = [spoil_bytes]
    if all(sample.lstrip()[:1] in (b"{", b"[") and _is_json(sample) for sample in samples):
        found += [spoil_values, spoil_values]
    elif all(b";" in sample and b"\n" in sample for sample in samples):
        found += [spoil_cells, spoil_cells]
    elif all(b"data: " in sample and b"\n\n" in sample for sample in samples):
        found += [spoil_events, spoil_events]
    elif all(len(sample) <= MAX_LINE and b"\n" not in sample for sample in samples):
        found += [spoil_words, spoil_words]
    return found


def _is_json(sample: bytes) -> bool:
    try:
        json.loads(sample)
    except ValueError:
        return False
    return True
