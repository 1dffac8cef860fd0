"""Markdown, HTML and PDF of every kind of report: whole, valid, accessible, small."""

import io
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any

import pypdf
import pytest
from selectolax.lexbor import LexborHTMLParser

from invest.reports import (
    ReportView,
    UnknownFormat,
    build_asset_view,
    build_comparison_view,
    build_market_view,
    build_portfolio_view,
    export_view,
    render_html,
    render_markdown,
    render_pdf,
)
from invest.reports.charts.canvas import COLOURS
from tests.builders import reports as build
from tests.builders.report_views import KINDS

AWKWARD: dict[str, Callable[[], ReportView]] = {
    "nothing known": lambda: build_asset_view(
        build.asset_data(
            analysis=build.bare(), bars=build.no_bars("XPTO3"), opinions=[], ai_consensus=None, actions=[], news=[],
            quality=[], payloads=[], outcomes=[], track_record=[],
        )
    ),
    "long names": lambda: build_asset_view(
        build.asset_data(analysis=build.analysis(name="Muito " + "Longa " * 60, sector="Setor " + "longo " * 40))
    ),
    "fund in english": lambda: build_asset_view(build.asset_data(analysis=build.fund(), language="en")),
    "one word without a break": lambda: build_asset_view(build.asset_data(analysis=build.analysis(name="x" * 300))),
    "twenty assets": lambda: build_comparison_view(build.comparison_data(build.several(20))),
    "two unknown assets": lambda: build_comparison_view(
        build.comparison_data([build.bare("XPTO3"), build.bare("ABCD3")], ai_consensus={}, bars={})
    ),
    "empty portfolio": lambda: build_portfolio_view(
        build.portfolio_data(0, metrics={}, curves={}, curve_days=[], dividends_by_month=[], total_invested=None)
    ),
    "empty market": lambda: build_market_view(build.market_data(0, index=None, macro=[], news=[], bars={})),
}  # fmt: skip


@cache
def printed(kind: str, language: str = "pt-BR", *, sandbox: bool = False) -> bytes:
    """The PDF of one kind, set once for all the tests that look at it."""
    return render_pdf(KINDS[kind](language=language, sandbox=sandbox))


def reader(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf))


@cache
def texts(kind: str, *, sandbox: bool = False) -> tuple[str, ...]:
    """What the pages of that PDF say."""
    return tuple(page.extract_text() for page in reader(printed(kind, sandbox=sandbox)).pages)


def struct_types(node: Any) -> Counter[str]:
    """Kinds of structure elements in a tagged PDF."""
    found: Counter[str] = Counter()
    pending = [node]
    while pending:
        current = pending.pop()
        current = current.get_object() if hasattr(current, "get_object") else current
        if isinstance(current, list):
            pending.extend(current)
        elif isinstance(current, dict):
            if "/S" in current:
                found[str(current["/S"])] += 1
            if "/K" in current:
                pending.append(current["/K"])
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["pt-BR", "en"])
def test_a_pdf_is_tagged_titled_and_in_its_language(kind: str, language: str) -> None:
    view = KINDS[kind](language=language)
    document = reader(printed(kind, language))
    root: Any = document.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert str(root["/Lang"]).lower() == ("pt-br" if language == "pt-BR" else "en-us")
    assert document.metadata is not None
    assert document.metadata.title == view.title
    types = struct_types(root["/StructTreeRoot"]["/K"])
    assert types["/H1"] == 1
    assert types["/H2"] == sum(not s.appendix and s.id != "sources" for s in view.sections)
    assert types["/Table"] >= 1
    assert types["/TH"] >= 2


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_reports_render_in_every_format(name: str) -> None:
    view = AWKWARD[name]()
    assert len(reader(render_pdf(view)).pages) >= 1
    assert LexborHTMLParser(render_html(view)).css_first("h1") is not None
    assert render_markdown(view).startswith("# ")


def test_charts_of_a_pdf_carry_their_description_and_our_typeface() -> None:
    pdf = printed("asset")
    assert struct_types(reader(pdf).trailer["/Root"]["/StructTreeRoot"]["/K"])["/Figure"] == 8  # type: ignore[index]  # the catalogue is there
    fonts: Any = reader(pdf).pages[0]["/Resources"]["/Font"]  # type: ignore[index]  # a page with text has fonts
    names = {str(fonts[name]["/BaseFont"]).split("+")[-1] for name in fonts}
    assert names
    assert all(name.startswith("SourceSansPro") for name in names), names


@pytest.mark.parametrize("kind", KINDS)
def test_sandbox_data_is_stamped_on_every_page_and_in_every_format(kind: str) -> None:
    view = KINDS[kind](sandbox=True)
    pages = texts(kind, sandbox=True)
    assert all("SANDBOX — dados de teste" in text for text in pages)
    assert "SANDBOX — dados de teste" in render_html(view)
    assert "SANDBOX — dados de teste" in render_markdown(view)


