"""A broker's note as PDF, read in the child process under its limits."""

from __future__ import annotations

import time

import pytest
import typst

from invest.domain.brokerage import StatementRefused
from invest.statement_pdf import text_of
from tests.integration.api.api_kit import API, Door

pytest_plugins = ["tests.integration.api.api_fixtures"]

NOTE = """#set page(width: 21cm, height: 29cm, margin: 1.5cm)
CORRETORA EXEMPLO S.A.

NOTA DE NEGOCIAÇÃO
#table(columns: 3, stroke: none, [Nr. nota],[Folha],[Data pregão],[123],[1],[18/02/2026])
#table(columns: 9, stroke: none,
[1-BOVESPA],[C],[VISTA],[PETROBRAS PETR4 PN],[N2],[100],[30,00],[3.000,00],[D],
[1-BOVESPA],[C],[FRACIONARIO],[VALE3 ON],[NM],[5],[60,00],[300,00],[D])
#table(columns: 5, stroke: none, [Vendas à vista],[0,00],[Taxa de liquidação],[0,75],[D],
[Compras à vista],[3.300,00],[Emolumentos],[0,15],[D],
[],[],[Líquido para 20/02/2026],[3.300,90],[D])
"""


@pytest.fixture(scope="module")
def note() -> bytes:
    made: bytes = typst.compile(NOTE.encode())
    return made


async def test_a_note_is_imported_from_its_pdf(web_door: Door, note: bytes) -> None:
    made = (await web_door.ask("POST", f"{API}/portfolios", json={"name": "P"}, status=201)).json()["id"]
    path = f"{API}/portfolios/{made}/import"
    plan = (await web_door.ask("POST", path, data=note, status=200)).json()
    told = [(r["transaction"]["operation"], r["transaction"]["ticker"]) for r in plan["rows"]]
    assert told == [("buy", "PETR4"), ("buy", "VALE3"), ("fee", None)]
    held = (await web_door.ask("GET", f"{API}/portfolios/{made}", status=200)).json()["positions"]
    assert [(h["ticker"], h["cost"]) for h in held] == [("PETR4", "3000.82000000"), ("VALE3", "300.08000000")]
    damaged = await web_door.ask("POST", path, data=b"%PDF-1.7 and no more", status=422)
    assert "damaged" in damaged.json()["detail"]


def test_a_damaged_page_of_a_whole_file_is_refused_with_what_to_do() -> None:
    parts = (
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "{Type/Page/Parent 2 0 R",
    )
    body = "".join(f"{number} 0 obj{part} endobj\n" for number, part in enumerate(parts, 1))
    with pytest.raises(StatementRefused, match="damaged: download it again"):
        text_of(f"%PDF-1.4\n{body}trailer<</Root 1 0 R/Size 4>>\n%%EOF".encode())


def test_pictures_and_too_many_pages_are_refused(note: bytes) -> None:
    blank = typst.compile(b"#rect(width: 3cm)")
    with pytest.raises(StatementRefused, match="pictures and no text"):
        text_of(blank)
    with pytest.raises(StatementRefused, match="at most 60"):
        text_of(typst.compile(b"#for i in range(61) [page #pagebreak()]"))
    begun = time.process_time()
    text_of(note)
    assert time.process_time() - begun < 1
