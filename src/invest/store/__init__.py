"""PostgreSQL through asyncpg: pool, numbered migrations, one module per aggregate, SQL in the open."""

from invest.store.core import may_lag, migrate, pending
from invest.store.erasure import Erased
from invest.store.harvests import Saved
from invest.store.market import Filed
from invest.store.notices import Secret
from invest.store.portfolio_rows import Harmful
from invest.store.reads import GroupReads
from invest.store.store import Store

__all__ = ["Erased", "Filed", "GroupReads", "Harmful", "Saved", "Secret", "Store", "may_lag", "migrate", "pending"]