def test_every_page_says_that_it_is_no_advice_and_which_page_it_is() -> None:
    pages = texts("asset")
    assert len(pages) > 1
    for number, text in enumerate(pages, start=1):
        assert "Não é recomendação de investimento" in text
        assert f"{number} / {len(pages)}" in text


def test_the_pdf_says_what_the_view_says() -> None:
    text = " ".join(" ".join(page.split()) for page in texts("asset"))
    for words in ("R$ 48,67", "Petróleo Brasileiro S.A. Petrobras", "Compra", "barato no setor", "24,2%", "Fontes: B3",
                  "Tempo esgotado: sem resposta em 60 s", "US$ 0,0693"):  # fmt: skip
        assert words in text, words


def test_provenance_is_out_of_the_readers_way_and_there_on_demand() -> None:
    view = KINDS["asset"]()
    plain = " ".join(texts("asset"))
    whole = " ".join(p.extract_text() for p in reader(render_pdf(view, appendix=True)).pages)
    assert build.sha("payload 0")[:12] not in plain
    assert "[f01]" not in plain
    assert build.sha("payload 0")[:12] in whole
    assert "[f01]" in whole
    assert build.sha("payload 0")[:12] not in render_markdown(view)
    page = LexborHTMLParser(render_html(view))
    folded: Any = page.css_first("details#appendix")
    assert build.sha("payload 0")[:12] in folded.text()
    assert folded.attributes.get("open") is None


@pytest.mark.slow
def test_reports_are_typeset_in_several_threads_at_once() -> None:
    kinds = [*KINDS, "weekly"]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(render_pdf, [KINDS[kind]() for kind in kinds]))
    assert together == [printed(kind) for kind in kinds]


def test_the_same_view_gives_the_same_pdf() -> None:
    assert render_pdf(KINDS["weekly"]()) == printed("weekly")


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_one_file_without_scripts_or_anything_fetched(kind: str) -> None:
    html = render_html(KINDS[kind]())
    assert len(html.encode()) < 500_000
    tree = LexborHTMLParser(html)
    assert not tree.css("script, link, img, iframe, object, embed, form, base")
    assert not re.search(r"\son\w+=", html)
    assert "@import" not in html
    assert "url(" not in html
    assert [n.attributes["content"] for n in tree.css("meta[http-equiv]")] == [
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    ]


@pytest.mark.slow
def test_twenty_assets_stay_under_the_size_of_a_page() -> None:
    assert len(render_html(AWKWARD["twenty assets"]()).encode()) < 500_000
    assert len(render_pdf(AWKWARD["twenty assets"]())) < 1_000_000


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_can_be_read_by_a_machine_that_reads_aloud(kind: str) -> None:
    tree = LexborHTMLParser(render_html(KINDS[kind]()))
    assert tree.css_first("html").attributes["lang"] == "pt-BR"  # type: ignore[union-attr]  # a page has a root
    ids = [node.attributes["id"] for node in tree.css("[id]")]
    assert len(ids) == len(set(ids))
    for node in tree.css("svg[role=img]"):
        for ident in (node.attributes["aria-labelledby"] or "").split():
            assert ident in ids
    for node in tree.css("section"):
        assert node.attributes["aria-labelledby"] in ids
    for anchor in tree.css('a[href^="#"]'):
        assert (anchor.attributes["href"] or "")[1:] in ids
    assert len(tree.css("h1")) == 1
    assert all(table.attributes.get("aria-label") for table in tree.css("table"))
    assert all(cell.attributes.get("scope") == "col" for cell in tree.css("th"))


def test_rows_have_as_many_cells_as_there_are_columns() -> None:
    for made in (*(make() for make in KINDS.values()), *(make() for make in AWKWARD.values())):
        for section in made.sections:
            for block in section.blocks:
                if block.block == "table":
                    for row in block.rows:
                        assert sum(cell.span for cell in row) == len(block.columns), (section.id, row)


def test_headings_do_not_skip_a_level() -> None:
    levels = [int(str(n.tag)[1]) for n in LexborHTMLParser(render_html(KINDS["asset"]())).css("h1, h2, h3, h4")]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


# What carries meaning in a chart; "volume" and "track" are context whose figures stand in words beside them.
DRAWN = ("ink", "muted", "faint", "blue", "amber", "red", "green")
WRITTEN = ("ink", "muted", "blue", "amber-ink", "red", "green")


def template(name: str) -> str:
    return resources.files("invest.reports").joinpath("templates", name).read_text(encoding="utf-8")


