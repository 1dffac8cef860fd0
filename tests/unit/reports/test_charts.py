"""Charts are valid, labelled SVG whose words never collide and whose gaps stay gaps."""

import re
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from invest.reports.charts import draw_bars, draw_chart, draw_lines, draw_price, draw_sparkline
from invest.reports.charts.canvas import fit, text_width
from invest.reports.charts.scale import decimals_for, runs, spread, ticks
from invest.reports.locale import locale_of
from invest.reports.sections.assets import returns_chart
from invest.reports.sections.company.dividends import year_chart
from invest.reports.sections.prices import price_chart
from invest.reports.views import Bar, BarsChart, Line, LinesChart, PriceChart
from tests.builders import reports as build

PT = locale_of("pt-BR")
SVG = "{http://www.w3.org/2000/svg}"


def chart(**changes: object) -> PriceChart:
    made = price_chart(build.bars(**changes), PT)  # type: ignore[arg-type]  # the builder's keywords
    assert made is not None
    return made


def texts(svg: str) -> list[tuple[str, float, float, float]]:
    """Each text with its box: left, top and bottom as estimated."""
    found = []
    for node in ET.fromstring(svg).iter(f"{SVG}text"):
        size, x, y = float(node.get("font-size", "0")), float(node.get("x", "0")), float(node.get("y", "0"))
        width = text_width(node.text or "", size)
        left = {"end": x - width, "middle": x - width / 2}.get(node.get("text-anchor", ""), x)
        found.append((node.text or "", left, left + width, y))
    return found


@pytest.mark.parametrize("last", [0.034, 1.2, 9.99, 48.67, 612_345.0])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("width", [300.0, 520.0])
def test_no_two_labels_of_a_price_chart_touch(last: float, seed: int, width: float) -> None:
    svg = draw_price(chart(last=last, seed=seed), PT, ident="p", width=width)
    placed = texts(svg)
    for i, (one, left, right, y) in enumerate(placed):
        assert right <= width + 1, one
        for other, left2, right2, y2 in placed[i + 1 :]:
            apart = right <= left2 or right2 <= left or abs(y - y2) >= 8
            assert apart, (one, other)


def test_a_chart_names_itself_for_a_screen_reader() -> None:
    root = ET.fromstring(draw_price(chart(), PT, ident="p"))
    assert root.get("role") == "img"
    ids = (root.get("aria-labelledby") or "").split()
    named = {node.get("id"): node.text for node in root if node.tag in (f"{SVG}title", f"{SVG}desc")}
    assert named[ids[0]] == "Preço ajustado de PETR4 com médias móveis e volume"
    assert "R$ 48,67" in (named[ids[1]] or "")


def test_a_stretch_without_quotes_is_a_gap_not_a_line() -> None:
    whole = draw_price(chart(), PT, ident="p")
    broken = draw_price(chart(holes=25), PT, ident="p")
    price = re.compile(r'<path class="s-blue" d="([^"]+)"')
    assert price.search(whole)[1].count("M") == 1  # type: ignore[index]  # the path is there
    assert price.search(broken)[1].count("M") == 2  # type: ignore[index]  # the path is there


def test_the_last_price_is_tagged_and_the_tick_beneath_it_left_out() -> None:
    days = [date(2026, 1, 1) + timedelta(days=i) for i in range(40)]
    values = tuple(40 + i * 0.25 for i in range(40))
    tag = chart().last.model_copy(update={"text": "49,75"})
    changes = {"days": tuple(days), "close": values, "averages": {}, "volume": (None,) * 40, "has_volume": False}
    made = chart().model_copy(update={**changes, "last": tag})
    shown = [text for text, *_ in texts(draw_price(made, PT, ident="p"))]
    assert "49,75" in shown
    assert "50,0" not in shown
    assert "45,0" in shown


def test_a_chart_needs_two_sessions() -> None:
    assert price_chart(build.no_bars(), PT) is None
    assert price_chart(build.bars(sessions=1), PT) is None
    assert price_chart(build.bars(sessions=2), PT) is not None


def test_moving_averages_wait_for_their_sessions() -> None:
    made = chart(sessions=60)
    assert set(made.averages) == {20, 50}
    assert sum(v is not None for v in made.averages[50]) == 11


