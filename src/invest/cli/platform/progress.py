"""Progress of long work: bars on a terminal, one plain line per step elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Steps:
    """Named steps in order. On a terminal each is a bar; elsewhere its end is a line with its time."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, tuple[str, float]] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._progress = Progress(
                SpinnerColumn(finished_text="[green]●[/]"),
                TextColumn("{task.description}"),
                BarColumn(bar_width=24, complete_style="blue", finished_style="blue"),
                TimeElapsedColumn(),
                TextColumn("[dim]{task.fields[note]}[/]"),
                console=self._console,
            )
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def begin(self, name: str, title: str) -> None:
        """A step starts."""
        self._begun[name] = (title, time.monotonic())
        if self._progress is not None:
            self._tasks[name] = self._progress.add_task(title, total=None, note="")

    def move(self, name: str, done: float, total: float | None) -> None:
        """A step got on."""
        if self._progress is not None:
            note = f"{done:.0f} of {total:.0f}" if total else ""
            self._progress.update(self._tasks[name], completed=done, total=total, note=note)

    def end(self, name: str, note: str = "") -> None:
        """A step is done."""
        title, begun = self._begun[name]
        if self._progress is not None:
            self._progress.update(self._tasks[name], completed=1, total=1, note=note)
        else:
            sys.stderr.write(f"{title}: {time.monotonic() - begun:.1f} s{f' ({note})' if note else ''}\n")
