"""Where settings.toml is."""

from __future__ import annotations

import os
from pathlib import Path


def settings_file() -> Path:
    """settings.toml: ``INVEST_SETTINGS``, the working directory's, or the one beside the source tree."""
    if named := os.environ.get("INVEST_SETTINGS"):
        return Path(named)
    here = Path("settings.toml")
    return here if here.exists() else Path(__file__).parents[3] / "settings.toml"
