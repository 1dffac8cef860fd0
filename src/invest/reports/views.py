"""The view model: everything a report says, already decided, worded and formatted.

A view is plain data (JSON in, JSON out), so that it can be stored and rendered later. Renderers decide only
their own notation. A `Figure` keeps the raw value and the way back to the payload beside the text that is printed.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from invest.domain.frozen import Frozen

Mark = Literal["up", "down", "flat", "good", "warn", "bad", "off"]
Align = Literal["left", "right"]
# Plain numbers of a chart, None where there is none; gaps stay gaps.
Series = tuple[float | None, ...]


class Figure(Frozen):
    """One printed number: its text, its raw value and where it comes from. `payload` is the first 12 hex digits."""

    text: str
    raw: float | None
    unit: str
    key: str | None = None
    fact_id: str | None = None
    source: str | None = None
    payload: str | None = None
    as_of: date | None = None
    stale: bool = False


class Ref(Frozen):
    """A reference to a fact: its id, and its number as the data holds it (`P/L 5,9`)."""

    fact_id: str
    text: str


class Cell(Frozen):
    """One cell of a table; `sub` is a second, smaller line, `spark` a small line chart."""

    text: str
    sub: str | None = None
    mark: Mark | None = None
    strong: bool = False
    muted: bool = False
    link: str | None = None
    figure: Figure | None = None
    refs: tuple[Ref, ...] = ()
    spark: Series | None = None
    exact: float | None = Field(default=None, description="the number that the text rounds")
    anchor: str | None = Field(default=None, description="fact id that references point to")
    span: int = 1


class Column(Frozen):
    """Header of a column. `width` is its share of the table; 0 is as wide as its content."""

    label: str
    align: Align = "left"
    width: float = 0


class Table(Frozen):
    """Rows of cells under a header; `caption` names it for a screen reader."""

    block: Literal["table"] = "table"
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    rest: tuple[tuple[Cell, ...], ...] = Field(
        default=(), description="rows that the last one sums up; workbook and CSV have them in its place"
    )
    small: bool = False


class Claim(Frozen):
    """A sentence, the facts it rests on, and who says so."""

    text: str
    refs: tuple[Ref, ...] = ()
    by: str | None = None
    mark: Mark | None = None


class Claims(Frozen):
    """A list of sentences."""

    block: Literal["claims"] = "claims"
    items: tuple[Claim, ...]


class Paragraph(Frozen):
    """One sentence or two."""

    block: Literal["paragraph"] = "paragraph"
    text: str
    refs: tuple[Ref, ...] = ()
    muted: bool = False


class Stat(Frozen):
    """A labelled figure of a strip."""

    label: str
    text: str
    sub: str | None = None
    mark: Mark | None = None
    figure: Figure | None = None


class Stats(Frozen):
    """Labelled figures side by side."""

    block: Literal["stats"] = "stats"
    items: tuple[Stat, ...]


class PriceChart(Frozen):
    """Adjusted closes of up to twelve months in BRL, moving averages, and volume beneath (units traded)."""

    block: Literal["price_chart"] = "price_chart"
    title: str
    description: str
    days: tuple[date, ...]
    close: Series
    averages: dict[int, Series] = Field(description="by number of sessions; the same length as `days`")
    volume: Series
    last: Figure
    has_volume: bool = True
    name: str = Field(default="", description="of the line; empty: the price")


class Line(Frozen):
    """One line of a chart; `emphasis` for the one the reader asked about."""

    name: str
    values: Series
    emphasis: bool = False


class LinesChart(Frozen):
    """Several series over the same days: `rebased` to 100 on the first one, or plain values in `unit`.

    Plain values are fractions where `unit` is "%", else as they are with `unit` behind them. `reference` is a level
    drawn across (a median), with its name.
    """

    block: Literal["lines_chart"] = "lines_chart"
    title: str
    description: str
    days: tuple[date, ...]
    lines: tuple[Line, ...]
    rebased: bool = True
    unit: Literal["", "%", "x"] = ""
    decimals: int = Field(default=1, description="of the last values beside the lines")
    reference: float | None = None
    reference_label: str = ""


class Bar(Frozen):
    """One horizontal bar. `marker` is compared with (the sector's median); `level` 1 is a part of the bar above."""

    label: str
    value: float | None
    text: str
    sub: str | None = None
    marker: float | None = None
    level: Literal[0, 1] = 0


class BarsChart(Frozen):
    """Horizontal bars on a common scale 0..`top`."""

    block: Literal["bars_chart"] = "bars_chart"
    title: str
    description: str
    top: float
    bars: tuple[Bar, ...]
    marker_label: str | None = None


class ColumnsChart(Frozen):
    """Vertical columns with their labels (money per year); `wide` ones take the whole width they are given."""

    block: Literal["columns_chart"] = "columns_chart"
    title: str
    description: str
    bars: tuple[Bar, ...]
    wide: bool = False


class Group(Frozen):
    """One series of a groups chart: its values by period, None where there is none."""

    name: str
    values: Series
    texts: tuple[str, ...]


class GroupsChart(Frozen):
    """Columns side by side per period (revenue and profit by year); values may be negative. `unit` stands once."""

    block: Literal["groups_chart"] = "groups_chart"
    title: str
    description: str
    unit: str
    labels: tuple[str, ...]
    groups: tuple[Group, ...]


class Dot(Frozen):
    """One row of a dots chart: a dot on the common axis, and the range around it where there is one."""

    label: str
    value: float | None
    text: str
    low: float | None = None
    high: float | None = None
    hollow: bool = False


class Level(Frozen):
    """A level that all rows of a dots chart are compared with."""

    label: str
    value: float
    text: str
    strong: bool = False


class DotsChart(Frozen):
    """A dot per row on one axis, with the levels they are compared with. Values are fractions or BRL by `unit`."""

    block: Literal["dots_chart"] = "dots_chart"
    title: str
    description: str
    unit: Literal["%", "R$"]
    dots: tuple[Dot, ...]
    levels: tuple[Level, ...]


Chart = PriceChart | LinesChart | BarsChart | ColumnsChart | GroupsChart | DotsChart
Block = Annotated[
    Table | Claims | Paragraph | Stats | PriceChart | LinesChart | BarsChart | ColumnsChart | GroupsChart | DotsChart,
    Field(discriminator="block"),
]


class Section(Frozen):
    """A titled part. `span` of twelve: neighbours that fit into twelve stand side by side."""

    id: str
    title: str
    note: str = ""
    blocks: tuple[Block, ...]
    span: Literal[4, 5, 6, 7, 8, 12] = 12
    appendix: bool = Field(default=False, description="where things come from: behind the report, on demand")


class Header(Frozen):
    """What it is and what it costs now."""

    title: str
    name: str = ""
    tagline: str = ""
    value: str = ""
    change: str = ""
    change_mark: Mark | None = None
    value_note: str = ""


class Strip(Frozen):
    """What is thought of it, and how sure."""

    label: str
    verdict: str
    mark: Mark
    sentence: Claim
    stats: tuple[Stat, ...]


class ReportView(Frozen):
    """What every kind of report has. `sections` are in the order they are read."""

    report_id: str
    report_type: str
    language: Literal["pt-BR", "en"]
    title: str = Field(description="title of the document, as in the PDF's metadata")
    generated_at: AwareDatetime
    sandbox: bool
    stamp: str | None = Field(description="stands visibly on every page when the data is not real")
    header: Header
    strip: Strip | None = None
    sections: tuple[Section, ...]
    footer: str
    disclaimer: str
    disclaimers: tuple[str, ...]

    def section(self, ident: str) -> Section | None:
        """The section called `ident`, if the report has it."""
        return next((s for s in self.sections if s.id == ident), None)


class AssetReportView(ReportView):
    """One asset."""

    report_type: Literal["asset"] = "asset"
    ticker: str
    contract: dict[str, Any] = Field(description="the contract's parts of the report: overview, quantitative_analysis…")


class ComparisonReportView(ReportView):
    """Several assets beside each other."""

    report_type: Literal["comparison"] = "comparison"
    tickers: tuple[str, ...]
    winner: str | None
    contract: dict[str, Any]


class PortfolioReportView(ReportView):
    """One portfolio."""

    report_type: Literal["portfolio"] = "portfolio"
    portfolio_id: str
    contract: dict[str, Any]


class MarketReportView(ReportView):
    """One market: its ranking and its weather."""

    report_type: Literal["market_overview"] = "market_overview"
    market: str
    contract: dict[str, Any]


class WeeklyReportView(ReportView):
    """One portfolio's week."""

    report_type: Literal["weekly"] = "weekly"
    portfolio_id: str
    contract: dict[str, Any]


AnyView = Annotated[
    AssetReportView | ComparisonReportView | PortfolioReportView | MarketReportView | WeeklyReportView,
    Field(discriminator="report_type"),
]
_VIEWS: TypeAdapter[AnyView] = TypeAdapter(AnyView)


def load_view(stored: str | bytes | dict[str, Any]) -> AnyView:
    """The view that `view.model_dump_json()` (or `model_dump(mode="json")`) stored, whichever kind it is."""
    return _VIEWS.validate_python(stored) if isinstance(stored, dict) else _VIEWS.validate_json(stored)
