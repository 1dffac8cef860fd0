"""The docs against the code: every file, module and page that they name is there."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from invest.engine import Invest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# Records of decisions and the changelog tell of what was there on their day.
CURRENT = [p for p in PAGES if p.parent.name != "decisions" and p.name != "CHANGELOG.md"]
FILE = re.compile(r"`((?:[\w-]+/)+[\w.-]+\.(?:py|lua|sql|toml|md|yaml|j2|typ))`")
MODULE = re.compile(r"`((?:invest|invest_sandbox)(?:\.[a-z_]+)+)`")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")
EXAMPLES = re.compile(r"example|NNNN")
WRITTEN = re.compile(r"`(src/[\w./-]+)`:\n\n +```(?:python|sql)")  # files that a how-to has its reader write


def there(name: str) -> bool:
    """Whether a file is named from the root, the sources, the product's package or the docs."""
    return any((base / name).exists() for base in (ROOT, ROOT / "src", ROOT / "src" / "invest", ROOT / "docs"))


def importable(name: str) -> bool:
    """Whether a dotted name is a module, something in one, or an attribute of an open `invest`."""
    if hasattr(Invest, name.split(".")[1]):
        return True
    try:
        if find_spec(name):
            return True
    except ModuleNotFoundError:
        pass
    head, _, last = name.rpartition(".")
    try:
        module = __import__(head, fromlist=[last])
    except ImportError:
        return False
    return hasattr(module, last)


@pytest.mark.parametrize("page", CURRENT, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_page_names_only_files_and_modules_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    files = {f for f in FILE.findall(text) if not there(f) and not EXAMPLES.search(f)} - set(WRITTEN.findall(text))
    modules = {m for m in MODULE.findall(text) if not importable(m)}
    assert not files | modules, f"{page.name} names what is not there"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_page_links_only_to_pages_that_exist(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert not {link for link in links if not (page.parent / link).exists()}
