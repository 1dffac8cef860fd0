"""B3's quotes as B3 ships them: a whole session, its own demo of 2003, heads of years without trailers."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from invest.domain.market.tickers import AssetKind, parse_ticker
from invest.sources.b3.cotahist import bars_of, by_ticker, cut, identity_of, table_of
from invest.sources.b3.cotahist_format import ROW, Rows, parse_cotahist
from invest.sources.client.shelf import Shelf
from invest.sources.errors import Malformed


def session(samples: Path) -> bytes:
    """All quotes of 2024-11-08."""
    return gzip.decompress((samples / "b3/cotahist/COTAHIST_D08112024.TXT.gz").read_bytes())


def quotes(rows: Rows, code: bytes) -> Rows:
    """Rows of one code."""
    return np.asarray(rows[rows["ticker"] == code])


def test_a_session_is_read_whole_and_only_assets_are_kept(samples: Path) -> None:
    everything = parse_cotahist(session(samples), every_market=True)
    assert (len(everything.rows), everything.lines, everything.announced) == (12_226, 12_226, 12_228)
    assert (everything.malformed, everything.remarks) == (0, [])
    kept = parse_cotahist(session(samples)).rows
    assert set(kept["market"]) == {b"010"}
    assert len(quotes(kept, b"PETR4")) == 1
    assert not len(quotes(kept, b"PETR4F"))


def test_figures_are_those_of_the_layout(samples: Path) -> None:
    row = quotes(parse_cotahist(session(samples)).rows, b"CMIG4")
    bar = next(bars_of(row, "CMIG4", "p", None))
    assert bar[:9] == (
        "CMIG4",
        date(2024, 11, 8),
        Decimal("11.29"),
        Decimal("11.34"),
        Decimal("11.12"),
        Decimal("11.29"),
        13_679_600,
        Decimal("153553672.00"),
        21_915,
    )


def test_kinds_and_names_come_from_the_quote(samples: Path) -> None:
    rows = parse_cotahist(session(samples)).rows
    kinds = {
        code: identity_of(quotes(rows, code)[0]).kind for code in (b"PETR4", b"HGLG11", b"BOVA11", b"AAPL34", b"TAEE11")
    }
    assert kinds == {
        b"PETR4": AssetKind.STOCK,
        b"HGLG11": AssetKind.FII,
        b"BOVA11": AssetKind.ETF,
        b"AAPL34": AssetKind.BDR,
        b"TAEE11": AssetKind.UNIT,
    }
    petrobras = identity_of(quotes(rows, b"PETR4")[0])
    assert (petrobras.name, petrobras.isin) == ("PETROBRAS", "BRPETRACNPR6")


def test_every_paper_of_a_session_can_be_named(samples: Path) -> None:
    everything = parse_cotahist(session(samples), every_market=True).rows
    cash = everything[np.isin(everything["market"], [b"010", b"020"])]
    assert len({parse_ticker(code.decode()) for code in cash["ticker"]}) > 1_300
    kept = parse_cotahist(session(samples)).rows
    shelf = dict(by_ticker(kept))
    assert len(shelf) == len(set(kept["ticker"]))
    assert {"EQMA3", "MRSA3"} <= set(shelf)  # quoted as EQMA3B and MRSA3B only
    assert set(kept["ticker"]) == {row["ticker"] for row in everything[everything["market"] == b"010"]}
    others = {row["ticker"] for row in kept if identity_of(row).kind is AssetKind.OTHER}
    assert others == {b"CTBA11B"}  # a certificate to build
    assert [identity_of(row).kind for row in quotes(kept, b"GOLL4")] == [AssetKind.STOCK]  # among what B3 calls others
    rights = {row["ticker"] for row in kept if identity_of(row).kind is AssetKind.RIGHT}
    assert {b"HBSA1", b"MERC2"} <= rights


def test_a_year_read_for_history_leaves_out_a_close_that_its_turnover_denies(samples: Path) -> None:
    papers = [(code, np.frombuffer(rows, ROW)) for code, rows in by_ticker(parse_cotahist(session(samples)).rows)]
    assert len(table_of(papers, "p", date(2024, 12, 31)).days) == len(papers)  # of a real session nothing is denied
    (quote,) = (rows for code, rows in papers if code == "PETR4")
    year = np.concatenate([quote] * 5)
    year["date"] = [20241104, 20241105, 20241106, 20241107, 20241108]
    for name in ("open", "high", "low", "close"):
        year[name][1] //= 10
        year[name][3] *= 1000
    table = table_of([("PETR4", year)], "p", date(2024, 12, 31))
    assert table.days.astype(str).tolist() == ["2024-11-04", "2024-11-06", "2024-11-08"]
    year["turnover"][1] //= 10  # the exchange's own word for it
    assert len(table_of([("PETR4", year)], "p", date(2024, 12, 31)).days) == 4


def test_closes_are_those_yahoo_has_but_for_later_splits(samples: Path) -> None:
    rows = parse_cotahist(session(samples)).rows
    # Changes of the share count after that day: what Yahoo's closes are divided by.
    later = {"ITUB4": 1.133, "VIVT3": 2.0, "MGLU3": 1.05, "RADL3": 1.02, "KLBN11": 1.01, "SBSP3": 5.1565}
    compared = 0
    with gzip.open(samples / "yahoo/b3_daily_ohlcv.csv.gz", "rt") as lines:
        for line in csv.DictReader(lines):
            if line["kind"] == "yf-unadj" and line["date"] == "2024-11-08" and line["close"]:
                close = quotes(rows, line["ticker"].encode())["close"][0] / 1e6
                expected = float(line["close"]) * later.get(line["ticker"], 1.0)
                assert close == pytest.approx(expected, rel=1e-4), line["ticker"]
                compared += 1
    assert compared >= 25


def test_the_zip_and_the_text_say_the_same(samples: Path, tmp_path: Path) -> None:
    cut(samples / "b3/cotahist/COTAHIST_D08112024.ZIP", tmp_path / "day.shelf")
    shelf = Shelf(tmp_path / "day.shelf")
    text = dict(by_ticker(parse_cotahist(session(samples)).rows))
    assert set(shelf) == set(text)
    assert all(shelf.get(code) == text[code] for code in text)
    assert "GOLL4" not in text or len(np.frombuffer(text["GOLL4"], ROW)) == 1


def test_the_demo_of_2003_has_lots_of_a_thousand_and_crlf(samples: Path) -> None:
    data = gzip.decompress((samples / "b3/cotahist/DemoCotacoesHistoricas12022003.txt.gz").read_bytes())
    found = parse_cotahist(data, every_market=True)
    assert (found.lines, found.malformed, found.announced) == (551, 0, 553)
    telemig = next(bars_of(quotes(found.rows, b"TMCP4F"), "TMCP4", "p", None))
    assert telemig.close == Decimal("0.00251")  # 2.51 for a thousand
    assert next(bars_of(quotes(found.rows, b"VALE3"), "VALE3", "p", None)).close == Decimal("103.21")


@pytest.mark.parametrize("name", ["COTAHIST_A2022_head_truncated.TXT", "COTAHIST_A2024_head_truncated.TXT"])
def test_a_file_without_its_trailer_is_read_and_said_to_be_cut(samples: Path, name: str) -> None:
    found = parse_cotahist((samples / "b3/cotahist" / name).read_bytes(), every_market=True)
    assert len(found.rows) == 49
    assert found.remarks == ["no trailer: the file may be cut"]


def test_a_trailer_that_counts_otherwise_is_remarked(samples: Path) -> None:
    found = parse_cotahist((samples / "b3/cotahist/excerpt_slce_petr_2024.txt").read_bytes(), every_market=True)
    assert [row["ticker"] for row in found.rows] == [b"PETR4", b"SLCE3", b"JBSS3", b"NUTR3"]
    assert found.remarks == ["the trailer announces 10011 records, 4 quotes were read"]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n"])
def test_lines_that_lost_their_blanks_are_read_all_the_same(samples: Path, ending: bytes) -> None:
    lines = session(samples).splitlines()[:200]
    ragged = ending.join(line.rstrip() if i % 3 else line + b"  " for i, line in enumerate(lines))
    found = parse_cotahist(ragged, every_market=True)
    straight = parse_cotahist(b"\n".join(lines) + b"\n", every_market=True)
    assert len(found.rows) == 199
    assert found.rows.tobytes() == straight.rows.tobytes()


def test_a_line_with_letters_for_digits_is_left_out_and_counted(samples: Path) -> None:
    lines = session(samples).split(b"\n")
    broken = lines[1][:60] + b"XX" + lines[1][62:]
    found = parse_cotahist(b"\n".join([lines[0], broken, *lines[2:100]]) + b"\n", every_market=True)
    assert (found.malformed, len(found.rows)) == (1, 98)
    assert "1 lines without proper numbers left out" in found.remarks


def test_what_is_no_cotahist_is_malformed(tmp_path: Path) -> None:
    for name, body in (("page", b"<html>" * 100), ("empty", b"")):
        path = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("COTAHIST_A2024.TXT", body)
        with pytest.raises(Malformed):
            cut(path, tmp_path / "x.shelf")
    assert not (tmp_path / "x.shelf").exists()


def test_a_whole_year_of_four_papers_matches_what_others_read(samples: Path) -> None:
    """Rows written back into the layout come out as they went in."""
    with gzip.open(samples / "b3/cotahist/parsed_2025_4tickers.csv.gz", "rt") as lines:
        rows = list(csv.DictReader(lines))
    text = io.BytesIO()
    for row in rows:
        numbers = "".join(
            f"{round(Decimal(row[name]) * 100):013d}"
            for name in ("open", "high", "low", "avg_price", "close", "close", "close")
        )
        trades, volume = f"{int(row['trades']):05d}", f"{int(row['volume']):018d}"
        turnover = f"{round(Decimal(row['turnover']) * 100):018d}"
        head = f"01{row['date'].replace('-', '')}02{row['symbol']:<12}010{row['name']:<12}{'PN':<10}   R$  "
        tail = f"{'0' * 13}0{'99991231'}{1:07d}{'0' * 13}{'BRXXXXACNPR0'}100"
        text.write((head + numbers + trades + volume + turnover + tail).encode("latin-1") + b"\r\n")
    found = dict(by_ticker(parse_cotahist(text.getvalue()).rows))
    assert sorted(found) == ["BBDC4", "ITUB4", "PETR4", "VALE3"]
    for code, block in found.items():
        mine = [bar[1:9] for bar in bars_of(np.frombuffer(block, ROW), code, "p", None)]
        theirs = [
            (
                date.fromisoformat(r["date"]),
                *(round(Decimal(r[n]), 2) for n in ("open", "high", "low", "close")),
                int(r["volume"]),
                round(Decimal(r["turnover"]), 2),
                int(r["trades"]),
            )
            for r in rows
            if r["symbol"] == code
        ]
        assert mine == theirs
