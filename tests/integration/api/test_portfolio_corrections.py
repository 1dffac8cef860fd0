"""Corrections over HTTP: what was booked can be listed, changed, taken back, and figures follow."""

from __future__ import annotations

from typing import Any

from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]

HEAD = (
    "Data do Negócio;Tipo de Movimentação;Mercado;Prazo/Vencimento;Instituição;Código de Negociação;"
    "Quantidade;Preço;Valor\n"
)
BOUGHT = HEAD + "05/01/2026;Compra;Mercado à Vista;-;CORRETORA A;PETR4;100;30,00;3.000,00\n"
MORE = HEAD + "06/01/2026;Compra;Mercado à Vista;-;CORRETORA A;VALE3;10;60,00;600,00\n"
SOLD = HEAD + "20/01/2026;Venda;Mercado à Vista;-;CORRETORA A;PETR4;40;33,00;1.320,00\n"


async def make(door: Door) -> str:
    answer = await door.ask("POST", f"{API}/portfolios", json={"name": "Carteira"}, status=201)
    return f"{API}/portfolios/{answer.json()['id']}"


async def send(door: Door, path: str, text: str, **query: str) -> dict[str, Any]:
    asked = "&".join(f"{k}={v}" for k, v in query.items())
    answer = await door.ask("POST", f"{path}/import?{asked}", data=text.encode(), status=200)
    told: dict[str, Any] = answer.json()
    return told


async def test_an_import_is_undone_as_a_whole_and_leaves_the_bytes_of_before(web_door: Door) -> None:
    path = await make(web_door)
    await send(web_door, path, BOUGHT)
    before = (await web_door.ask("GET", path, status=200)).body
    booked = await send(web_door, path, MORE)
    assert (await send(web_door, path, MORE))["import_id"] is None, "nothing of it was new"
    imports = (await web_door.ask("GET", f"{path}/imports", status=200)).items()
    assert booked["import_id"] == imports[0]["id"]
    assert [(i["layout"], i["rows"]) for i in imports] == [("negociacao", 1), ("negociacao", 1)]
    gone = (await web_door.ask("DELETE", f"{path}/imports/{imports[0]['id']}", status=200)).json()
    assert gone == {"deleted": 1}
    assert (await web_door.ask("GET", path, status=200)).body == before
    await web_door.ask("DELETE", f"{path}/imports/{imports[0]['id']}", status=404)


async def test_a_transaction_is_listed_edited_and_deleted(web_door: Door) -> None:
    path = await make(web_door)
    await send(web_door, path, BOUGHT)
    await send(web_door, path, SOLD)
    first = (await web_door.ask("GET", f"{path}/transactions?limit=1", status=200)).json()
    rest = (await web_door.ask("GET", f"{path}/transactions?cursor={first['next_cursor']}", status=200)).json()
    bought, sold = first["items"][0], rest["items"][0]
    assert (bought["operation"], bought["broker"], sold["operation"]) == ("buy", "CORRETORA A", "sell")
    body = {k: bought[k] for k in ("date", "ticker", "operation", "price", "broker")} | {"quantity": "200"}
    await web_door.ask("PUT", f"{path}/transactions/{bought['id']}", json=body, status=200)
    held = (await web_door.ask("GET", path, status=200)).json()["positions"]
    assert [(h["ticker"], h["quantity"], h["cost"]) for h in held] == [("PETR4", "160", "4800.00000000")]
    less = await web_door.ask("PUT", f"{path}/transactions/{bought['id']}", json=body | {"quantity": "30"}, status=409)
    assert "sells 40 PETR4" in less.json()["detail"]
    refused = await web_door.ask("DELETE", f"{path}/transactions/{bought['id']}", status=409)
    assert f"invest portfolio delete {path.rsplit('/', 1)[1]} {sold['id']}" in refused.json()["detail"]
    await web_door.ask("DELETE", f"{path}/transactions/{sold['id']}", status=204)
    await web_door.ask("DELETE", f"{path}/transactions/{sold['id']}", status=404)
    await web_door.ask("DELETE", f"{path}/transactions/{bought['id']}", status=204)
    assert (await web_door.ask("GET", path, status=200)).json()["positions"] == []


async def test_portfolios_are_renamed_and_merged_without_counting_twice(web_door: Door) -> None:
    one, other = await make(web_door), await make(web_door)
    await send(web_door, one, BOUGHT)
    await send(web_door, other, BOUGHT)
    await send(web_door, other, MORE)
    await web_door.ask("PUT", f"{one}/name", json={"name": "Tudo"}, status=204)
    merged = await web_door.ask("POST", f"{one}/merge", json={"portfolio_id": other.rsplit("/", 1)[1]}, status=200)
    assert merged.json() == {"moved": 1, "duplicate": 1}
    found = (await web_door.ask("GET", one, status=200)).json()
    assert (found["name"], [p["ticker"] for p in found["positions"]]) == ("Tudo", ["PETR4", "VALE3"])
    await web_door.ask("GET", other, status=404)
    await web_door.ask("POST", f"{one}/merge", json={"portfolio_id": one.rsplit("/", 1)[1]}, status=409)


