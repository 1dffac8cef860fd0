"""Wide tables of pages: each cell names its column for a phone."""

from __future__ import annotations

from invest.api.pages.tables import stacked

HEAD = (
    '<thead><tr><th>Name</th><th class="r"><a href="?sort=x">Cost, R$</a></th><th>A</th><th>B</th><th></th></tr>'
    "</thead>"
)
ROW = '<tr data-id="x"><td><b>PETR4</b></td><td class="r">30</td><td>—</td><td>b</td><td>act</td></tr>'


def test_each_cell_of_a_wide_table_names_its_column() -> None:
    made = stacked(f"<p>a</p><table>{HEAD}<tbody>{ROW}</tbody></table>")
    assert made.startswith('<p>a</p><table class="stack"><thead>')
    assert '<td data-th="Name"><b>PETR4</b></td><td class="r" data-th="Cost, R$">30</td>' in made
    assert '<td data-th="A" data-none>—</td><td data-th="B">b</td><td>act</td>' in made


def test_columns_without_a_name_and_of_buttons_name_no_cell() -> None:
    unnamed = '<th><span class="sr">Actions</span></th>'
    made = stacked(f"<table>{HEAD.replace('<th></th>', unnamed)}<tbody>{ROW}</tbody></table>")
    assert '<td data-th="B">b</td><td>act</td>' in made
    first = stacked(f"<table>{HEAD.replace('<th>Name</th>', '<td></td>')}<tbody>{ROW}</tbody></table>")
    assert '<td><b>PETR4</b></td><td class="r" data-th="Cost, R$">30</td>' in first


def test_a_cell_over_several_columns_has_no_name_and_moves_the_others() -> None:
    row = '<tr><td class="r" colspan="3">old</td><td>b</td></tr>'
    assert '<td class="r" colspan="3">old</td><td data-th="B">b</td>' in stacked(f"<table>{HEAD}{row}</table>")


def test_narrow_tables_and_those_done_before_stay_as_they_are() -> None:
    narrow = "<table><thead><tr><th>A</th><th>B</th></tr></thead><tr><td>1</td><td>2</td></tr></table>"
    assert stacked(narrow) == narrow
    chosen = narrow.replace("<table>", '<table class="stack">')
    assert '<td data-th="A">1</td>' in stacked(chosen)
    once = stacked(f'<table aria-label="x">{HEAD}{ROW}</table>')
    assert stacked(once) == once and '<table class="stack" aria-label="x">' in once
