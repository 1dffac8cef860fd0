"""Feeds as recorded, and what a hostile one may try."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from invest.domain.market.assets import Asset, NewsItem
from invest.domain.market.tickers import AssetKind
from invest.domain.news.recognition import Recogniser
from invest.domain.values.observations import RawPayload
from invest.sources.client.call import Response
from invest.sources.errors import Malformed, SourceDown
from invest.sources.feeds.format import clean, distinct, entries_of, item
from invest.sources.feeds.gdelt import articles, stamp
from invest.sources.feeds.google_news import split_title
from invest.sources.feeds.links import normalised, safe_link

KNOWN = Recogniser.of(
    Asset(ticker=t, kind=AssetKind.STOCK, name=n)
    for t, n in (
        ("PETR4", "Petróleo Brasileiro S.A. - Petrobras"),
        ("PRIO3", "PRIO S.A."),
        ("VALE3", "Vale S.A."),
        ("BHIA3", "Grupo Casas Bahia S.A."),
    )
)
PAYLOAD = RawPayload(
    sha256="0" * 64, source="rss", url="u", fetched_at=datetime(2026, 12, 1, tzinfo=UTC), status=200, size=0
)


def items(body: bytes, outlet: str = "x") -> list[NewsItem]:
    """Items of a feed."""
    made = (item(e, outlet=outlet, source="rss", payload=PAYLOAD, known=KNOWN) for e in entries_of("rss", body))
    return [one for one in made if one is not None]


def feed(*entries: str) -> bytes:
    """A feed of these items."""
    body = "".join(f"<item>{e}</item>" for e in entries)
    return f"<rss version='2.0'><channel><title>t</title>{body}</channel></rss>".encode()


def test_headlines_name_their_companies(samples: Path) -> None:
    found = items((samples / "news/infomoney_mirror_2026-03-24.xml").read_bytes())
    assert [one.tickers for one in found] == [("BHIA3",), ("PETR4", "PRIO3"), (), (), ("PETR4",)]
    assert found[0].published_at == datetime(2026, 3, 24, 15, 47, 45, tzinfo=UTC)
    assert [one.sentiment is not None and one.sentiment > 0 for one in (found[1], found[4])] == [True, True]


def test_markup_missing_links_and_tracking_parameters(samples: Path) -> None:
    found = items((samples / "news/infomoney_synthetic_edge_cases.xml").read_bytes())
    assert len(found) == 3
    assert "<" not in found[0].summary
    assert found[0].summary.startswith("O Comitê de Política Monetária decidiu por unanimidade manter")
    assert found[2].link is None
    assert len({one.id for one in found}) == 3


def test_a_date_without_zone_is_sao_paulo_s(samples: Path) -> None:
    (found,) = items((samples / "news/investing_br_synthetic.xml").read_bytes())
    assert found.published_at == datetime(2026, 9, 21, 16, 16, 51, tzinfo=UTC)
    assert found.tickers == ("VALE3",)


@pytest.mark.parametrize(
    "date", ["", "amanhã", "Fri, 32 Foo 2026 99:99:99", "9999999999999", "Mon, 01 Jan 2130 00:00:00 GMT"]
)
def test_a_date_that_is_none_or_ahead_is_no_date(date: str) -> None:
    (found,) = items(feed(f"<title>a</title><pubDate>{date}</pubDate>"))
    assert found.published_at is None


def test_entities_of_its_own_make_a_feed_unreadable() -> None:
    bomb = (
        b"<!DOCTYPE r [<!ENTITY a '"
        + b"x" * 1000
        + b"'>]><rss><channel><item><title>&a;&a;</title></item></channel></rss>"
    )
    with pytest.raises(Malformed, match="entities"):
        entries_of("rss", bomb)


@pytest.mark.parametrize("body", [b"", b"<html><body>Edge</body></html>", b"\x00\xff\xfe", b'{"error": true}'])
def test_what_is_no_feed_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        entries_of("rss", body)


def test_a_feed_cut_in_the_middle_gives_what_is_whole() -> None:
    body = feed("<title>primeira</title>", "<title>segunda</title>")
    assert items(body[:-40])[0].title == "primeira"


def test_script_control_and_invisible_characters_are_gone() -> None:
    title = '&lt;script&gt;alert(1)&lt;/script&gt;Petro\u200bbras &lt;img src=x onerror=y&gt;so\u202ebe R$ 5 #read("x")'
    (found,) = items(feed(f"<title>{title}</title>"))
    assert found.title == 'Petrobras so be R$ 5 #read("x")'.replace("so be", "sobe")


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//x",
        "ftp://x/y",
        "https://user:pw@x/y",
        "https://x/<b>",
        "http://[::1",
        "",
    ],
)
def test_only_web_addresses_are_links(link: str) -> None:
    assert safe_link(link) is None


def test_titles_and_summaries_have_a_length() -> None:
    assert len(clean("palavra " * 10_000, 500)) <= 500
    assert len(clean("<b>" * 100_000, 500)) <= 500


def test_the_same_page_is_one_item_whatever_its_tracking() -> None:
    a = feed("<title>um</title><link>https://www.x.com/a/?utm_source=rss&amp;id=4#top</link>")
    b = feed("<title>dois</title><link>http://x.com/a?id=4&amp;utm_medium=y</link>")
    assert items(a)[0].id == items(b)[0].id
    assert normalised("https://x.com/a?id=5") != normalised("https://x.com/a?id=4")


def test_the_same_headline_of_two_outlets_is_one_item() -> None:
    day = "<pubDate>Tue, 24 Mar 2026 15:00:00 GMT</pubDate>"
    later = "<pubDate>Tue, 31 Mar 2026 15:00:00 GMT</pubDate>"
    one = items(feed(f"<title>Vale sobe 3%</title><link>https://a.com/1</link>{day}"), "a")
    two = items(feed(f"<title>VALE sobe 3 %!</title><link>https://b.com/1</link>{day}"), "b")
    again = items(feed(f"<title>Vale sobe 3%</title><link>https://a.com/2</link>{later}"), "a")
    assert len(distinct([*one, *two, *again])) == 2


def test_google_s_titles_end_in_the_outlet() -> None:
    assert split_title({"title": "Vale - alta - Valor", "source": {"title": "Valor"}}) == ("Vale - alta", "Valor")
    assert split_title({"title": "Vale sobe - InfoMoney"}) == ("Vale sobe", "InfoMoney")
    assert split_title({"title": "Vale"}) == ("Vale", "Google News")


def test_gdelt_s_notice_is_a_reason_to_wait() -> None:
    def answer(body: bytes) -> Response:
        return Response(PAYLOAD.model_copy(update={"body": body}))

    with pytest.raises(SourceDown) as caught:
        articles(answer(b"Please limit requests to one every 5 seconds or contact us for larger queries."))
    assert caught.value.retry_after == 6
    with pytest.raises(Malformed):
        articles(answer(b"Your query was too short."))
    assert articles(answer(b"{}")) == articles(answer(b"")) == []
    assert len(articles(answer(b'{"articles": [{"url": "https://x"}, 3]}'))) == 1
    assert stamp("20240824T120000Z") == "2024-08-24T12:00:00+00:00"
    assert stamp("x") == ""
