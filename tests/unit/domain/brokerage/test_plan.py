"""Statements are told by their contents; every row is booked, a duplicate, or refused with its reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invest.domain.brokerage.plan import ImportPlan, plan_booking, plan_import, read_statement
from invest.domain.brokerage.reading import StatementRefused, day, decode, number
from invest.domain.market.assets import Asset
from invest.domain.market.tickers import AssetKind
from invest.domain.portfolios.portfolio import Operation, Transaction

D = Decimal
TODAY = date(2026, 11, 24)
NEGOCIACAO = (
    "Data do Negócio;Tipo de Movimentação;Mercado;Prazo/Vencimento;Instituição;Código de Negociação;"
    "Quantidade;Preço;Valor\n"
)
MOVIMENTACAO = "Entrada/Saída,Data,Movimentação,Produto,Instituição,Quantidade,Preço unitário,Valor da Operação\n"
ASSETS = [
    Asset(ticker="CPFE3", kind=AssetKind.STOCK, name="CPFL Energia S.A."),
    Asset(ticker="MGLU3", kind=AssetKind.STOCK, name="Magazine Luiza S.A."),
    Asset(ticker="BBDC3", kind=AssetKind.STOCK, name="Banco Bradesco S.A."),
    Asset(ticker="BBDC4", kind=AssetKind.STOCK, name="Banco Bradesco S.A."),
    Asset(ticker="TAEE11", kind=AssetKind.UNIT, name="Transmissora Aliança de Energia"),
    Asset(ticker="ITSA4", kind=AssetKind.STOCK, name="Itaúsa S.A."),
    Asset(ticker="ITUB4", kind=AssetKind.STOCK, name="Itaú Unibanco Holding S.A."),
]


def planned(text: str | bytes, existing: list[Transaction] | None = None) -> ImportPlan:
    data = text.encode() if isinstance(text, str) else text
    return plan_import(existing or [], read_statement(data, today=TODAY, assets=ASSETS))


def told(plan: ImportPlan) -> list[tuple[str, str | None, Decimal, Decimal]]:
    return [(str(t.operation), t.ticker, t.quantity, t.price) for t in plan.transactions]


def buy(quantity: str, price: str, when: date, ticker: str = "PETR4", origin: str = "") -> Transaction:
    return Transaction(
        date=when, ticker=ticker, operation=Operation.BUY, quantity=D(quantity), price=D(price), origin=origin
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("R$ 1.234,56", "1234.56"),
        (" R$ 0,07 ", "0.07"),
        ("1.000", "1000"),
        ("12.345.678", "12345678"),
        ("1,234.56", "1234.56"),
        ("30.00", "30.00"),
        ("0,12345678", "0.12345678"),
        ("(1,50)", "-1.50"),
        ("-3", "-3"),
        ("R$\xa012,603", "12.603"),
        ("1,234,567", "1234567"),
    ],
)
def test_numbers_as_people_write_them(text: str, value: str) -> None:
    assert number(text) == D(value)


def test_a_dot_before_three_digits_is_what_the_file_says_it_is() -> None:
    assert number("1.500", thousands=False) == D("1.500")
    assert number("1.500") == D(1500)
    assert number("-") is None
    assert number("  ") is None


@pytest.mark.parametrize("text", ["abc", "1,2,3.4", "12.34.56", "1e5", "=1+1", "٣٣", "9" * 50, "1..2", "NaN"])
def test_what_is_no_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        number(text)


@pytest.mark.parametrize(
    "text", ["27/07/2026", "2026-07-27", "27-07-2026", "27.07.2026", "27/07/26", "2026-07-27T10:00"]
)
def test_days_as_people_write_them(text: str) -> None:
    assert day(text, TODAY) == date(2026, 7, 27)


@pytest.mark.parametrize(
    ("text", "why"), [("31/02/2026", "no day"), ("25/11/2026", "future"), ("01/01/1900", "before")]
)
def test_a_day_that_cannot_be_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        day(text, TODAY)


def test_the_trades_of_b3_are_read_with_the_fractional_code_folded() -> None:
    plan = planned(NEGOCIACAO + "02/01/2026;Compra;Mercado à Vista;-;X;PETR4;100;30,00;3.000,00\n"
                   "05/01/2026;Compra;Mercado Fracionário;-;X;ITUB4F;5;R$ 35,00;R$ 175,00\n"
                   "20/04/2026;Venda;Mercado à Vista;-;X;PETR4;50;32,00;1.600,00\n"
                   "21/04/2026;Compra;Opção de Compra;-;X;PETRA123;100;1,00;100,00\n")  # fmt: skip
    assert told(plan) == [
        ("buy", "PETR4", D(100), D("30.00")),
        ("buy", "ITUB4", D(5), D("35.00")),
        ("sell", "PETR4", D(50), D("32.00")),
    ]
    assert plan.rows[3].line == 5
    assert plan.rows[3].reason == "market 'opcao de compra': only the cash market is booked"


def test_movements_become_trades_income_and_splits() -> None:
    plan = planned(MOVIMENTACAO
                   + 'Credito,27/07/2026,Rendimento,XPTO11 - EXEMPLO FDO,X,100," R$ 0,07 "," R$ 7,00 "\n'
                   'Credito,17/07/2026,Juros Sobre Capital Próprio,BBAS3 - BANCO,X,12," R$ 0,50 "," R$ 5,10 "\n'
                   'Credito,16/07/2026,Desdobro,BBAS3 - BANCO DO BRASIL S/A,X,7,-,-\n'
                   'Credito,15/07/2026,Transferência - Liquidação,BBAS3 - BANCO,X,7," R$ 20,65 "," R$ 144,55 "\n'
                   'Debito,20/07/2026,Transferência - Liquidação,BBAS3 - BANCO,X,4," R$ 11,00 "," R$ 44,00 "\n'
                   "Credito,20/07/2026,Atualização,BBAS3 - BANCO,X,4,-,-\n"
                   "Credito,20/07/2026,Transferência,Tesouro Selic 2027,X,1,-,-\n")  # fmt: skip
    assert told(plan) == [
        ("dividend", "XPTO11", D(100), D("0.07")),
        ("jcp", "BBAS3", D(12), D("0.425")),
        ("split", "BBAS3", D(2), D(0)),
        ("buy", "BBAS3", D(7), D("20.65")),
        ("sell", "BBAS3", D(4), D("11.00")),
    ]
    assert [r.reason for r in plan.rows[5:]] == [
        "a change of registration moves no shares",
        "a transfer between custodians is no trade",
    ]


@pytest.mark.parametrize(
    ("label", "side", "outcome"),
    [
        ("Transferência - Liquidação", "Credito", "buy"),
        ("Transferência - Liquidação", "Debito", "sell"),
        ("Compra", "Credito", "buy"),
        ("Venda", "Debito", "sell"),
        ("Rendimento", "Credito", "dividend"),
        ("Dividendo", "Credito", "dividend"),
        ("Juros Sobre Capital Próprio", "Credito", "jcp"),
        ("Reembolso", "Credito", "dividend"),
        ("Bonificação em Ativos", "Credito", "bonus"),
        ("Desdobro", "Credito", "split"),
        ("Grupamento", "Debito", "split"),
        ("Leilão de Fração", "Credito", "fraction sold at auction is not in the position"),
        ("Fração em Ativos", "Debito", "booked by its auction"),
        ("Atualização", "Credito", "moves no shares"),
        ("Empréstimo", "Credito", "still held"),
        ("Transferência", "Credito", "no trade"),
        ("Direito de Subscrição", "Credito", "when it is exercised"),
        ("Direitos de Subscrição", "Credito", "when it is exercised"),
        ("Direito Sobras de Subscrição", "Credito", "when it is exercised"),
        ("Direitos de Subscrição - Não Exercido", "Debito", "lapsed"),
        ("Cessão de Direitos", "Debito", "given away"),
        ("Cessão de Direitos - Solicitada", "Debito", "given away"),
        ("Solicitação de Subscrição", "Debito", "when the shares come"),
        ("Recibo de Subscrição", "Credito", "when the shares come"),
        ("Amortização", "Credito", "amortisation"),
        ("Restituição de Capital", "Credito", "amortisation"),
        ("Dividendo - Transferido", "Credito", "between lender and borrower"),
        ("Juros Sobre Capital Próprio - Transferido", "Debito", "between lender and borrower"),
        ("Rendimento - Transferido", "Credito", "between lender and borrower"),
        ("Resgate", "Debito", "sell"),
        ("Incorporação", "Debito", "merger"),
        ("Cisão", "Credito", "spin-off"),
        ("Fusão", "Debito", "merger"),
        ("Vencimento", "Debito", "bond"),
        ("PAGAMENTO DE JUROS", "Credito", "bond"),
        ("Dividendo", "Debito", "reversal"),
        ("Bonificação em Ativos", "Debito", "taken back"),
        ("Grupamento", "Credito", "does not say what was held"),
        ("Coisa Nova", "Credito", "movement 'coisa nova' books nothing by itself"),
        ("", "Credito", "not named"),
    ],
)
def test_each_label_of_b3_is_booked_or_refused_with_its_reason(label: str, side: str, outcome: str) -> None:
    held = [buy("100", "10", date(2026, 1, 5))]
    plan = planned(f"{MOVIMENTACAO}{side},17/07/2026,{label},PETR4 - PETROBRAS,X,50,1,50\n", held)
    (row,) = plan.rows
    if row.status == "booked":
        assert row.transaction is not None
        assert row.transaction.operation == outcome
    else:
        assert row.reason is not None
        assert outcome in row.reason


def test_jcp_is_booked_as_received_after_the_tax_withheld() -> None:
    plan = planned(f"{MOVIMENTACAO}Credito,17/07/2026,Juros Sobre Capital Próprio,ITUB4 - ITAU,X,100,1,85\n")
    assert told(plan) == [("jcp", "ITUB4", D(100), D("0.85"))]


def test_a_split_without_an_exact_ratio_adds_shares_for_nothing() -> None:
    rows = (
        MOVIMENTACAO + "Credito,15/01/2026,Desdobro,BBAS3 - BANCO,X,5,-,-\n"
        'Credito,10/01/2026,Transferência - Liquidação,BBAS3 - BANCO,X,7," R$ 20,00 "," R$ 140,00 "\n'
    )
    plan = planned(rows)
    assert told(plan)[0] == ("buy", "BBAS3", D(5), D(0))
    assert planned(rows, list(plan.transactions)).counts == {"booked": 0, "duplicate": 2, "refused": 0}


def test_a_sale_of_what_is_not_held_is_refused_and_a_split_waits_for_the_older_statements() -> None:
    plan = planned(
        MOVIMENTACAO + "Credito,15/01/2026,Desdobro,BBAS3 - BANCO,X,5,-,-\n"
        'Debito,16/07/2026,Transferência - Liquidação,PETR4 - P,X,10," R$ 40,00 "," R$ 400,00 "\n'
    )
    assert [t.shares for t in plan.transactions] == [D(5)]
    assert "once the older statements are imported" in str(plan.rows[0].reason)
    assert "only 0 are held then" in str(plan.rows[1].reason)
    assert "import the statement that holds the purchase" in str(plan.rows[1].advice)


def test_a_fraction_sold_at_auction_needs_a_fraction_held() -> None:
    auction = 'Credito,20/01/2026,Leilão de Fração,ITSA4 - ITAUSA,X,"0,5"," R$ 10,00 "," R$ 5,00 "\n'
    whole, part = buy("10", "9", date(2026, 1, 2), "ITSA4"), buy("10.5", "9", date(2026, 1, 2), "ITSA4")
    assert "fraction" in str(planned(MOVIMENTACAO + auction, [whole]).rows[0].reason)
    assert told(planned(MOVIMENTACAO + auction, [part])) == [("sell", "ITSA4", D("0.5"), D("10.00"))]


def test_a_note_resolves_names_and_books_its_costs_once() -> None:
    plan = planned("""NOTA DE NEGOCIAÇÃO
