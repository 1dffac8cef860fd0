"""Blocks of a report as a page draws them: what a phone needs otherwise, what a column without a name is."""

from __future__ import annotations

from invest.api.pages.rendering import Drawing, templates
from invest.api.pages.wording import Wording
from invest.reports import locale_of
from invest.reports.views import Block, Cell, Column, Dot, DotsChart, Table


def drawn(block: Block, width: int = 700) -> str:
    """A block of a section of that width."""
    source = '{% from "desk/blocks.html" import block with context %}{{ block(b, [], width) }}'
    words = Wording("en")
    page = templates().from_string(source)
    chart = Drawing(locale_of("en")).chart
    return page.render(b=block, width=width, _=words.say, w=words, n=words.locale, chart=chart)


def test_a_wide_chart_of_dots_is_drawn_for_a_phone_as_well() -> None:
    dots = (Dot(label="OpenAI", value=0.57, text="57%"), Dot(label="Gemini", value=0.54, text="54%"))
    chart = DotsChart(title="Beat the index", description="57% and 54%", unit="%", dots=dots, levels=())
    made = drawn(chart)
    assert made.startswith('<div class="small"><svg') and made.count("<svg") == 2
    assert 'viewBox="0 0 300 ' in made and 'viewBox="0 0 700 ' in made
    assert made.count('id="chart-1') >= 1 and made.count('id="chart-2') >= 1, "each under a name of its own"
    assert drawn(chart, 300).count("<svg") == 1


def test_days_stay_on_one_line_and_a_column_without_a_name_has_no_header() -> None:
    columns = (Column(label=""), Column(label="Event"))
    row = (Cell(text="26 Nov 2026"), Cell(text="dividend of a company"))
    made = drawn(Table(caption="Dates", columns=columns, rows=(row,)))
    assert '<td class="c">26 Nov 2026</td><td>dividend of a company</td>' in made
    assert '<thead><tr><td></td><th scope="col">Event</th></tr></thead>' in made
    assert 'role="group"' in made, "a section of the same name is the landmark"
