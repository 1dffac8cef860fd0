"""The invented market: who is listed, how prices moved, what was paid, filed and written. No I/O but the bars' CSV."""

from __future__ import annotations

from invest_sandbox.world.books import Books, Period
from invest_sandbox.world.charts import (
    Row,
    added_value,
    assets,
    cash_flow,
    comprehensive,
    income,
    liabilities,
    parent_only,
    restated,
)
from invest_sandbox.world.codes import dotted, isin
from invest_sandbox.world.listings import Company, Former, Listing, is_fiagro
from invest_sandbox.world.macro import DAILY, target
from invest_sandbox.world.news import TEMPLATES, Story, display_name, stories
from invest_sandbox.world.series import Action, Days, Floats, Series
from invest_sandbox.world.sessions import ZONE, after_close, is_session
from invest_sandbox.world.world import INDEX, World

__all__ = [
    "DAILY",
    "INDEX",
    "TEMPLATES",
    "ZONE",
    "Action",
    "Books",
    "Company",
    "Days",
    "Floats",
    "Former",
    "Listing",
    "Period",
    "Row",
    "Series",
    "Story",
    "World",
    "added_value",
    "after_close",
    "assets",
    "cash_flow",
    "comprehensive",
    "display_name",
    "dotted",
    "income",
    "is_fiagro",
    "is_session",
    "isin",
    "liabilities",
    "parent_only",
    "restated",
    "stories",
    "target",
]