def test_names_in_charts_are_escaped() -> None:
    hostile = '<script>alert(1)</script>&"\'R$ 5 #read("x")'
    bars = BarsChart(title=hostile, description=hostile, top=10, bars=(Bar(label=hostile, value=3, text=hostile),))
    root = ET.fromstring(draw_bars(bars, PT, ident="b"))
    assert not [n for n in root.iter() if "script" in n.tag]
    lines = LinesChart(
        title=hostile, description=hostile, days=(date(2026, 1, 1), date(2026, 1, 2)),
        lines=(Line(name=hostile, values=(100.0, 101.0)),),
    )  # fmt: skip
    ET.fromstring(draw_lines(lines, PT, ident="l"))


def test_a_missing_score_has_no_bar_and_prints_a_dash() -> None:
    bars = BarsChart(title="t", description="d", top=10, bars=(Bar(label="Valor", value=None, text="—", marker=5.0),))
    svg = draw_bars(bars, PT, ident="b")
    assert 'class="f-blue"' not in svg
    assert "—" in svg


def test_every_chart_of_every_width_is_valid_xml() -> None:
    analyses = build.several(9)
    series = {a.ticker: build.bars(a.ticker, seed=i) for i, a in enumerate(analyses)}
    charts = [chart(), returns_chart(list(series), series, PT), year_chart(build.actions(), build.LAST_DAY, PT)]
    for made in charts:
        assert made is not None
        for width in (200.0, 300.0, 520.0, 1000.0):
            ET.fromstring(draw_chart(made, PT, ident="x", width=width))


def test_sparklines_break_where_values_are_missing() -> None:
    assert draw_sparkline((1.0, 2.0, None, 3.0, 4.0)).count("M") == 2
    assert draw_sparkline((1.0,)) == ""
    ET.fromstring(draw_sparkline((1.0, 1.0, 1.0)))


def test_lines_start_at_100_and_stay_empty_before_an_asset_existed() -> None:
    old, young = build.bars("OLD3", sessions=400), build.bars("NEW3", sessions=60)
    made = returns_chart(["OLD3", "NEW3"], {"OLD3": old, "NEW3": young}, PT)
    assert made is not None
    first, second = made.lines
    assert first.values[0] == 100
    assert second.values[0] is None
    assert next(v for v in second.values if v is not None) == 100


@given(st.lists(st.floats(0, 200, allow_nan=False), min_size=1, max_size=8), st.floats(1, 20), st.floats(200, 400))
def test_spread_labels_keep_their_distance_and_their_order(wanted: list[float], gap: float, high: float) -> None:
    placed = spread(wanted, gap, 0, high)
    ordered = sorted(range(len(wanted)), key=lambda i: wanted[i])
    values = [placed[i] for i in ordered]
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(values))
    assert max(values) <= high + 1e-6


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_few_ascending_and_within(low: float, span: float) -> None:
    high = low + span
    assume(span > abs(low) * 1e-9)  # below, doubles cannot tell the ticks apart
    marks = ticks(low, high)
    assert len(marks) <= 12
    assert marks == sorted(marks)
    assert all(low - span * 1e-6 <= m <= high + span * 1e-6 for m in marks)


def test_ticks_of_one_value_do_not_fail() -> None:
    assert ticks(5, 5) == [5]
    assert ticks(float("nan"), 5) == []
    assert decimals_for([0.5, 0.75, 1.0]) == 2


def test_runs_split_at_missing_values_and_long_gaps() -> None:
    days = [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 20), date(2026, 1, 21)]
    assert runs(days, [1.0, 2.0, 3.0, None]) == [[0, 1], [2]]
    assert runs(days, [None, None, None, None]) == []


def test_long_labels_are_cut_to_their_room() -> None:
    assert text_width(fit("Petróleo, gás e biocombustíveis", 9, 60), 9) <= 60


@pytest.mark.parametrize("seed", range(12))
def test_the_name_of_the_price_stands_beside_its_tag(seed: int) -> None:
    placed = {text: y for text, _, _, y in texts(draw_price(chart(seed=seed), PT, ident="p", width=520))}
    assert abs(placed["Preço"] - placed["48,67"]) <= 1
    assert all(8 <= placed[f"MM {n}"] <= 178 for n in (20, 50, 200))
