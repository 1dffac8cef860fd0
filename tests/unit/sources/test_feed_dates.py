"""When feeds' items were published, as outlets write it, and which addresses lead to one page."""

from __future__ import annotations

from datetime import UTC

import pytest

from invest.domain.news import title_key
from invest.sources.feeds.dates import published
from invest.sources.feeds.links import normalised


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Wed, 25 Nov 2026 10:00:00 -0300", "2026-11-25T13:00"),
        ("Wed, 25 Nov 2026 10:00:00 GMT", "2026-11-25T10:00"),
        ("Wed, 25 Nov 2026 10:00:00 UT", "2026-11-25T10:00"),
        ("Wed, 25 Nov 2026 10:00:00 UTC", "2026-11-25T10:00"),
        ("Wed, 25 Nov 2026 10:00:00 Z", "2026-11-25T10:00"),
        ("Wed, 25 Nov 2026 10:00:00 EST", "2026-11-25T15:00"),
        ("Wed, 25 Nov 2026 10:00:00 PDT", "2026-11-25T17:00"),
        ("Wed, 25 Nov 2026 10:00:00 BRT", "2026-11-25T13:00"),
        ("Wed, 25 Nov 2026 10:00:00 BST", "2026-11-25T10:00"),
        ("Wed, 25 Nov 2026 10:00:00 A", "2026-11-25T10:00"),
        ("25 Nov 2026 10:00 -0300", "2026-11-25T13:00"),
        ("25 Nov 26 10:00:00 -0300", "2026-11-25T13:00"),
        ("Qua, 25 Nov 2026 10:00:00 -0300", "2026-11-25T13:00"),
        ("Qua, 25 nov. 2026 10:00:00 -0300", "2026-11-25T13:00"),
        ("Sex, 24 Abr 2026 10:00:00 -0300", "2026-04-24T13:00"),
        ("sáb, 14 fev 2026 10:00:00 -0300", "2026-02-14T13:00"),
        ("Ter, 15 Set 2026 10:00:00 GMT", "2026-09-15T10:00"),
        ("seg, 05 out 2026 08:30:00 +0000", "2026-10-05T08:30"),
        ("15 de março de 2026, 10h30", "2026-03-15T13:30"),
        ("15 de março de 2026 às 10h30", "2026-03-15T13:30"),
        ("15 de março de 2026 10:30", "2026-03-15T13:30"),
        ("quarta-feira, 25 de novembro de 2026", "2026-11-25T03:00"),
        ("1º de maio de 2026", "2026-05-01T03:00"),
        ("25/11/2026 10h30", "2026-11-25T13:30"),
        ("25/11/2026 10:30", "2026-11-25T13:30"),
        ("25/11/2026 10:30:15", "2026-11-25T13:30"),
        ("25/11/2026", "2026-11-25T03:00"),
        ("25/11/2026 às 10:30", "2026-11-25T13:30"),
        ("25.11.2026 10:30", "2026-11-25T13:30"),
        ("25-11-2026 10:30", "2026-11-25T13:30"),
        ("2026-11-25", "2026-11-25T03:00"),
        ("2026-11-25T10:30:00Z", "2026-11-25T10:30"),
        ("2026-11-25T10:30:00-03:00", "2026-11-25T13:30"),
        ("2026-11-25T10:30:00.123-03:00", "2026-11-25T13:30"),
        ("2026-11-25T10:30:00.1234567Z", "2026-11-25T10:30"),
        ("2026-11-25 10:30:00 -0300", "2026-11-25T13:30"),
        ("2026-11-25 10:30:00", "2026-11-25T13:30"),
        ("20261125T103000Z", "2026-11-25T10:30"),
        ("Wed Nov 25 10:00:00 2026", "2026-11-25T13:00"),
        ("Wed Nov 25 10:00:00 BRT 2026", "2026-11-25T13:00"),
        ("Wed Nov 25 10:00:00 -0300 2026", "2026-11-25T13:00"),
        ("Nov 25, 2026 10:00 AM", "2026-11-25T13:00"),
        ("November 25, 2026 10:00 PM", "2026-11-26T01:00"),
        ("Wed, 25 Nov 2026 10:00:00 PM -0300", "2026-11-26T01:00"),
        ("Wednesday, 25 November 2026 10:00:00 GMT", "2026-11-25T10:00"),
        ("Wed, 25 Nov 2026 10:00:00 GMT-3", "2026-11-25T13:00"),
        ("Wed, 25 Nov 2026 10:00:00 GMT-03:00", "2026-11-25T13:00"),
        ("Wed, 25 Nov 2026 10:00:00 America/Sao_Paulo", "2026-11-25T13:00"),
        ("Wed, 25 Nov 2026 10:00:00 -0300 (BRT)", "2026-11-25T13:00"),
        ("1795604400", "2026-11-25T11:00"),
        ("1795604400000", "2026-11-25T11:00"),
        ("2026/11/25 10:00:00", "2026-11-25T13:00"),
        ("20261125100000", "2026-11-25T13:00"),
        ("20261125T100000-0300", "2026-11-25T13:00"),
        ("2026-11-25T24:00:00-03:00", "2026-11-26T03:00"),
        ("25/11/2026 às 24:00", "2026-11-26T03:00"),
    ],
)
def test_a_date_is_read_however_it_is_written(text: str, moment: str) -> None:
    found = published(text)
    assert found is not None
    assert found.tzinfo is UTC
    assert found.strftime("%Y-%m-%dT%H:%M") == moment


