"""The token of a browser's forms."""

from __future__ import annotations

from invest.api.pages.session import token_of


def test_cookies_of_any_bytes_have_a_token() -> None:
    odd = b"x\xc7".decode("utf-8", "surrogateescape")  # as a header's bytes that are no UTF-8 come
    tokens = {token_of("x", None), token_of(odd, None), token_of("x", odd), token_of(odd, odd)}
    assert len(tokens) == 4
    assert {len(token) for token in tokens} == {40}
