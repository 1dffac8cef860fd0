"""Every kind of report in both languages as pictures, to be looked at.

python -m bench.looks [--fresh] [--only NAME ...]   -> bench/out/looks/*.png

The data comes from the real jobs over a sandbox market (`bench.looks_gather`, kept in bench/out/looks/data.pickle until
`--fresh`); poor data, one source, no AI and long names are made from it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pypdfium2
from PIL import Image

from bench.looks_gather import TaxLook, kept_or_gathered
from bench.outputs import OUT
from invest.domain.analysis import History, Recommendation, Withheld, history_of
from invest.domain.market import Bars
from invest.reports import (
    AssetReportData,
    ComparisonReportData,
    MarketReportData,
    PortfolioReportData,
    ReportView,
    WeeklyReportData,
    build_asset_view,
    build_comparison_view,
    build_market_view,
    build_portfolio_view,
    build_tax_view,
    build_weekly_view,
    render_html,
    render_pdf,
)

LOOKS = OUT / "looks"
SCALE = 1.45  # pixels per point: an A4 page of 863 x 1221


def _tax_view(look: TaxLook) -> ReportView:
    return build_tax_view(
        look.year, name=look.name, report_id="looks", generated_at=look.now, sandbox=True, language=look.language
    )


BUILDERS: dict[type, Callable[[Any], ReportView]] = {
    AssetReportData: build_asset_view,
    ComparisonReportData: build_comparison_view,
    MarketReportData: build_market_view,
    PortfolioReportData: build_portfolio_view,
    TaxLook: _tax_view,
    WeeklyReportData: build_weekly_view,
}
LONG = (
    "Companhia Brasileira de Participações em Infraestrutura, Energia, Saneamento e Telecomunicações do Nordeste S.A."
)


def variants(kept: dict[str, Any]) -> dict[str, Any]:
    """What was gathered, and harder cases made from it."""
    found = {name: _with_history(data, kept) for name, data in kept.items() if type(data) in BUILDERS}
    kept = kept | found
    for language in ("pt-BR", "en"):
        stock = kept[f"stock.{language}"]
        found[f"stock-no-ai.{language}"] = replace(stock, opinions=(), ai_consensus=None, objection=None)
        found[f"stock-one-source.{language}"] = replace(
            stock, analysis=stock.analysis.model_copy(update={"sources": ["brapi"]}), quality=()
        )
        found[f"stock-thin.{language}"] = _thin(stock)
        found[f"stock-long-name.{language}"] = replace(
            stock, analysis=stock.analysis.model_copy(update={"name": LONG, "sector": LONG.replace("S.A.", "")})
        )
    return found


def _with_history(data: Any, kept: dict[str, Any]) -> Any:
    """The data with its history computed anew, so that work on it is seen without gathering again."""
    given = kept["inputs"].get(data.analysis.ticker) if isinstance(data, AssetReportData) else None
    if given is None:
        return data
    fresh = history_of(given)
    kept_dollar = data.history
    return replace(
        data,
        history=replace(
            fresh,
            multiples=kept_dollar.multiples if len(fresh.multiples) == len(kept_dollar.multiples) else fresh.multiples,
            dollar=kept_dollar.dollar,
            dollar_change_1y=kept_dollar.dollar_change_1y,
            dollar_return_1y=kept_dollar.dollar_return_1y,
        ),
    )


def _thin(stock: AssetReportData) -> AssetReportData:
    """The same asset a month after its listing: a few bars, no filing, no dividend, no news."""
    kept = [f for f in stock.analysis.facts if f.key in ("close", "change_1d", "turnover_21d")]
    whole = stock.analysis
    analysis = whole.model_copy(
        update={
            "fundamental_analysis": _emptied(whole.fundamental_analysis),
            "technical_analysis": _emptied(whole.technical_analysis),
            "valuation_analysis": _emptied(whole.valuation_analysis),
            "risk_analysis": _emptied(whole.risk_analysis),
            "sentiment_analysis": _emptied(whole.sentiment_analysis),
            "facts": kept, "overall_score": None, "coverage": 0.12, "recommendation": Recommendation.INSUFFICIENT_DATA,
            "dimensions": [], "reasons": [], "withheld": Withheld.COVERAGE, "missing": ["p_l", "roe", "dividend_yield"],
        }
    )  # fmt: skip
    return replace(
        stock, analysis=analysis, bars=_last_sessions(stock.bars, 15),
        opinions=(), ai_consensus=None, objection=None, actions=(), news=(), history=History(), peers=(),
    )  # fmt: skip


def _emptied(part: Any) -> Any:
    """A part of an analysis without a figure: nulls, empty lists and nought counts."""
    bare = {"list": [], "tuple": (), "int": 0, "dict": {}, "bool": False}
    return part.model_copy(update={n: bare.get(type(v).__name__) for n, v in part if not isinstance(v, str)})


def _last_sessions(bars: Bars, count: int) -> Bars:
    first = max(0, len(bars) - count)
    columns: dict[str, Any] = {f.name: getattr(bars, f.name) for f in fields(bars)}
    return Bars(**{name: value if name == "ticker" else value[first:] for name, value in columns.items()})


def draw(name: str, view: ReportView) -> int:
    """One PNG per page, a sheet of all pages, and the report as PDF and HTML; the number of pages."""
    (LOOKS / f"{name}.html").write_text(render_html(view), encoding="utf-8")
    pdf = render_pdf(view)
    (LOOKS / f"{name}.pdf").write_bytes(pdf)
    document = pypdfium2.PdfDocument(pdf)
    pages = [page.render(scale=SCALE).to_pil() for page in document]
    document.close()
    for number, page in enumerate(pages, start=1):
        page.save(LOOKS / f"{name}-{number}.png")
    sheet = Image.new("RGB", (sum(page.width for page in pages), pages[0].height), "white")
    for number, page in enumerate(pages):
        sheet.paste(page, (number * page.width, 0))
    sheet.save(LOOKS / f"{name}.png")
    return len(pages)


def main() -> None:
    """Draw what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", action="store_true", help="gather the data again")
    parser.add_argument("--only", nargs="*", default=[], help="names, or beginnings of names, to draw")
    options = parser.parse_args()
    LOOKS.mkdir(parents=True, exist_ok=True)
    kept = kept_or_gathered(LOOKS / "data.pickle", fresh=options.fresh)
    for name, data in sorted(variants(kept).items()):
        if options.only and not name.startswith(tuple(options.only)):
            continue
        for old in LOOKS.glob(f"{name}-[0-9]*.png"):
            old.unlink()
        pages = draw(name, BUILDERS[type(data)](data))
        print(f"  {name:<32}{pages} pages")


if __name__ == "__main__":
    main()
