"""Every verb of `invest portfolio` against a running server, as an investor types it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from invest.domain.market import ActionKind, Asset, AssetKind, CorporateAction
from invest.settings import Settings
from invest.store import Store
from tests.integration.api.api_kit import Door
from tests.integration.api.test_cli_remote import Remote

pytest_plugins = ["tests.integration.api.api_fixtures"]
OWN = "Quando;Que;Fiz;Quanto;Por\n09/01/2025;VALE3;Compra;10;60,00\n"


async def stock(platform: Settings) -> None:
    async with Store.open(platform) as store:
        await store.assets.upsert(Asset(ticker="PETR4", kind=AssetKind.STOCK, name="Petrobras"))
        paid = [
            CorporateAction(
                ticker="PETR4", kind=ActionKind.DIVIDEND, last_date_with=date(2025, 3, day), amount=Decimal(amount),
                payment_date=date(2025, 4, day), source="b3", payload="x",
            )
            for day, amount in ((10, "1.00"), (20, "0.50"))
        ]  # fmt: skip
        await store.actions.upsert(paid)


async def test_an_investor_books_corrects_and_declares(platform: Settings, web_door: Door, tmp_path: Path) -> None:
    await stock(platform)
    invest = Remote(tmp_path, web_door.url, None)
    for name in ("Um", "Dois"):
        await invest("portfolio", "create", name)
    booked = ("portfolio", "book", "Um", "buy", "petr4", "100", "30,00", "--date", "2025-01-06", "--broker", "A")
    assert (await invest(*booked)).out == "1 booked, 0 duplicate, 0 refused\n"
    assert (await invest(*booked, code=1)).out == "0 booked, 1 duplicate, 0 refused\n"
    (row,) = (await invest("portfolio", "transactions", "Um", "--json")).json()
    number = str(row["id"])
    await invest("portfolio", "edit", "Um", number, "--price", "1.030,50", "--fees", "4,90")
    await invest("portfolio", "edit", "Um", number, "--price", "30,50")
    (row,) = (await invest("portfolio", "transactions", "Um", "--json")).json()
    assert (row["price"], row["fees"], row["broker"]) == ("30.50", "4.90", "A")

    file = tmp_path / "meu.csv"
    file.write_text(OWN, "utf-8")
    assert "invest portfolio columns" in (await invest("portfolio", "import", "Dois", str(file), code=2)).err
    await invest("portfolio", "columns", "Quando=day", "Que=ticker", "Fiz=operation", "Quanto=quantity", "Por=price")
    assert "Quanto" in (await invest("portfolio", "columns")).out
    assert (await invest("portfolio", "import", "Dois", str(file))).out == "1 booked, 0 duplicate, 0 refused\n"
    (done,) = (await invest("portfolio", "imports", "Dois", "--json")).json()
    assert (await invest("portfolio", "undo", "Dois", str(done["id"]))).out == "took back 1 transactions\n"
    await invest("portfolio", "import", "Dois", str(file))
    assert (await invest("portfolio", "merge", "Um", "Dois")).out == "moved 1, 0 told by both\n"
    assert "no portfolio 'Dois'" in (await invest("portfolio", "show", "Dois", code=2)).err
    await invest("portfolio", "rename", "Um", "Tudo")

    found = await invest("portfolio", "propose", "Tudo", "-q")
    keys = found.out.split()
    assert len(keys) == 2 and keys == (await invest("portfolio", "proposals", "Tudo", "-q")).out.split()
    assert (await invest("portfolio", "confirm", "Tudo", keys[0])).out == "1 booked\n"
    assert (await invest("portfolio", "confirm", "Tudo", keys[1], "--decline")).out == "1 declined\n"
    assert "nothing to confirm" in (await invest("portfolio", "propose", "Tudo")).out

    assert "no targets" in (await invest("portfolio", "targets", "Tudo")).out
    assert "60.00%" in (await invest("portfolio", "targets", "Tudo", "PETR4=60%", "VALE3=0,4")).out
    told = (await invest("portfolio", "targets", "Tudo", "VALE3=0", "--json")).json()
    assert [(t["ticker"], Decimal(t["weight"])) for t in told] == [("PETR4", Decimal("0.6"))]
    assert "write TICKER=WEIGHT" in (await invest("portfolio", "targets", "Tudo", "PETR4", code=2)).err
    assert "no orders" in (await invest("portfolio", "rebalance", "Tudo", "--cash", "1.000,00")).out
    assert (await invest("portfolio", "options", "Tudo", "--auto-confirm", "--json")).json() == {"auto_confirm": True}
    assert "not measured yet" in (await invest("portfolio", "metrics", "Tudo")).out


async def test_an_investor_keeps_fixed_income_and_what_the_tax_needs(
    platform: Settings, web_door: Door, tmp_path: Path
) -> None:
    invest = Remote(tmp_path, web_door.url, None)
    await invest("portfolio", "create", "Renda")
    verb = ("portfolio", "fixed-income")
    agreed = ("--kind", "cdb", "--amount", "1.000,00", "--bought", "2024-01-02", "--index", "price")
    made = (await invest(*verb, "add", "Renda", "CDB 2030", *agreed, "--price", "2025-01-02=1,25", "--json")).json()
    assert made["value"] == "1250.00"
    assert "CDB 2030" in (await invest(*verb, "ls", "Renda")).out
    await invest(*verb, "edit", "Renda", made["id"], "--redeemed", "2025-02-03=250")
    (kept,) = (await invest(*verb, "ls", "Renda", "--json")).json()
    assert kept["value"] == "1000.00"
    assert "say what to change" in (await invest(*verb, "edit", "Renda", made["id"], code=2)).err
    assert "no fixed income" in (await invest(*verb, "edit", "Renda", "none", "--rate", "6%", code=2)).err
    await invest(*verb, "rm", "Renda", made["id"], "--yes")
    assert "no fixed income" in (await invest(*verb, "ls", "Renda")).out

    assert "nothing from before" in (await invest("portfolio", "tax-opening", "Renda")).out
    given = ("--day", "2024-12-31", "--loss", "common=300", "--credit", "fii=0,50", "--kind", "HGLG11=fii")
    await invest("portfolio", "tax-opening", "Renda", *given)
    told = (await invest("portfolio", "tax-opening", "Renda", "--paid", "2025-04=785,55@2025-05-30", "--json")).json()
    assert (told["losses"], told["credits"], told["kinds"]) == ({"common": "300"}, {"fii": "0.50"}, {"HGLG11": "fii"})
    assert told["paid"] == [{"period": "2025-04", "amount": "785.55", "paid_on": "2025-05-30"}]
    assert (
        "write YYYY-MM=BRL@" in (await invest("portfolio", "tax-opening", "Renda", "--paid", "2025-04=1", code=2)).err
    )
    pdf, csv = tmp_path / "ir.pdf", tmp_path / "ir.csv"
    said = (await invest("tax", "2025", "--pdf", str(pdf), "--csv", str(csv))).out
    assert "not tax advice" in said and pdf.read_bytes().startswith(b"%PDF") and csv.read_bytes()
