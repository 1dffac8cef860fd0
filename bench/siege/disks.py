"""Disks that fill up: a small file system of its own for a server, where this account may make one."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PIECE = 256 * 1024


@dataclass
class SmallDisk:
    """A file system of `megabytes`; `real` where it is one of its own and can be filled."""

    folder: Path
    real: bool

    def fill(self) -> None:
        """Leave not a byte free."""
        with (self.folder / "ballast").open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
            for size in (PIECE, 4096, 512, 1):
                with contextlib.suppress(OSError):
                    while ballast.write(b"\0" * size):
                        pass

    def free(self) -> None:
        """Give the room back."""
        (self.folder / "ballast").unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """A tmpfs of its own for as long as it is used; an ordinary folder where this account may not mount one."""
    folder = Path(tempfile.mkdtemp(prefix="invest-disk-"))
    options = f"size={megabytes}m,mode=755"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        real = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        real = False
    try:
        yield SmallDisk(folder, real)
    finally:
        if real:
            subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False)
        with contextlib.suppress(OSError):
            folder.rmdir()
