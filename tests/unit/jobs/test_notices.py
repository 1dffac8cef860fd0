"""Messages: one for all that is owed, with links where the address of the pages is known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from invest.domain.notices import Notice, Occasion
from invest.errors import ConfigError
from invest.jobs.notices import WORDS, message_of
from invest.settings import Settings

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def notice(title: str, path: str, text: str = "") -> Notice:
    return Notice(occasion=Occasion.ALERT, key=title, owner="o", title=title, text=text, path=path, at=NOW)


@pytest.mark.parametrize(
    ("address", "link"), [("", "/assets/PETR4"), ("https://invest.example", "https://invest.example/assets/PETR4")]
)
def test_a_message_names_where_to_read_it(address: str, link: str) -> None:
    one, other = notice("PETR4 below 30", "/assets/PETR4", "look"), notice("a trial", "")
    assert message_of([one], WORDS["en"], address).text == f"look\n{link}"
    assert message_of([other], WORDS["en"], address).text == "a trial", "nothing to link to"
    both = message_of([one, other], WORDS["pt-BR"], address)
    assert (both.title, both.text) == ("2 avisos", f"PETR4 below 30 · {link}\na trial")


def test_links_begin_with_the_address_of_the_pages(settings: Callable[..., Settings]) -> None:
    assert settings().web.address == ""
    assert settings(web={"public_url": "https://invest.example/"}).web.address == "https://invest.example"
    openid = {
        "issuer": "https://login.example",
        "client_id": "c",
        "public_url": "https://desk.example",
        "everybody": "read",
    }
    assert settings(web={"openid": openid}).web.address == "https://desk.example", "said once is enough"
    with pytest.raises(ConfigError, match="expected https"):
        settings(web={"public_url": "http://invest.example"})
    with pytest.raises(ConfigError, match="expected https"):
        settings(web={"public_url": "javascript:alert(1)"})