def test_text_and_charts_of_a_page_have_the_contrast_of_aa_in_light_and_dark_and_in_print() -> None:
    css = template("report.css")
    schemes = [dict(re.findall(r"--([a-z-]+):(#[0-9a-f]+)", block)) for block in re.findall(r":root\{([^}]+)\}", css)]
    assert len(schemes) == 3
    for scheme in (schemes[0], schemes[0] | schemes[1], schemes[0] | schemes[2]):
        for role in WRITTEN:
            assert contrast(scheme[role], scheme["paper"]) >= 4.5, role
        for role in ("ink", "muted", "blue"):
            assert contrast(scheme[role], scheme["tint"]) >= 4.5, role
        for role in DRAWN:
            assert contrast(scheme[role], scheme["paper"]) >= 3, role
        assert contrast(scheme["band-ink"], scheme["band"]) >= 4.5
        assert contrast(scheme["paper"], scheme["blue"]) >= 4.5
    assert len(css.encode()) < 12_000


def test_text_and_charts_of_a_pdf_have_the_contrast_of_aa() -> None:
    source = template("report.typ")
    colours = dict(re.findall(r'#let ([a-z]+) = rgb\("(#[0-9a-f]{6})"\)', source))
    assert {"ink", "muted", "hair", "tint", "blue", "amber", "red", "green"} <= set(colours)
    for role in ("ink", "muted", "blue", "amber", "red", "green"):
        assert contrast(colours[role], "#ffffff") >= 4.5, role
    for role in ("ink", "muted", "blue", "red", "green"):
        assert contrast(colours[role], colours["tint"]) >= 4.5, role
    band = re.findall(
        r'block\(width: 210mm, fill: rgb\("(#[0-9a-f]{6})"\).*?text\(.*?fill: rgb\("(#[0-9a-f]{6})"\)',
        source,
        re.DOTALL,
    )
    assert len(band) == 1
    assert contrast(*band[0]) >= 4.5
    others = set(re.findall(r'rgb\("(#[0-9a-f]{6})"\)', source)) - set(colours.values()) - set(band[0])
    assert others == {"#cbd2d9"}  # the rule under a heading, which says nothing
    charts = {str(role): colour for role, colour in COLOURS.items()}
    for role in DRAWN:
        assert contrast(charts[role], "#ffffff") >= 3, role
    for role in WRITTEN:
        assert contrast(charts[role], "#ffffff") >= 4.5, role
    assert contrast(COLOURS["paper"], COLOURS["blue"]) >= 4.5  # the last price on its tag


def test_charts_can_be_left_out() -> None:
    view = KINDS["asset"]()
    assert "<svg" in render_html(view)
    assert "<svg" not in render_html(view, charts=False)
    assert len(render_pdf(view, charts=False)) < len(printed("asset"))
    assert "o fechamento ajustado foi de" not in render_markdown(view, charts=False)


def test_markdown_tables_have_a_column_for_every_header() -> None:
    for make in KINDS.values():
        lines = render_markdown(make()).splitlines()
        for above, rule in pairwise(lines):
            if re.fullmatch(r"\|( -{3}:? \|)+|\|( ---:? \|)+", rule):
                assert above.count(" | ") == rule.count(" | ")


def test_markdown_prints_money_as_it_is_written() -> None:
    text = render_markdown(KINDS["asset"]())
    assert "R$ 48,67" in text
    assert "[f01]" not in text


@pytest.mark.parametrize(
    ("format_", "head", "media_type", "suffix"),
    [
        ("pdf", b"%PDF-", "application/pdf", ".pdf"),
        ("html", b"<!DOCTYPE html>", "text/html; charset=utf-8", ".html"),
        ("markdown", b"# PETR4", "text/markdown; charset=utf-8", ".md"),
        ("xlsx", b"PK", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
        ("csv", "\ufeffPreço em 12 meses".encode(), "text/csv; charset=utf-8", ".csv"),
        ("json", b"{", "application/json", ".json"),
    ],
)
def test_a_view_is_exported_with_its_media_type_and_a_safe_name(
    format_: str, head: bytes, media_type: str, suffix: str
) -> None:
    view = build_asset_view(build.asset_data(report_id="../../r 1"))
    file = export_view(view, format_)
    assert file.body.startswith(head)
    assert file.media_type == media_type
    assert file.name == f"asset-PETR4-2026-03-31-r-1{suffix}"


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(UnknownFormat, match="docx"):
        export_view(KINDS["asset"](), "docx")


def test_a_pdf_claims_the_accessibility_standard_and_says_so() -> None:
    assert b"pdfuaid" in printed("asset")


def test_letters_that_no_font_can_show_do_not_stop_a_report() -> None:
    view = build_asset_view(build.asset_data(analysis=build.analysis(name="شركة 公司 कंपनी 🚀")))
    root: Any = reader(render_pdf(view)).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "公司" in render_html(view)


def test_printed_pages_are_stamped_in_their_margin_only_where_the_data_is_not_real() -> None:
    assert '@top-center{content:"SANDBOX — dados de teste"' in render_html(KINDS["asset"](sandbox=True))
    assert "@top-center" not in render_html(KINDS["asset"]())