@pytest.mark.parametrize(
    "text",
    [
        "Wed, 31 Nov 2026 10:00:00 GMT",
        "Wed, 25 Nov 2026 10:00:00 -2500",
        "ontem",
        "há 2 horas",
        "0000-00-00 00:00:00",
        "Mon, 01 Jan 0001 00:00:00 +0000",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Wed, 25 Nov 2026 25:00:00 GMT",
        "Wed, 25 Nov 2026 24:30:00 GMT",
        "",
    ],
)
def test_what_names_no_moment_is_undated(text: str) -> None:
    assert published(text) is None


@pytest.mark.parametrize(
    "link",
    [
        "https://www.infomoney.com.br/mercados/petrobras-sobe/",
        "http://infomoney.com.br/mercados/petrobras-sobe",
        "https://www.infomoney.com.br/mercados/petrobras-sobe/?utm_source=rss&utm_medium=feed",
        "https://www.infomoney.com.br/mercados/petrobras-sobe/?fbclid=abc",
        "https://www.infomoney.com.br/mercados/petrobras-sobe/?gclid=abc&igshid=1",
        "https://www.infomoney.com.br/mercados/petrobras-sobe/amp/",
        "https://www.infomoney.com.br/mercados/petrobras-sobe/?amp",
        "https://www.infomoney.com.br/mercados/petrobras-sobe/?amp=1",
        "https://www.infomoney.com.br/mercados/petrobras-sobe/?outputType=amp",
        "https://amp.infomoney.com.br/mercados/petrobras-sobe/",
        "https://www.infomoney.com.br/amp/mercados/petrobras-sobe/",
        "https://www-infomoney-com-br.cdn.ampproject.org/c/s/www.infomoney.com.br/mercados/petrobras-sobe/amp/",
        "https://www.google.com/amp/s/www.infomoney.com.br/mercados/petrobras-sobe/amp/",
        "https://WWW.INFOMONEY.com.br:443/mercados/petrobras-sobe/#comentarios",
        "https://m.infomoney.com.br/mercados/petrobras-sobe/",
        "https://www.infomoney.com.br/google/amp/mercados/petrobras-sobe/",
        "https://www.infomoney.com.br/google/amp/www.infomoney.com.br/mercados/petrobras-sobe/",
        "https://www.infomoney.com.br/mercados/petrobras-sobe/?noamp=mobile&srsltid=1&trk=feed&_hsenc=2&pk_source=x",
        "https://www.infomoney.com.br/mercados/petrobras-sobe/?msclkid=1&yclid=2&_ga=3&ocid=x&cmpid=y&mc_cid=4",
        "https://www.infomoney.com.br//mercados/petrobras-sobe/",
        "https://www.infomoney.com.br/mercados/petrobras-sobe/?print=1",
        "https://www.google.com/url?sa=t&url=https://www.infomoney.com.br/mercados/petrobras-sobe/&usg=x",
    ],
)
def test_every_address_of_a_page_is_the_page(link: str) -> None:
    assert normalised(link) == "//infomoney.com.br/mercados/petrobras-sobe"


@pytest.mark.parametrize(
    "link",
    [
        "https://www.google.com/url?sa=t&url=javascript:alert(1)",
        "https://www.google.com/amp/s/",
        "https://x.cdn.ampproject.org/c/s/",
        "https://example.com/amp",
        "https://example.com/c/s/other.com/a",
    ],
)
def test_an_address_that_only_looks_like_a_copy_is_one_of_its_own(link: str) -> None:
    assert normalised(link).startswith(("//google.com/", "//x.cdn.ampproject.org/", "//example.com"))


@pytest.mark.parametrize(
    "title",
    [
        "Petrobras sobe 3% após dividendos - InfoMoney",
        "Petrobras sobe 3% após dividendos | Valor Econômico",
        "Petrobras sobe 3% após dividendos – Money Times",
        "Petrobras sobe 3% após dividendos - E-Investidor",
        "PETROBRAS SOBE 3% APÓS DIVIDENDOS",
        "Petrobras (PETR4) sobe 3% após dividendos",
        "Petrobras (PETR3; PETR4) sobe 3% após dividendos",
        "Petrobras sobe 3%, após “dividendos”",
    ],
)
def test_one_headline_is_one_whoever_carries_it(title: str) -> None:
    assert title_key(title) == title_key("Petrobras sobe 3% após dividendos")


def test_what_stands_behind_a_dash_counts_where_it_is_no_outlet() -> None:
    assert title_key("Petrobras sobe - e a Vale cai") != title_key("Petrobras sobe")
    assert title_key("Copom mantém Selic - 15%") != title_key("Copom mantém Selic - 14%")
