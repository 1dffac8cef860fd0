"""Ratios of real companies from their CVM statements, against a calculation straight from the files."""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from invest.domain.analysis.own_multiples import papers_then
from invest.domain.filings.filing import Chart, read_filings
from invest.domain.filings.fundamentals import Fundamentals, fundamentals_of
from invest.domain.filings.soundness import altman, piotroski
from invest.domain.market.assets import StatementLine

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Accounts = dict[str, Decimal]

COMPANIES_2023 = (
    "BRASILAGRO - CIA BRAS DE PROP AGRICOLAS",
    "CERRADINHO BIOENERGIA S.A.",
    "CIA MINEIRA DE AÇUCAR E ALCOOL PARTICIPAÇÕES",
    "CTC - CENTRO DE TECNOLOGIA CANAVIEIRA S.A.",
    "JALLES MACHADO S.A.",
    "PETTENATI S.A. INDUSTRIA TEXTIL",
    "SAO MARTINHO S.A.",
)
COMPANIES_2010S = (
    "BRASKEM S.A.",
    "CENTRAIS ELETRICAS BRASILEIRAS SA",
    "CENTRAIS ELETRICAS DE SANTA CATARINA S.A",
    "CPFL ENERGIA SA",
    "EVEN CONSTRUTORA E INCORPORADORA S/A",
    "GERDAU S.A.",
    "INDÚSTRIAS ROMI S.A.",
)
BANK = "BANCO SANTANDER (BRASIL) S.A."


def rows_2023(samples: Path, statement: str) -> Iterator[dict[str, str]]:
    raw = (samples / "cvm" / f"dfp_cia_aberta_{statement}_con_2023.csv").read_bytes()
    yield from csv.DictReader(io.StringIO(raw.decode("latin-1"), newline=""), delimiter=";")


def scaled(row: dict[str, str]) -> Decimal:
    """The amount in BRL; earnings per share are never in thousands."""
    per_share = row["CD_CONTA"].startswith("3.99")
    return Decimal(row["VL_CONTA"]) * (1000 if row["ESCALA_MOEDA"] == "MIL" and not per_share else 1)


@pytest.fixture(scope="module")
def filed_2023(request: pytest.FixtureRequest) -> dict[str, tuple[Fundamentals, Accounts]]:
    """By company: what the product reads, and the accounts of the newest version by code."""
    samples: Path = request.getfixturevalue("samples_folder")
    lines: dict[str, list[StatementLine]] = defaultdict(list)
    newest: dict[tuple[str, str], tuple[int, Decimal]] = {}
    for statement in ("BPA", "BPP", "DRE"):
        for row in rows_2023(samples, statement):
            if row["ORDEM_EXERC"] != "ÚLTIMO":
                continue
            company, version = row["DENOM_CIA"], int(row["VERSAO"])
            held = newest.get((company, row["CD_CONTA"]))
            if held is None or version >= held[0]:
                newest[company, row["CD_CONTA"]] = (version, scaled(row))
            lines[company].append(
                StatementLine(
                    cnpj=row["CNPJ_CIA"],
                    cvm_code=int(row["CD_CVM"]),
                    company=company,
                    form="DFP",
                    statement=statement,
                    consolidated=True,
                    version=version,
                    reference_date=date.fromisoformat(row["DT_REFER"]),
                    period_start=date.fromisoformat(row["DT_INI_EXERC"]) if "DT_INI_EXERC" in row else None,
                    period_end=date.fromisoformat(row["DT_FIM_EXERC"]),
                    account=row["CD_CONTA"],
                    description=row["DS_CONTA"],
                    value=scaled(row),
                    payload="0" * 64,
                )
            )
    out = {}
    for company, filed in lines.items():
        read = fundamentals_of(read_filings(filed), NOW)
        assert read is not None
        out[company] = read, {account: value for (name, account), (_, value) in newest.items() if name == company}
    return out


@pytest.fixture(scope="module")
def samples_folder() -> Path:
    """The recorded payloads, for fixtures that are read once per module."""
    import os

    folder = Path(os.environ.get("INVEST_SAMPLES") or Path(__file__).parents[3] / "shared" / "samples")
    if not (folder / "cvm").is_dir():
        pytest.skip(f"no recorded payloads at {folder} (set INVEST_SAMPLES to their folder)")
    return folder


