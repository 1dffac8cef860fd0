"""Models made without checks are the models that checks would have made."""

from __future__ import annotations

import copy
import pickle
from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from invest.domain.frozen import bare
from invest.domain.market import MacroPoint


def test_a_bare_model_is_the_checked_one_in_every_way() -> None:
    fields = {"series": "sgs:12", "day": date(2026, 3, 2), "value": Decimal("0.05"), "source": "bcb", "payload": "p"}
    made, checked = bare(MacroPoint, **fields), MacroPoint.model_validate(fields)
    assert made == checked
    assert hash(made) == hash(checked)
    assert made.model_dump_json(exclude_unset=True) == checked.model_dump_json(exclude_unset=True)
    assert repr(made) == repr(checked)
    for twin in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made)):
        assert twin == checked
    assert made.model_copy(update={"source": "x"}) == checked.model_copy(update={"source": "x"})
    assert made.source == "bcb"
    with pytest.raises(ValidationError, match="frozen"):
        made.source = "x"  # type: ignore[misc]
