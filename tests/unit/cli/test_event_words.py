"""Words of `invest data event` that are read before anything is asked of a server."""

from __future__ import annotations

import pytest

from invest.cli.verbs.events import _paper, _part
from invest.errors import ConfigError


@pytest.mark.parametrize(
    ("written", "part"), [("0.125", "0.125"), ("12.5%", "0.125"), ("12,5 %", "0.125"), ("100%", "1"), ("-0.1", "-0.1")]
)
def test_a_part_is_a_fraction_or_in_per_cent(written: str, part: str) -> None:
    assert _part(written) == part


@pytest.mark.parametrize("written", ["an eighth", "nan", "Infinity", "1e9999999", "1e400000%", "12.5%%"])
def test_what_is_no_part_is_refused_in_a_sentence(written: str) -> None:
    with pytest.raises(ConfigError, match="is no part of a cost"):
        _part(written)


def test_a_paper_received_has_its_ratio_and_its_part() -> None:
    assert _paper("newa3=0.5:12%") == {"other": "NEWA3", "ratio": "0.5", "cost_share": "0.12"}
    assert _paper("RNEW4=2") == {"other": "RNEW4", "ratio": "2"}
    with pytest.raises(ConfigError, match="RNEW4=2"):
        _paper("RNEW4")