def expected(a: Accounts) -> dict[str, float]:
    """Main ratios of an industrial company by CVM's account codes."""
    debt = a["2.01.04"] + a["2.02.01"]
    net_debt = debt - a["1.01.01"]
    income = a["3.11.01"] if a["3.11.01"] or a["3.11.02"] else a["3.11"]
    figures = {
        "revenue": a["3.01"],
        "net_income": income,
        "equity": a["2.03"],
        "gross_debt": debt,
        "net_debt": net_debt,
        "gross_margin": a["3.03"] / a["3.01"],
        "ebit_margin": a["3.05"] / a["3.01"],
        "net_margin": income / a["3.01"],
        "roe": income / (a["2.03"] - a["2.03.09"]),
        "roa": income / a["1"],
        "roic": a["3.05"] * Decimal("0.66") / (a["2.03"] + net_debt),
        "current_ratio": a["1.01"] / a["2.01"],
        "net_debt_equity": net_debt / a["2.03"],
        "liabilities_assets": 1 - a["2.03"] / a["1"],
        "asset_turnover": a["3.01"] / a["1"],
        "interest_coverage": a["3.05"] / -a["3.06.02"],
    }
    return {key: float(value) for key, value in figures.items()}


@pytest.mark.parametrize("company", COMPANIES_2023)
def test_main_ratios_of_2023(company: str, filed_2023: dict[str, tuple[Fundamentals, Accounts]]) -> None:
    read, accounts = filed_2023[company]
    wanted = expected(accounts)
    assert {key: read.ratios[key] for key in wanted} == pytest.approx(wanted, rel=1e-12)
    assert read.chart is Chart.INDUSTRY
    assert read.consolidated


def test_seven_companies_were_filed(filed_2023: dict[str, tuple[Fundamentals, Accounts]]) -> None:
    assert sorted(filed_2023) == sorted(COMPANIES_2023)


def test_one_filer_reports_in_units_and_the_others_in_thousands(samples_folder: Path) -> None:
    scales = {row["DENOM_CIA"]: row["ESCALA_MOEDA"] for row in rows_2023(samples_folder, "DRE")}
    assert scales["PETTENATI S.A. INDUSTRIA TEXTIL"] == "UNIDADE"
    assert set(scales.values()) == {"MIL", "UNIDADE"}


def test_earnings_per_share_filed_in_thousands_still_give_the_shares(
    filed_2023: dict[str, tuple[Fundamentals, Accounts]],
) -> None:
    in_reais, _ = filed_2023["JALLES MACHADO S.A."]
    in_thousands, _ = filed_2023["CTC - CENTRO DE TECNOLOGIA CANAVIEIRA S.A."]
    assert papers_then(in_reais.current, 302e6, 1.0) == pytest.approx(692_329_000 / 2.35643)
    assert papers_then(in_thousands.current, 32e6, 1.0) == pytest.approx(91_437_000 / 2.851)
    assert papers_then(in_thousands.current, 5e9, 1.0) is None


@pytest.mark.parametrize("company", COMPANIES_2023)
def test_altman_of_2023_by_hand(company: str, filed_2023: dict[str, tuple[Fundamentals, Accounts]]) -> None:
    read, a = filed_2023[company]
    assets, value = a["1"], Decimal(10**9)
    by_hand = (
        Decimal("1.2") * (a["1.01"] - a["2.01"]) / assets
        + Decimal("1.4") * (a["2.03.04"] + a["2.03.05"]) / assets
        + Decimal("3.3") * a["3.05"] / assets
        + Decimal("0.6") * value / (assets - a["2.03"])
        + Decimal("0.999") * a["3.01"] / assets
    )
    assert altman(read.current, float(value)) == pytest.approx(float(by_hand))


@pytest.fixture(scope="module")
def filed_2010s(samples_folder: Path) -> dict[str, tuple[list[StatementLine], dict[tuple[int, str], Decimal]]]:
    """By company: lines of every year, and amounts in BRL by year and account."""
    lines: dict[str, list[StatementLine]] = defaultdict(list)
    amounts: dict[str, dict[tuple[int, str], Decimal]] = defaultdict(dict)
    for name, statement in (("assets", "BPA"), ("liabilities", "BPP"), ("income", "DRE"), ("cashflow", "DFC_MI")):
        path = samples_folder / "cvm" / "derived" / f"annual_{name}_consolidated_2010s.csv.gz"
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                end, account = date.fromisoformat(row["ref.date"]), row["acc.number"]
                value = Decimal(row["acc.value"]) * (1 if account.startswith("3.99") else 1000)
                amounts[row["name.company"]][end.year, account] = value
                lines[row["name.company"]].append(
                    StatementLine(
                        cnpj="0" * 14,
                        cvm_code=1,
                        company=row["name.company"],
                        form="DFP",
                        statement=statement,
                        consolidated=True,
                        version=1,
                        reference_date=end,
                        period_start=None if statement.startswith("BP") else date(end.year, 1, 1),
                        period_end=end,
                        account=account,
                        description=row["acc.desc"],
                        value=value,
                        payload="0" * 64,
                    )
                )
    return {company: (filed, amounts[company]) for company, filed in lines.items()}


Filed2010s = dict[str, tuple[list[StatementLine], dict[tuple[int, str], Decimal]]]