Nr. nota Folha Data pregão
123 1 18/02/2026
Q Negociação C/V Tipo mercado Prazo Especificação do título Obs. (*) Quantidade Preço / Ajuste Valor D/C
1-BOVESPA C VISTA FII GGRCOVEP GGRC11 CI @ 6 10,06 60,36 D
1-BOVESPA C VISTA CPFL ENERGIA          ON NM 100 36,82 3.682,00 D
1-BOVESPA C FRACIONARIO MAGAZ LUIZA          ON NM 2D# 6 42,45 254,70 D
1-BOVESPA C VISTA BRADESCO          PN N1 D2# 1.000 34,98 34.980,00 D
1-BOVESPA V FRACIONARIO BRADESCO          PN N1 36 34,98 1.259,28 C
1-BOVESPA C VISTA ITAU ON N1 36 34,98 1.259,28 D
1-BOVESPA C OPCAO DE COMPRA 03/26 PETRC30 PN 100 1,00 100,00 D
1-BOVESPA C VISTA CPFL ENERGIA ON NM 100 36,82 9.999,00 D
1-BOVESPA C VISTA CPFL ENERGIA ON NM 100 36,82 3.682,00 C
Total CBLC: 0,00
Taxa de liquidação: 1,50
Emolumentos: 0,50
Corretagem: 8,00
I.R.R.F. s/ operações, base R$ 1.259,28 0,06
""")
    assert [(t.ticker, str(t.operation), t.quantity, t.price) for t in plan.transactions] == [
        ("GGRC11", "buy", D(6), D("10.06")),
        ("CPFE3", "buy", D(100), D("36.82")),
        ("MGLU3", "buy", D(6), D("42.45")),
        ("BBDC4", "buy", D(1000), D("34.98")),
        ("BBDC4", "sell", D(36), D("34.98")),
        (None, "fee", D(1), D("10.00")),
        (None, "tax", D(1), D("0.06")),
    ]
    reasons = [str(r.reason) for r in plan.rows if r.status == "refused"]
    words = ["no known asset", "only the cash market", "but the value says", "contradict"]
    assert [next(word for word in words if word in reason) for reason in reasons] == words


def test_a_name_that_fits_two_assets_is_refused_with_both() -> None:
    both = [*ASSETS, Asset(ticker="CPFX3", kind=AssetKind.STOCK, name="CPFL Energia Renováveis")]
    note = "NOTA DE NEGOCIAÇÃO\nData pregão\n18/02/2026\n1-BOVESPA C VISTA CPFL ENER ON NM 100 36,82 3.682,00 D\n"
    plan = plan_import([], read_statement(note.encode(), today=TODAY, assets=both))
    assert plan.rows[0].reason == "CPFL ENER ON may be CPFE3, CPFX3: book it by its code"


def test_a_trade_told_by_both_statements_of_b3_is_one() -> None:
    traded = [buy("100", "30.00", date(2026, 1, 2), origin="negociacao")]
    rows = MOVIMENTACAO + 'Credito,06/01/2026,Transferência - Liquidação,PETR4 - P,X,100," R$ 30,00 "," R$ 3.000,00 "\n'
    plan = planned(rows, traded)
    assert plan.rows[0].reason == "booked already as the trade of 02/01/2026 (negociacao)"
    late = planned(rows, [buy("100", "30.00", date(2025, 12, 2), origin="negociacao")])
    assert late.counts["booked"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_encodings_and_delimiters_are_told_by_the_bytes(encoding: str, delimiter: str) -> None:
    rows = [["Data", "Ativo", "Operação", "Quantidade", "Preço"], ["02/01/2026", "PETR4", "Compra", "100", '"30,50"']]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    plan = planned(text.encode(encoding))
    assert told(plan) == [("buy", "PETR4", D(100), D("30.50"))]
    assert plan.delimiter == delimiter


def test_a_plain_file_may_speak_english_and_start_with_other_lines() -> None:
    plan = planned("My broker\nReport of 2026\n\nDate,Ticker,Side,Quantity,Price\n2026-01-02,petr4,Buy,1.500,30.25\n"
                   "2026-01-03,PETR4,Split,2:1,\n2026-01-04,BTC,buy,0.00150000,350000.00\n,,,,\n")  # fmt: skip
    assert told(plan) == [
        ("buy", "PETR4", D("1.5"), D("30.25")),
        ("split", "PETR4", D(2), D(0)),
        ("buy", "BTC-BRL", D("0.0015"), D(350_000)),
    ]
    assert [r.line for r in plan.rows] == [5, 6, 7]


def test_rows_in_any_order_are_booked_in_order_of_their_days() -> None:
    plan = planned(
        "data;ativo;operacao;quantidade;preco\n05/01/2026;PETR4;venda;10;31\n02/01/2026;PETR4;compra;10;30\n"
    )
    assert plan.counts == {"booked": 2, "duplicate": 0, "refused": 0}


def test_an_older_sale_gives_way_to_what_is_booked_already() -> None:
    later = buy("10", "31", date(2026, 3, 2)).model_copy(update={"operation": Operation.SELL})
    existing = [buy("10", "30", date(2026, 1, 2)), later]
    plan = planned("data;ativo;operacao;quantidade;preco\n05/02/2026;PETR4;venda;5;31\n", existing)
    assert plan.rows[0].reason == "it would leave a sale of PETR4 that is booked already without shares"


def test_two_rows_alike_are_two_and_a_longer_file_books_only_what_is_new() -> None:
    head, row = "data;ativo;operacao;quantidade;preco\n", "02/01/2026;PETR4;compra;10;30\n"
    first = planned(head + row * 2)
    assert first.counts["booked"] == 2
    assert planned(head + row * 3, list(first.transactions)).counts == {"booked": 1, "duplicate": 2, "refused": 0}


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("32/01/2026;PETR4;compra;10;30", "is no day"),
        ("02/01/2027;PETR4;compra;10;30", "future"),
        ("02/01/2026;PETROLEO;compra;10;30", "is no ticker"),
        ("02/01/2026;PETR4;troca;10;30", "is no operation"),
        ("02/01/2026;PETR4;compra;0;30", "not above zero"),
        ("02/01/2026;PETR4;compra;-5;30", "not above zero"),
        ("02/01/2026;PETR4;compra;10;-30", "negative"),
        ("02/01/2026;PETR4;compra;10;", "neither price nor value"),
        ("02/01/2026;PETR4;compra;dez;30", "is no number"),
        ("02/01/2026;;compra;10;30", "ticker is missing"),
        ("02/01/2026;PETR4;compra;10;0,123456789", "decimal"),
        ("02/01/2026;PETR4", "is no operation"),
    ],
)
def test_a_bad_row_is_refused_by_its_line_and_the_others_stand(row: str, why: str) -> None:
    plan = planned(f"data;ativo;operacao;quantidade;preco\n02/01/2026;VALE3;compra;1;60\n{row}\n")
    assert plan.counts == {"booked": 1, "duplicate": 0, "refused": 1}
    assert plan.rows[1].line == 3
    assert why in str(plan.rows[1].reason)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"   \n\n", "empty"),
        (b"PK\x03\x04rest", "workbook is damaged"),
        (b"%PDF-1.7", "PDF"),
        (b"\xd0\xcf\x11\xe0", "old Excel"),
        (b"a\x00b;c;d", "zero bytes"),
        (b"\xff\xfea", "utf-16"),
        (b"nome;idade;cidade\nana;3;rio\n", "no known layout: its header is nome, idade, cidade"),
        (b"just one line of words", "no header was found"),
        (b"x" * 10_000_001, "split it by year"),
    ],
)
def test_what_is_no_statement_is_refused_with_what_to_do(data: bytes, why: str) -> None:
    with pytest.raises(StatementRefused, match=why):
        read_statement(data, today=TODAY)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_plan_or_a_refusal(data: bytes) -> None:
    try:
        planned(data)
    except StatementRefused as refused:
        assert str(refused)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=300))
def test_any_text_below_a_header_gives_rows_with_reasons(text: str) -> None:
    plan = planned("data;ativo;operacao;quantidade;preco\n" + text)
    assert all(row.reason for row in plan.rows if row.status == "refused")


KINDS = st.sampled_from(["buy", "sell", "split", "fee"])


@given(st.lists(st.tuples(KINDS, st.integers(1, 5), st.integers(1, 9)), max_size=12))
def test_what_was_booked_is_never_booked_again(rows: list[tuple[str, int, int]]) -> None:
    given_rows = [
        Transaction(
            date=date(2026, 1, d),
            ticker="PETR4",
            operation=Operation(kind),
            quantity=D(q),
            price=D(0 if kind == "split" else 3),
        )
        for kind, q, d in rows
    ]
    first = plan_booking([], given_rows)
    again = plan_booking(list(first.transactions), given_rows)
    assert again.counts["duplicate"] >= first.counts["booked"]
    assert again.counts["booked"] == 0


def test_the_recorded_layouts_are_read(samples: Path) -> None:
    folder = samples / "statements"
    layouts = {}
    for path in sorted(folder.iterdir()):
        plan = planned(path.read_bytes())
        layouts[path.name] = (plan.layout, plan.counts)
    assert layouts == {
        "b3_movimentacao_layout.csv": ("movimentacao", {"booked": 3, "duplicate": 0, "refused": 1}),
        "b3_negociacao_layout.csv": ("negociacao", {"booked": 3, "duplicate": 0, "refused": 0}),
        "nota_corretagem_sinacor_layout.txt": ("sinacor", {"booked": 5, "duplicate": 0, "refused": 1}),
    }


def test_a_file_without_accents_survives_decoding() -> None:
    assert decode("negócio".encode("latin-1")) == ("negócio", "latin-1")
    assert decode("negócio".encode()) == ("negócio", "utf-8")


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp850", "mac_roman"]
)
def test_a_statement_is_read_in_any_encoding_that_portuguese_is_written_in(encoding: str) -> None:
    text = (
        "Data do Negócio;Tipo de Movimentação;Mercado;Prazo/Vencimento;Instituição;Código de Negociação;Quantidade;"
        "Preço;Valor\n05/01/2026;Compra;Mercado à Vista;-;CORRETORA SÃO JOSÉ;PETR4;1.000;30,50;30.500,00\n"
    )
    statement = read_statement(text.encode(encoding), today=date(2026, 11, 27))
    (row,) = statement.rows
    assert row.transaction and (row.transaction.quantity, row.transaction.broker) == (
        Decimal(1000),
        "CORRETORA SÃO JOSÉ",
    )


def test_shares_redeemed_by_the_company_are_a_sale() -> None:
    head = "Entrada/Saída;Data;Movimentação;Produto;Instituição;Quantidade;Preço unitário;Valor da Operação\n"
    rows = "Credito;07/01/2026;Transferência - Liquidação;BIDI4 - I;A;100;10,00;1.000,00\n"
    rows += "Debito;10/02/2026;Resgate;BIDI4 - I;A;100;12,00;1.200,00\n"
    plan = plan_import((), read_statement((head + rows).encode(), today=date(2026, 11, 27)))
    assert [(t.operation, t.amount) for t in plan.transactions] == [
        (Operation.BUY, Decimal(1000)),
        (Operation.SELL, Decimal(1200)),
    ]
