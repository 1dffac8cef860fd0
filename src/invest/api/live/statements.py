"""Statements are read in a process of their own: a file is a stranger's, and reading one may take long."""

from __future__ import annotations

from typing import Any

from invest.api.http import Problem, unavailable
from invest.domain.brokerage import Statement, StatementRefused, joined
from invest.isolated import Isolated, TooCostly

READER = "invest.statement_pdf:read_in_pieces"


class Statements:
    """Reads statements, one at a time."""

    def __init__(self) -> None:
        self._reader = Isolated(READER)

    async def read(self, data: bytes, **given: Any) -> Statement:
        """See `read_statement`. Raises 422 for a file that cannot be read, 503 while too many wait."""
        if self._reader.crowded:
            raise unavailable("too many statements are being read: try again in a moment")
        try:
            return joined(await self._reader.call(data, **given))
        except StatementRefused as error:
            raise Problem(422, str(error), kind="urn:invest:unknown-statement") from None
        except TooCostly as error:
            message = f"the file was not read: {error}; split it by year, or save it as CSV"
            raise Problem(422, message, kind="urn:invest:unknown-statement") from None

    async def close(self) -> None:
        """End the reader that waits for work."""
        await self._reader.close()
