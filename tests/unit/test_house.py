"""The house: the picture of docs/architecture.md is fresh, and every room has the size and the face that it should."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
# A folder whose modules are endpoints, verbs or stand-ins has no face of names: its table imports them one by one.
PACKAGES = sorted(p.parent for p in SRC.rglob("__init__.py"))


def house() -> ModuleType:
    """docs/house.py as a module."""
    spec = importlib.util.spec_from_file_location("house", ROOT / "docs" / "house.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_of_the_house_is_fresh() -> None:
    assert (ROOT / "docs" / "house.svg").read_text(encoding="utf-8") == house().draw(), "run: python docs/house.py"


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: str(p.relative_to(SRC)))
def test_a_room_holds_up_to_sixteen_modules_and_says_what_for(package: Path) -> None:
    modules = [p for p in package.glob("*.py") if p.name != "__init__.py"]
    assert len(modules) <= 16
    sentence = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    assert sentence and sentence.split("\n")[0].endswith(".")


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda p: str(p.relative_to(SRC)))
def test_no_module_is_longer_than_four_hundred_lines_and_no_function_than_sixty(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    long = [
        f"{node.name} ({node.end_lineno - node.lineno + 1})"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 60
    ]
    assert not long


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda p: str(p.relative_to(SRC)))
def test_no_module_imports_the_face_of_its_own_room(path: Path) -> None:
    room = ".".join(path.parent.relative_to(SRC).parts)
    modules = {p.stem for p in path.parent.iterdir()}
    names = [
        alias.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == room and path.name != "__init__.py"
        for alias in node.names
    ]
    assert [name for name in names if name not in modules and not name.startswith("__")] == []
