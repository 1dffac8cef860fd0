"""How often a process of the platform looks for garbage."""

from __future__ import annotations

import gc

# Allocations between collections: parsing and answering make many short-lived objects; Python's default of 700 costs a
# worker 30 % of its time.
THRESHOLD = 50_000


def collect_rarely() -> None:
    """Leave alone what was imported, and collect the rest seldom: to be called once everything is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(THRESHOLD, 20, 20)
