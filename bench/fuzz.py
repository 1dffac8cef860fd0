"""Each parser of foreign bytes against spoilt inputs: no crash, no growth, nothing slow.

python -m bench.fuzz [--inputs 100000] [--only statements,cotahist] [--seed 1]   -> bench/out/fuzz.json

Inputs are good samples with bytes flipped, cut, repeated, swapped between samples, or replaced by values that break
readers; of tables and JSON two in three have their cells or values spoilt instead, so that readers get past the syntax.
A parser may return anything or raise its own declared error; every other exception is a crash. Per parser: `inputs`,
`crashes` (with the first one's input), `slowest_s` (of processor time), `refused` (share that raised the declared
error), `rss_growth_mb` from the first tenth of the inputs to the last.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bench import fuzz_targets
from bench.fuzz_spoil import ways
from bench.servers import OUT


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


def rss_mb() -> float:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def attack(target: fuzz_targets.Target, inputs: int, seed: int) -> Found:
    """Let one parser read `inputs` spoilt samples."""
    rng, found, early = random.Random(f"{seed}:{target.name}"), Found(inputs=inputs), 0.0
    spoils = ways(target.samples)
    for number in range(inputs):
        data = spoils[number % len(spoils)](rng, target.samples)
        begun = time.process_time()
        try:
            target.read(data)
        except target.declared:
            found.refused += 1
        except RecursionError as error:
            note(found, data, error)
        except Exception as error:
            note(found, data, error)
        taken = time.process_time() - begun
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
        f"{name:24} {found.inputs:7} inputs  {found.crashes:5} crashes  {found.refused / found.inputs:4.0%} refused  "
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
