"""The part of the build that pyproject.toml cannot say: settings.toml goes into the package.

The file at the top of the repository is the one list of settings and their defaults; the wheel carries a copy of it,
made here, so that there is no second one to keep. A checkout (editable install, PYTHONPATH=src) reads the file itself.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

DEFAULTS = "settings.toml"


class BuildWithDefaults(build_py):
    """Copies the defaults beside the package's own files."""

    def run(self) -> None:
        """Build as ever, then copy; an editable install needs no copy."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "invest" / DEFAULTS
            target.parent.mkdir(parents=True, exist_ok=True)
            self.copy_file(DEFAULTS, str(target))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """What a build writes, the copy included."""
        return [*super().get_outputs(include_bytecode), str(Path(self.build_lib) / "invest" / DEFAULTS)]


setup(cmdclass={"build_py": BuildWithDefaults})
