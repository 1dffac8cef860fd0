"""What filings say is read from their lines once, and anew where lines or the rules of reading changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from invest.domain.filings import read_filings
from invest.domain.market import StatementLine
from invest.store import Store
from invest.store.market import figures
from invest.store.market.figures import FilingFigures

MINE, THEIRS = "33000167000101", "60872504000123"


def line(account: str, value: str, **given: object) -> StatementLine:
    flow = account.startswith("3")
    fields: dict[str, object] = {
        "cnpj": MINE,
        "cvm_code": 9512,
        "company": "PETROBRAS",
        "form": "DFP",
        "statement": "DRE" if flow else "BPA" if account.startswith("1") else "BPP",
        "consolidated": True,
        "version": 1,
        "reference_date": date(2024, 12, 31),
        "period_start": date(2024, 1, 1) if flow else None,
        "period_end": date(2024, 12, 31),
        "account": account,
        "description": {"2.03": "Patrimônio Líquido", "3.11": "Lucro do Período"}.get(account, "Conta"),
        "value": Decimal(value),
        "received_on": date(2025, 2, 26),
        "payload": "a" * 64,
    }
    return StatementLine.model_validate(fields | given)


def report(**given: object) -> list[StatementLine]:
    """A yearly report in a few lines."""
    return [line("1", "900", **given), line("2.03", "400", **given), line("3.01", "70.5", **given)]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many filings were read from their lines, read by read."""
    counted: list[int] = []
    original = FilingFigures._read

    async def counting(self: FilingFigures, heads: Sequence[figures.Head]) -> object:
        counted.append(len(heads))
        return await original(self, heads)

    monkeypatch.setattr(FilingFigures, "_read", counting)
    return counted


async def test_figures_are_what_the_lines_say_and_are_read_from_them_once(store: Store, reads: list[int]) -> None:
    theirs = report(cnpj=THEIRS, cvm_code=19348, received_on=None)
    older = report(reference_date=date(2023, 12, 31), period_end=date(2023, 12, 31), form="ITR")
    alone = report(consolidated=False)
    lines = [*report(), *report(version=2), *theirs, *older, *alone, line("1", "0", form="ITR", cnpj=THEIRS)]
    await store.statements.upsert(lines)
    wanted = [MINE, THEIRS, "0" * 14]
    first = await store.figures.of_many(wanted, all_versions=True)
    assert first == {
        MINE: read_filings(x for x in lines if x.cnpj == MINE),
        THEIRS: read_filings(x for x in lines if x.cnpj == THEIRS),
    }
    assert await store.figures.of_many(wanted, all_versions=True) == first
    assert reads == []  # they were kept with the lines
    newest = await store.figures.of_many([MINE], since=date(2024, 1, 1))
    assert [(f.version, f.consolidated) for f in newest[MINE]] == [(2, True)]
    assert await store.figures.of_many([]) == {}
    await store.database.execute("DELETE FROM filing_figures")  # as a database of the release before has none
    assert await store.figures.of_many(wanted, all_versions=True) == first
    assert await store.figures.of_many(wanted, all_versions=True) == first
    assert reads == [5]  # two figures of one filing, and one filing that says nothing


async def test_a_corrected_line_is_read_anew(store: Store, reads: list[int]) -> None:
    await store.statements.upsert([*report(), *report(cnpj=THEIRS)])
    await store.figures.of_many([MINE, THEIRS])
    await store.statements.upsert([line("1", "901")])
    found = await store.figures.of_many([MINE, THEIRS])
    assert found[MINE][0].balance["total_assets"] == 901
    assert found[THEIRS][0].balance["total_assets"] == 900
    assert reads == [1]


async def test_lines_that_an_earlier_release_stores_are_read_anew(store: Store) -> None:
    await store.statements.upsert(report())
    await store.figures.of_many([MINE])
    async with store.database.transaction() as connection:  # what the release before does, which knows of no figures
        await connection.execute("UPDATE filing SET received_on = received_on")
        await connection.execute("UPDATE statement_line SET value = 902 WHERE account = '1'")
    found = await store.figures.of_many([MINE])
    assert found[MINE][0].balance["total_assets"] == 902


async def test_other_rules_of_reading_read_anew(
    store: Store, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.statements.upsert(report())
    await store.figures.of_many([MINE])
    monkeypatch.setattr(figures, "rules", lambda: "another")
    assert len((await store.figures.of_many([MINE]))[MINE]) == 1
    assert reads == [1]


async def test_new_lines_are_copied_and_texts_survive_it(store: Store) -> None:
    strange = "a\tb\\n \\. 'c' \"d\"\r\n{é}\x00"
    await store.statements.upsert([line("1", "1E+3", description=strange), line("1.01", "-0.10", description=r"\N")])
    kept = await store.statements.read(cnpj=MINE)
    assert [(x.description, x.value) for x in kept] == [
        (strange.replace("\x00", "\ufffd"), Decimal(1000)),
        (r"\N", Decimal("-0.10")),
    ]
