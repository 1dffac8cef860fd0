"""What PDF/UA-1 asks of a tagged file, looked up in the bytes: nothing unmarked, tables and figures named, order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pypdf.generic import ContentStream

from tests.builders.report_views import KINDS
from tests.unit.reports.test_rendering import printed, reader

# ISO 32000-1, 14.8.4: the standard structure types that our documents use.
STANDARD = {
    "/Document", "/H1", "/H2", "/P", "/Span", "/Table", "/TR", "/TH", "/TD", "/THead", "/TBody", "/L", "/LI", "/Lbl",
    "/LBody", "/Figure", "/Link", "/Div", "/Sect", "/NonStruct",
}  # fmt: skip
SHOWS = {b"Tj", b"TJ", b"'", b'"', b"f", b"f*", b"F", b"S", b"s", b"B", b"B*", b"b", b"b*", b"Do", b"sh"}


def elements(node: Any) -> Iterator[Any]:
    """Every structure element beneath `node`, in reading order."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        for child in node:
            yield from elements(child)
    elif isinstance(node, dict):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from elements(node["/K"])


def children(element: Any) -> list[Any]:
    """The structure elements right beneath one."""
    kids = element.get("/K", [])
    kids = kids.get_object() if hasattr(kids, "get_object") else kids
    found = [k.get_object() if hasattr(k, "get_object") else k for k in (kids if isinstance(kids, list) else [kids])]
    return [k for k in found if isinstance(k, dict) and "/S" in k]


def attributes(element: Any) -> dict[str, Any]:
    """All attributes of an element, whichever owner they have."""
    held = element.get("/A", [])
    held = held.get_object() if hasattr(held, "get_object") else held
    return {k: v for one in (held if isinstance(held, list) else [held]) for k, v in dict(one.get_object()).items()}


def rows(table: Any) -> Iterator[Any]:
    for child in children(table):
        if child["/S"] == "/TR":
            yield child
        else:
            yield from rows(child)


@pytest.mark.parametrize("kind", KINDS)
def test_every_mark_on_a_page_belongs_to_the_structure_or_is_an_artifact(kind: str) -> None:
    document = reader(printed(kind))
    for page in document.pages:
        contents = ContentStream(page.get_contents(), document)
        marked: list[bool] = []
        shown = 0
        for operands, operator in contents.operations:
            if operator in (b"BDC", b"BMC"):
                named = operands[1] if len(operands) > 1 and isinstance(operands[1], dict) else {}
                marked.append(operands[0] == "/Artifact" or "/MCID" in named)
            elif operator == b"EMC":
                marked.pop()
            elif operator in SHOWS:
                shown += 1
                assert any(marked), (kind, operator)
        assert shown > 20
        assert not marked


@pytest.mark.parametrize("kind", KINDS)
def test_tables_figures_and_headings_are_tagged_as_the_standard_asks(kind: str) -> None:
    root: Any = reader(printed(kind)).trailer["/Root"]
    found = list(elements(root["/StructTreeRoot"]["/K"]))
    assert {str(e["/S"]) for e in found} <= STANDARD
    for figure in (e for e in found if e["/S"] == "/Figure"):
        assert str(figure.get("/Alt", "")).strip()
    heads = [e for e in found if e["/S"] == "/TH"]
    assert heads
    assert {str(attributes(e).get("/Scope")) for e in heads} == {"/Column"}
    for table in (e for e in found if e["/S"] == "/Table"):
        widths = {sum(int(attributes(cell).get("/ColSpan", 1)) for cell in children(row)) for row in rows(table)}
        assert len(widths) == 1, widths
        assert all(cell["/S"] in ("/TH", "/TD") for row in rows(table) for cell in children(row))
    levels = [int(str(e["/S"])[2]) for e in found if str(e["/S"]).startswith("/H") and len(str(e["/S"])) == 3]
    assert levels[0] == 1
    assert set(levels[1:]) == {2}
    for item in (e for e in found if e["/S"] == "/L"):
        assert {str(child["/S"]) for child in children(item)} == {"/LI"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_reader_is_told_title_language_order_and_letters(kind: str) -> None:
    document = reader(printed(kind))
    root: Any = document.trailer["/Root"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert str(root["/Lang"]).lower() == "pt-br"
    assert b"<pdfuaid:part>1" in root["/Metadata"].get_data()
    for page in document.pages:
        pointed: list[Any] = [a.get_object() for a in page.get("/Annots", [])]
        assert not pointed or str(page["/Tabs"]) == "/S"
        assert "/StructParents" in page
        assert all("/StructParent" in a and str(a.get("/Contents", "")).strip() for a in pointed)
        fonts: Any = page["/Resources"]["/Font"]  # type: ignore[index]  # a page with text has fonts
        for font in (fonts[name].get_object() for name in fonts):
            assert "/ToUnicode" in font
            held = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
            assert any(key in held for key in ("/FontFile2", "/FontFile3"))
