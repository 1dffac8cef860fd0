"""A feed that defines entities is not read, in whatever encoding it hides them."""

from __future__ import annotations

import pytest

from invest.sources.errors import Malformed
from invest.sources.feeds.format import entries_of

FEED = (
    '<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE rss [<!ENTITY a "{long}">]>'
    '<rss version="2.0"><channel><item><title>{many}</title></item></channel></rss>'
)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp037", "latin-1"]
)
def test_entities_are_found_in_any_encoding(encoding: str) -> None:
    body = FEED.format(encoding=encoding, long="x" * 1_000, many="&a;" * 1_000).encode(encoding)
    with pytest.raises(Malformed, match="entities"):
        entries_of("rss", body)


def test_a_feed_in_another_encoding_without_entities_is_read() -> None:
    item = "<channel><item><title>Ação</title></item></channel>"
    text = f'<?xml version="1.0" encoding="utf-16"?><rss version="2.0">{item}</rss>'
    assert entries_of("rss", text.encode("utf-16"))[0]["title"] == "Ação"


def test_a_feed_whose_tags_end_where_they_did_not_begin_is_malformed() -> None:
    link = "<link>https://a.example/1</lie - Valor</title><link>https://a.example/1</link>"
    item = f"<item><title>x</title>{link}<pubDate></pubDate><source url=''>Valor</source></item>"
    with pytest.raises(Malformed, match="no feed"):
        entries_of("rss", f'<?xml version="1.0"?><rss version="2.0"><channel>{item}</ple/1</link><pubD'.encode())


@pytest.mark.parametrize("tag", ["<{name}>", "</{name}>", "<a:{name}/>"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_tag_whose_name_has_no_end_is_not_read(tag: str, encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?><rss version="2.0"><channel><item><title>a</title>'
    body = f"{head}{tag.format(name='source' * 100_000)}</item></channel></rss>".encode(encoding)
    with pytest.raises(Malformed, match="500 characters"):
        entries_of("rss", body)