async def test_a_posicao_opens_a_portfolio_on_the_day_it_speaks_of(web_door: Door) -> None:
    path = await make(web_door)
    text = (
        "Produto;Instituição;Conta;Código de Negociação;CNPJ da Empresa;Tipo;Quantidade;Preço de Fechamento;"
        "Valor Atualizado\nPETR4 - PETROBRAS;CORRETORA A;1;PETR4;00000000000000;PN;100;30,00;3000,00\n"
    )
    plan = await send(web_door, path, text, as_of="2019-11-01")
    assert plan["rows"][0]["transaction"]["date"] == "2019-11-01"
    again = await send(web_door, path, text.replace(";100;", ";90;"), dry_run="true")
    assert again["counts"]["question"] == 1
    assert "100 are booked" in again["rows"][0]["reason"]


async def test_a_users_own_names_of_columns_are_kept(web_door: Door) -> None:
    path = await make(web_door)
    text = "Quando;Que;Fiz;Quanto;Por\n05/01/2026;PETR4;Compra;100;10,00\n"
    unknown = await web_door.ask("POST", f"{path}/import", data=text.encode(), status=422)
    assert "statements/columns" in unknown.json()["detail"]
    own = {"Quando": "day", "Que": "ticker", "Fiz": "operation", "Quanto": "quantity", "Por": "price"}
    await web_door.ask("PUT", f"{API}/statements/columns", json={"columns": own}, status=204)
    assert (await web_door.ask("GET", f"{API}/statements/columns", status=200)).json() == own
    assert (await send(web_door, path, text))["counts"]["booked"] == 1
    await web_door.ask("PUT", f"{API}/statements/columns", json={"columns": {"Por": ""}}, status=204)
    assert "Por" not in (await web_door.ask("GET", f"{API}/statements/columns", status=200)).json()
    await web_door.ask("PUT", f"{API}/statements/columns", json={"columns": {"Por": "nonsense"}}, status=422)


async def test_fixed_income_of_a_statement_is_booked_valued_undone_and_merged(web_door: Door) -> None:
    one, other = await make(web_door), await make(web_door)
    head = "Entrada/Saída;Data;Movimentação;Produto;Instituição;Quantidade;Preço unitário;Valor da Operação\n"
    rows = "Credito;05/01/2026;COMPRA / VENDA;CDB - CDB126ABC45 - BANCO X;CORRETORA B;1.000;1,00;1.000,00\n"
    rows += "Credito;07/01/2026;Transferência - Liquidação;PETR4 - PETROBRAS;CORRETORA B;10;30,00;300,00\n"
    later = head + "Debito;05/02/2026;RESGATE;CDB - CDB126ABC45 - BANCO X;CORRETORA B;400;1,05;420,00\n"
    empty = (await web_door.ask("GET", f"{one}/fixed-income", status=200)).body
    plan = await send(web_door, one, head + rows)
    assert plan["counts"]["booked"] == 2 and plan["rows"][0]["fixed_income"]["what"] == "bought"
    assert (await send(web_door, one, head + rows))["counts"] == {"booked": 0, "duplicate": 2, "refused": 0}
    (bond,) = (await web_door.ask("GET", f"{one}/fixed-income", status=200)).items()
    assert (bond["bond"]["name"], bond["bond"]["index"], bond["value"]) == (
        "CDB CDB126ABC45 BANCO X",
        "price",
        "1000.00",
    )
    await send(web_door, one, later)
    path = f"{one}/fixed-income/{bond['id']}"
    (bond,) = (await web_door.ask("GET", f"{one}/fixed-income", status=200)).items()
    assert bond["value"] == "630.00"  # 600 at the price of the redemption
    terms = bond["bond"] | {"index": "prefixado", "rate": "0.10"}
    assert float((await web_door.ask("PUT", path, json=terms, status=200)).json()["value"]) > 630
    wrong = await web_door.ask("PUT", path, json=terms | {"amount": "5.00"}, status=422)
    assert "undo that import" in wrong.json()["detail"]
    redeemed, bought = (await web_door.ask("GET", f"{one}/imports", status=200)).items()
    refused = await web_door.ask("DELETE", f"{one}/imports/{bought['id']}", status=409)
    assert "undo the import of the redemption first" in refused.json()["detail"]
    assert (await web_door.ask("DELETE", f"{one}/imports/{redeemed['id']}", status=200)).json() == {"deleted": 1}
    merged = await web_door.ask("POST", f"{other}/merge", json={"portfolio_id": one.rsplit("/", 1)[1]}, status=200)
    assert merged.json() == {"moved": 1, "duplicate": 0}
    (bond,) = (await web_door.ask("GET", f"{other}/fixed-income", status=200)).items()
    assert (bond["bond"]["index"], bond["bond"]["redeemed"]) == ("prefixado", [])
    await web_door.ask("DELETE", f"{other}/fixed-income/{bond['id']}", status=204)
    assert (await web_door.ask("GET", f"{other}/fixed-income", status=200)).body == empty