@pytest.mark.parametrize("company", COMPANIES_2010S)
def test_main_ratios_of_every_year_of_the_2010s(company: str, filed_2010s: Filed2010s) -> None:
    lines, amounts = filed_2010s[company]
    filings = read_filings(lines)
    for year in sorted({year for year, _ in amounts}):
        read = fundamentals_of(filings, datetime(year + 1, 6, 30, tzinfo=UTC))
        assert read is not None
        assert read.as_of == date(year, 12, 31)
        wanted = expected({account: value for (y, account), value in amounts.items() if y == year})
        wanted = {key: value for key, value in wanted.items() if read.ratios.get(key) is not None}
        assert len(wanted) >= 14
        assert {key: read.ratios[key] for key in wanted} == pytest.approx(wanted, rel=1e-12)


DEPRECIATION = {
    # the account each company books depreciation under in its cash flow
    "BRASKEM S.A.": ("6.01.01.02",),
    "GERDAU S.A.": ("6.01.01.02",),
}


@pytest.mark.parametrize("company", DEPRECIATION)
def test_ebitda_is_ebit_and_the_depreciation_of_the_cash_flow(company: str, filed_2010s: Filed2010s) -> None:
    lines, amounts = filed_2010s[company]
    read = fundamentals_of(read_filings(lines), NOW)
    assert read is not None
    by_hand = amounts[2019, "3.05"] + sum(amounts[2019, account] for account in DEPRECIATION[company])
    assert read.ratios["ebitda"] == pytest.approx(float(by_hand))


@pytest.mark.parametrize("company", COMPANIES_2010S)
def test_five_year_growth_of_revenue(company: str, filed_2010s: Filed2010s) -> None:
    lines, amounts = filed_2010s[company]
    read = fundamentals_of(read_filings(lines), NOW)
    assert read is not None
    ratio = float(amounts[2019, "3.01"] / amounts[2014, "3.01"])
    assert read.ratios["revenue_cagr_5y"] == pytest.approx(ratio**0.2 - 1)


@pytest.mark.parametrize("company", COMPANIES_2010S)
def test_piotroski_of_2019_by_hand(company: str, filed_2010s: Filed2010s) -> None:
    lines, amounts = filed_2010s[company]
    read = fundamentals_of(read_filings(lines), NOW)
    assert read is not None
    tests = piotroski(read.current, read.previous)
    assert tests is not None

    def of(year: int, account: str) -> Decimal:
        return amounts[year, account]

    def income(year: int) -> Decimal:
        own = of(year, "3.11.01") or of(year, "3.11.02")
        return of(year, "3.11.01") if own else of(year, "3.11")

    by_hand = {
        "positive_roa": income(2019) > 0,
        "positive_operating_cash": of(2019, "6.01") > 0,
        "rising_roa": income(2019) / of(2019, "1") > income(2018) / of(2018, "1"),
        "cash_above_income": of(2019, "6.01") > income(2019),
        "falling_leverage": of(2019, "2.02.01") / of(2019, "1") < of(2018, "2.02.01") / of(2018, "1"),
        "rising_liquidity": of(2019, "1.01") / of(2019, "2.01") > of(2018, "1.01") / of(2018, "2.01"),
        "rising_gross_margin": of(2019, "3.03") / of(2019, "3.01") > of(2018, "3.03") / of(2018, "3.01"),
        "rising_asset_turnover": of(2019, "3.01") / of(2019, "1") > of(2018, "3.01") / of(2018, "1"),
    }
    assert {name: tests.tests[name] for name in by_hand} == by_hand


def test_a_bank_whose_forms_were_left_blank_has_no_figures_at_all(filed_2010s: Filed2010s) -> None:
    lines, amounts = filed_2010s[BANK]
    assert not any(amounts.values())
    assert fundamentals_of(read_filings(lines), NOW) is None


def test_a_banks_cash_flow_in_another_layout_is_read(samples_folder: Path) -> None:
    text = (samples_folder / "cvm" / "dfp_DFC_MI_con_2025_BBAS_reduced_cols.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    lines = [
        StatementLine(
            cnpj="0" * 14,
            cvm_code=int(row["CD_CVM"]),
            company=row["DENOM_CIA"],
            form="DFP",
            statement="DFC_MI",
            consolidated=True,
            version=1,
            reference_date=date(2025, 12, 31),
            period_start=date(2025, 1, 1),
            period_end=date(2025, 12, 31),
            account=row["CD_CONTA"],
            description=row["DS_CONTA"],
            value=Decimal(row["VL_CONTA"]) * 1000,
            payload="0" * 64,
        )
        for row in rows
    ]
    flows = read_filings(lines)[0].flows[date(2025, 1, 1), date(2025, 12, 31)]
    assert flows["operating_cash"] == 159_254_089_000
    assert flows["capex"] == -(4_024_772_000 + 3_341_714_000)
