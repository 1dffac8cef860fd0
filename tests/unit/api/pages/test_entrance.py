"""Where a browser is sent on: to this site alone."""

from __future__ import annotations

import pytest

from invest.api.pages.entrance import local_path


@pytest.mark.parametrize("given", ["/", "/portfolios?x=1", "/ops/jobs?text=ação&span=day", "/@evil.example"])
def test_a_path_of_this_site_is_kept(given: str) -> None:
    assert local_path(given) == given


@pytest.mark.parametrize(
    "given",
    [
     "//evil.example", "/\\evil.example", "/\t/evil.example", "/\t\\evil.example",
     "/\n/evil.example", "/\r/evil.example", "/./\\evil.example", "\t//evil.example",
     " //evil.example", "https://evil.example", "javascript:alert(1)", "/\x00",
     "/\u2028/evil.example", "evil.example", "",
    ],
)  # fmt: skip
def test_what_a_browser_would_read_as_another_site_is_not(given: str) -> None:
    assert local_path(given) == "/"
