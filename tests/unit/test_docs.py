"""The docs against the code: every file, module, page, verb, operation and setting that they name is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import typer

from invest.engine import Invest
from invest.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# Records of decisions and the changelog tell of what was there on their day.
CURRENT = [p for p in PAGES if p.parent.name != "decisions" and p.name != "CHANGELOG.md"]
FILE = re.compile(r"`((?:[\w-]+/)+[\w.-]+\.(?:py|lua|sql|toml|md|yaml|j2|typ))`")
MODULE = re.compile(r"`((?:invest|invest_sandbox)(?:\.[a-z_]+)+)`")
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")
EXAMPLES = re.compile(r"example|NNNN")
WRITTEN = re.compile(r"`(src/[\w./-]+)`:\n\n +```(?:python|sql|html)")  # files that a how-to has its reader write
VERB = re.compile(r"(?:^|`|&& |\$ |\| )invest ([a-z][a-z-]*(?: [^`\n#]*)?)", re.MULTILINE)
OPERATION = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/[A-Za-z0-9_/{}.:-]*[A-Za-z0-9_}])(?![A-Za-z0-9_/{}*…])")
VARIABLE = re.compile(r"\bINVEST_([A-Z0-9_]+__[A-Z0-9]+(?:_[A-Z0-9]+)*)")
ANCHOR = re.compile(r"\]\(((?!https?://)[^)#\s]*)#([^)\s]+)\)")


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


@cache
def commands() -> Any:
    """The tree of the command line."""
    from invest.cli.app import app

    return typer.main.get_command(app)


def missing_verb(words: list[str]) -> str | None:
    """The first word of a command line that is neither a verb, nor an argument or option of one."""
    command = commands()
    for word in words:
        if not getattr(command, "commands", None) or not re.fullmatch(r"[a-z][a-z-]*", word):
            return None
        command = command.get_command(None, word)
        if command is None:
            return word
    return None


@cache
def operations() -> list[tuple[str, re.Pattern[str]]]:
    """Method and path of every operation of the API."""
    from invest.api.routes.table import routes
    from invest.engine import registry
    from invest.jobs.declared import declare_all

    declare_all()
    return [
        (route.method, re.compile("[^/]+".join(map(re.escape, re.split(r"\{[^}]*\}", route.path)))))
        for route in routes(registry)
    ]


def settings_names(model: Any, prefix: str = "") -> Iterator[str]:
    """Each setting's dotted name; of a table whose names are the user's own, the name with a dot behind it."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        yield prefix + name + ("." if str(kind).startswith("dict[") else "")
        if hasattr(kind, "model_fields"):
            yield from settings_names(kind, f"{prefix}{name}.")


@pytest.mark.parametrize("page", CURRENT, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_page_names_only_verbs_operations_settings_and_sections_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    verbs = {line for line in VERB.findall(text) if missing_verb(line.split()[:3])}
    asked = {(method, re.sub(r"\{[^}]*\}", "X", path)) for method, path in OPERATION.findall(text)}
    unknown = {
        (method, path)
        for method, path in asked
        if not path.startswith("/sandbox/")
        and not any(m == method and (r.fullmatch(path) or r.fullmatch(f"/api/v1{path}")) for m, r in operations())
    }
    names = set(settings_names(Settings))
    own = tuple(name for name in names if name.endswith("."))
    variables = {name.lower().replace("__", ".") for name in VARIABLE.findall(text)}
    assert not verbs, f"{page.name} names verbs that are not there"
    assert not unknown, f"{page.name} names operations that are not there"
    assert not {name for name in variables if name not in names and not name.startswith(own)}
    assert not {
        (file, at) for file, at in ANCHOR.findall(text) if at not in anchors(page.parent / file if file else page)
    }


def anchors(page: Path) -> set[str]:
    """What a link may name of a page."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_page_of_the_command_line_is_the_command_trees() -> None:
    from invest.cli.reference import page

    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == page(), "run `python -m invest.cli.reference`"


@pytest.mark.parametrize("name", ["README.md", "README.pt-BR.md"])
def test_every_page_is_in_the_index(name: str) -> None:
    linked = set(LINK.findall((ROOT / name).read_text(encoding="utf-8")))
    assert not {str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md")} - linked


def skeleton(name: str) -> tuple[list[int], list[str], list[str], list[str]]:
    """What a text and its translation share: depths of headings, commands, links to pages and what stands as code."""
    text = (ROOT / name).read_text(encoding="utf-8")
    depths = [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]
    blocks = [line for block in re.findall(r"```\w+\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    code = [re.sub(r"\s+#.*|ntfy://\S+|key create \S+", "", line) for line in blocks]
    links = [link for link in LINK.findall(text) if "README" not in link and not link.endswith(".png")]
    return depths, code, links, sorted(re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))


def test_the_portuguese_readme_has_every_part_of_the_english_one() -> None:
    for english, portuguese in zip(skeleton("README.md"), skeleton("README.pt-BR.md"), strict=True):
        assert portuguese == english
