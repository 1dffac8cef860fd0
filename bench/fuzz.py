"""Each parser of foreign bytes against spoilt inputs: no crash, no growth, nothing slow.

python -m bench.fuzz [--inputs 100000] [--only statements,cotahist] [--seed 1]   -> bench/out/fuzz.json

Inputs are good samples with bytes flipped, cut, repeated, swapped between samples, or replaced by values that break
readers (`TOKENS`). A parser may return anything or raise its own declared error; every other exception is a crash. Per
parser: `inputs`, `crashes` (with the first one's input), `slowest_s`, `refused` (share that raised the declared error),
`rss_growth_mb` from the first tenth of the inputs to the last.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench import fuzz_targets
from bench.servers import OUT

TOKENS: Final = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n\n\n", b";;;;;;;;", b'"', b"'", b"=cmd|' /C calc'!A0", b"-",
    b"1e309", b"NaN", b"31/12/9999", b"00/00/0000", b"1.234.567,89", b"9" * 40, b"{", b"[" * 50, b"]", b"<a", b"&lt;",
    b"%s%n", b"\xe2\x80\xae", b"null", b"true", b"-0.0", b" " * 300, b"PETR4", b"\xc3\xa9", b"data: {", b"\n\n",
    b"PK\x03\x04",
)  # fmt: skip
MAX_BYTES: Final = 200_000


@dataclass
class Found:
    """What one parser did with all its inputs."""

    inputs: int = 0
    refused: int = 0
    crashes: int = 0
    slowest_s: float = 0
    rss_growth_mb: float = 0
    first_crash: str = ""
    slowest_input: str = ""


def spoil(rng: random.Random, samples: Sequence[bytes]) -> bytes:
    """One sample with one to six faults."""
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


def rss_mb() -> float:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def attack(target: fuzz_targets.Target, inputs: int, seed: int) -> Found:
    """Let one parser read `inputs` spoilt samples."""
    rng, found, early = random.Random(f"{seed}:{target.name}"), Found(inputs=inputs), 0.0
    for number in range(inputs):
        data = spoil(rng, target.samples)
        begun = time.perf_counter()
        try:
            target.read(data)
        except target.declared:
            found.refused += 1
        except RecursionError as error:
            note(found, data, error)
        except Exception as error:
            note(found, data, error)
        taken = time.perf_counter() - begun
        if taken > found.slowest_s:
            found.slowest_s, found.slowest_input = taken, base64.b64encode(data[:3000]).decode()
        if number == inputs // 10:
            early = rss_mb()
    found.rss_growth_mb = round(rss_mb() - early, 1)
    found.slowest_s = round(found.slowest_s, 4)
    return found


def note(found: Found, data: bytes, error: BaseException) -> None:
    """Count a crash; keep the first one's input, so that it can become a test."""
    found.crashes += 1
    if not found.first_crash:
        found.first_crash = f"{type(error).__name__}: {str(error)[:200]} <- {base64.b64encode(data[:3000]).decode()}"


def shown(name: str, found: Found) -> str:
    """One line for a person."""
    line = (
        f"{name:14} {found.inputs:7} inputs  {found.crashes:5} crashes  {found.refused / found.inputs:4.0%} refused  "
        f"slowest {found.slowest_s:7.4f} s  growth {found.rss_growth_mb:5.1f} MB"
    )
    return line + (f"\n    {found.first_crash[:160]}" if found.crashes else "")


def result_of(found: Mapping[str, Found], inputs: int) -> dict[str, Any]:
    """The figures to keep."""
    return {
        "inputs_each": inputs,
        "crashes": sum(f.crashes for f in found.values()),
        "slowest_s": max(f.slowest_s for f in found.values()),
        "parsers": {name: vars(f) | {"refused": round(f.refused / f.inputs, 3)} for name, f in found.items()},
    }


def main(run: Callable[[fuzz_targets.Target, int, int], Found] = attack) -> None:
    """Attack every parser, or those named; exit 1 where one crashed or took 2 s."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=lambda text: text.split(","), default=None)
    asked = parser.parse_args()
    found = {}
    for target in fuzz_targets.targets():
        if asked.only is None or target.name in asked.only:
            found[target.name] = run(target, asked.inputs, asked.seed)
            print(shown(target.name, found[target.name]), flush=True)
    result = result_of(found, asked.inputs)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "fuzz.json").write_text(json.dumps(result, indent=2) + "\n")
    sys.exit(result["crashes"] > 0 or result["slowest_s"] > 2)


if __name__ == "__main__":
    main()
