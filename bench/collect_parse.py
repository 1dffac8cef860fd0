"""How fast a year of COTAHIST is parsed: ours, against polars slicing the same lines into the same columns.

``python -m bench.collect_parse`` prints lines per second. The file is generated: 1,000,000 lines, of which one in nine
is an asset of the cash market, as in a real session; `invest_all_assets` is the same with every line kept.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench.rig import HERE, python_of
from invest.sources.b3.cotahist_format import WIDTH, parse_cotahist

LINES = 1_000_000
ROUNDS = 3


def year(cash_share: float) -> bytes:
    """A file of so many quotes in the real layout; the numbers are random digits from a fixed seed."""
    random = np.random.default_rng(7)
    line = b"01" + b"20240102" + b"02" + b"PETR4       " + b"010" + b"PETROBRAS   " + b"PN      N2" + b"   R$  "
    template = np.frombuffer(line.ljust(WIDTH, b"0") + b"\n", np.uint8)
    block = np.tile(template, (LINES, 1))
    block[:, 61:69] = random.integers(48, 58, (LINES, 8), np.uint8)
    for start in (74, 87, 100, 113):
        block[:, start : start + 8] = block[:, 61:69]
    block[:, 160:170] = random.integers(48, 58, (LINES, 10), np.uint8)
    block[:, 210:217] = np.frombuffer(b"0000001", np.uint8)
    block[:, 12:16] = random.integers(65, 91, (LINES, 4), np.uint8)
    block[:, 230:242] = np.frombuffer(b"BRPETRACNPR6", np.uint8)
    others = random.random(LINES) >= cash_share
    block[others, 10:12], block[others, 24:27] = np.frombuffer(b"78", np.uint8), np.frombuffer(b"070", np.uint8)
    head = b"00COTAHIST.2024BOVESPA 20241230".ljust(WIDTH) + b"\n"
    return head + block.tobytes() + b"99COTAHIST.2024BOVESPA 20241230".ljust(WIDTH) + b"\n"


def rate(data: bytes) -> float:
    """Lines per second, the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        found = parse_cotahist(data)
        best = min(best, time.perf_counter() - started)
        assert found.lines == LINES
        assert not found.malformed
    return LINES / best


def reference(data: bytes) -> float | None:
    """The same by polars, in the peers' environment; None where that is not installed."""
    if not Path(python_of("polars")).exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "COTAHIST_A2024.TXT"
        path.write_bytes(data)
        command = [python_of("polars"), str(HERE / "bench/peers/collect_polars.py"), str(path), str(ROUNDS)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(answer.stdout)["lines_per_s"])


def measure() -> dict[str, float | None]:
    """Lines per second of each."""
    mixed = year(1 / 9)
    return {"invest": rate(mixed), "reference": reference(mixed), "invest_all_assets": rate(year(1.0))}


def main() -> int:
    """Measure and print."""
    print(json.dumps({"cotahist_lines_per_s": {k: v and round(v) for k, v in measure().items()}}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
