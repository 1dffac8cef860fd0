"""Each parser of foreign bytes against spoilt inputs: no crash, no growth, nothing slow.

python -m bench.fuzz [--inputs 100000] [--only statement_rows,cotahist] [--seed 1] [--resume]   -> bench/out/fuzz.json

Inputs are good samples with bytes flipped, cut, repeated, swapped between samples, or replaced by values that break
readers; of tables and JSON two in three have their cells or values spoilt instead, so that readers get past the syntax.
A parser may return anything or raise its own declared error; every other exception is a crash. Per parser: `inputs`,
`crashes` (with the first one's input), `slowest_s` (of processor time), `refused` (share that raised the declared
error), `rss_growth_mb` from the first tenth of the inputs to the last. Each parser's figures are written as it ends:
`--only` reads the named ones again and keeps the others' figures, `--resume` passes over those that already stood as
many inputs of the same seed.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.fuzz import targets as parsers_of_the_tree
from bench.fuzz.spoil import ways
from bench.fuzz.target import Target
from bench.outputs import OUT, TAKEN, now

SLOW_S: Final = 2.0


@dataclass
class Found:
    """What one parser did with all its inputs."""

    inputs: int
    seed: int
    refused: int = 0
    crashes: int = 0
    cpu_s: float = 0
    slowest_s: float = 0
    rss_growth_mb: float = 0
    first_crash: str = ""
    slowest_input: str = ""


def rss_mb() -> float:
    """What this process holds now: the most it ever held would hide the growth of every parser after the largest."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def attack(target: Target, inputs: int, seed: int) -> Found:
    """Let one parser read `inputs` spoilt samples."""
    rng, found, early = random.Random(f"{seed}:{target.name}"), Found(inputs, seed), 0.0
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
        found.cpu_s += taken
        if taken > found.slowest_s:
            found.slowest_s, found.slowest_input = taken, base64.b64encode(data[:3000]).decode()
        if number == inputs // 10:
            early = rss_mb()
    found.rss_growth_mb = round(rss_mb() - early, 1)
    found.slowest_s, found.cpu_s = round(found.slowest_s, 4), round(found.cpu_s, 1)
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


def result_of(parsers: Mapping[str, Found]) -> dict[str, Any]:
    """The figures to keep."""
    return {
        "inputs_each": min(found.inputs for found in parsers.values()),
        "crashes": sum(found.crashes for found in parsers.values()),
        "slowest_s": max(found.slowest_s for found in parsers.values()),
        TAKEN: now(),
        "parsers": {name: vars(found) for name, found in parsers.items()},
    }


def read_result(path: Path) -> dict[str, Found]:
    """The figures of earlier runs; none where there is no file, or one of another form."""
    try:
        return {name: Found(**found) for name, found in json.loads(path.read_text())["parsers"].items()}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def is_done(found: Found | None, inputs: int, seed: int) -> bool:
    """Whether a parser stood as many inputs of this seed, without a crash or a slow one."""
    return found is not None and found.seed == seed and found.inputs >= inputs and not is_fault(found)


def is_fault(found: Found) -> bool:
    """Whether a parser crashed, or took too long over one input."""
    return found.crashes > 0 or found.slowest_s > SLOW_S


def main(
    run: Callable[[Target, int, int], Found] = attack,
    targets: Callable[[], Iterable[Target]] = parsers_of_the_tree.targets,
    out: Path = OUT / "fuzz.json",
    argv: Sequence[str] | None = None,
) -> None:
    """Attack every parser, or those named; exit 1 where one crashed or took 2 s."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=lambda text: text.split(","), default=None)
    parser.add_argument("--resume", action="store_true", help="pass over parsers that already stood as many inputs")
    asked = parser.parse_args(argv)
    every = {target.name: target for target in targets()}
    if unknown := set(asked.only or ()) - set(every):
        parser.error(f"no parser is called {', '.join(sorted(unknown))}; there are: {', '.join(every)}")
    parsers = read_result(out) if asked.resume or asked.only else {}
    parsers = {name: found for name, found in parsers.items() if name in every}
    out.parent.mkdir(parents=True, exist_ok=True)
    for name in asked.only or every:
        if asked.resume and is_done(parsers.get(name), asked.inputs, asked.seed):
            continue
        parsers[name] = run(every[name], asked.inputs, asked.seed)
        print(shown(name, parsers[name]), flush=True)
        out.write_text(json.dumps(result_of(parsers), indent=2) + "\n")
    sys.exit(any(is_fault(found) for found in parsers.values()))


if __name__ == "__main__":
    main()
