"""A portfolio over HTTP: the same verbs as `invest portfolio …`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal, Protocol

from invest.http.frames import entries

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA = {b"PK\x03\x04": XLSX, b"%PDF": "application/pdf"}


class Asks(Protocol):
    """What a portfolio needs of a client."""

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Any operation under ``/api/v1``."""

    async def upload(self, path: str, content: bytes, *, media: str, **query: Any) -> Any:
        """Send a file as it is."""

    async def read(self, path: str, **query: Any) -> bytes:
        """The body of any GET."""

    def pages(self, path: str, **query: Any) -> AsyncIterator[Any]:
        """The items of a listing."""


class PortfolioHandle:
    """One portfolio; making a handle asks nothing. Every verb raises `NotFound` or `Refused` as the client does."""

    def __init__(self, client: Asks, portfolio_id: str) -> None:
        self._client = client
        self.id = portfolio_id
        self._path = f"/portfolios/{portfolio_id}"

    async def show(self) -> Any:
        """Its positions and the first page of its transactions."""
        return await self._client.ask("GET", self._path)

    async def import_statement(
        self, content: bytes, *, dry_run: bool = False, accept: str = "", as_of: str | None = None
    ) -> Any:
        """Book a statement's bytes; the answer has each row. `accept`: lines whose question is answered yes, or all."""
        media = next((m for magic, m in MEDIA.items() if content.startswith(magic)), "text/csv")
        query = {"dry_run": str(dry_run).lower(), "accept": accept or None, "as_of": as_of}
        return await self._client.upload(f"{self._path}/import", content, media=media, **query)

    def transactions(self, **query: Any) -> AsyncIterator[Any]:
        """Its transactions in order of their days, each with its id; page after page."""
        return self._client.pages(f"{self._path}/transactions", **query)

    async def book(self, *transactions: Mapping[str, Any], repeat: bool = False) -> Any:
        """Book transactions by hand; all or none."""
        return await self._client.ask(
            "POST", f"{self._path}/transactions", list(transactions), repeat=str(repeat).lower()
        )

    async def edit(self, transaction_id: int, transaction: Mapping[str, Any]) -> Any:
        """Replace one transaction."""
        return await self._client.ask("PUT", f"{self._path}/transactions/{transaction_id}", dict(transaction))

    async def transaction(self, transaction_id: int) -> Any:
        """One transaction."""
        return await self._client.ask("GET", f"{self._path}/transactions/{transaction_id}")

    async def delete(self, transaction_id: int) -> None:
        """Delete one transaction."""
        await self._client.ask("DELETE", f"{self._path}/transactions/{transaction_id}")

    async def imports(self) -> list[Any]:
        """The imports that can be undone, newest first."""
        return entries(await self._client.ask("GET", f"{self._path}/imports"))

    async def undo(self, import_id: int) -> Any:
        """Take back all that one import booked."""
        return await self._client.ask("DELETE", f"{self._path}/imports/{import_id}")

    async def rename(self, name: str) -> None:
        """Give it another name."""
        await self._client.ask("PUT", f"{self._path}/name", {"name": name})

    async def change(self, **changes: Any) -> Any:
        """Change its name, targets or options; what is left out stays."""
        return await self._client.ask("PATCH", self._path, changes)

    async def merge(self, other_id: str) -> Any:
        """Move all of another portfolio into this one."""
        return await self._client.ask("POST", f"{self._path}/merge", {"portfolio_id": other_id})

    async def proposals(self) -> list[Any]:
        """Known events of what was held that nobody booked."""
        return entries(await self._client.ask("GET", f"{self._path}/proposals"))

    async def confirm(self, keys: Sequence[str] | Literal["all"] = "all") -> Any:
        """Book proposed events."""
        chosen = keys if isinstance(keys, str) else list(keys)
        return await self._client.ask("POST", f"{self._path}/proposals/confirm", {"keys": chosen})

    async def decline(self, keys: Sequence[str] | Literal["all"]) -> Any:
        """Never propose these events again."""
        chosen = keys if isinstance(keys, str) else list(keys)
        return await self._client.ask("POST", f"{self._path}/proposals/decline", {"keys": chosen})

    async def propose(self) -> list[Any]:
        """Look for such events now; the open proposals."""
        return entries(await self._client.ask("POST", f"{self._path}/proposals"))

    async def rebalance(self, cash: Decimal | str = "0", *, sell: bool = True) -> Any:
        """Orders towards the targets, and announced payments still to come."""
        return await self._client.ask("GET", f"{self._path}/rebalance", cash=str(cash), sell=str(sell).lower())

    async def tax(self, year: int, *, together: bool = False) -> Any:
        """Income tax of a year."""
        return await self._client.ask("GET", f"{self._path}/tax", year=year, together=str(together).lower())

    async def tax_file(
        self,
        year: int,
        format: Literal["csv", "pdf"] = "csv",  # noqa: A002 - as in the path
        *,
        together: bool = False,
        language: Literal["pt-BR", "en"] = "pt-BR",
    ) -> bytes:
        """The same as a CSV or a PDF, which says in `language` "en" what is open in both languages."""
        query = {"together": str(together).lower(), "language": language}
        return await self._client.read(f"{self._path}/tax/file", year=year, format=format, **query)

    async def tax_opening(self) -> Any:
        """What the tax was told from before: losses, credits, DARFs paid, kinds of assets."""
        return await self._client.ask("GET", f"{self._path}/tax/opening")

    async def set_tax_opening(self, opening: Mapping[str, Any]) -> None:
        """Replace it as a whole."""
        await self._client.ask("PUT", f"{self._path}/tax/opening", dict(opening))

    async def metrics(self, *, since: str | None = None, limit: int = 30) -> list[Any]:
        """What was computed of it: the newest days, oldest first."""
        return entries(await self._client.ask("GET", f"{self._path}/metrics", since=since, limit=limit))

    async def set_targets(self, targets: Mapping[str, Decimal | str]) -> None:
        """Replace its wanted weights, fractions that sum to at most 1."""
        weights = {ticker: str(weight) for ticker, weight in targets.items()}
        await self._client.ask("PUT", f"{self._path}/targets", {"targets": weights})

    async def options(self) -> Any:
        """What its owner set."""
        return await self._client.ask("GET", f"{self._path}/options")

    async def set_options(self, *, auto_confirm: bool) -> None:
        """Whether known events confirm themselves when it is measured."""
        await self._client.ask("PUT", f"{self._path}/options", {"auto_confirm": auto_confirm})

    async def fixed_income(self) -> list[Any]:
        """Its Tesouro Direto, CDB, LCI, LCA and funds, each with its value today."""
        return entries(await self._client.ask("GET", f"{self._path}/fixed-income"))

    async def fixed_income_of(self, bond_id: str) -> Any:
        """One of them."""
        return await self._client.ask("GET", f"{self._path}/fixed-income/{bond_id}")

    async def add_fixed_income(self, bond: Mapping[str, Any]) -> Any:
        """Book one as it was agreed."""
        return await self._client.ask("POST", f"{self._path}/fixed-income", dict(bond))

    async def replace_fixed_income(self, bond_id: str, bond: Mapping[str, Any]) -> Any:
        """Change one: a redemption, a price typed in; of an imported one its terms."""
        return await self._client.ask("PUT", f"{self._path}/fixed-income/{bond_id}", dict(bond))

    async def delete_fixed_income(self, bond_id: str) -> None:
        """Forget one."""
        await self._client.ask("DELETE", f"{self._path}/fixed-income/{bond_id}")

    async def remove(self) -> None:
        """Delete the portfolio with all that belongs to it."""
        await self._client.ask("DELETE", self._path)


class Portfolios:
    """All portfolios of a key: `client.portfolios`."""

    def __init__(self, client: Asks) -> None:
        self._client = client

    def all(self, **query: Any) -> AsyncIterator[Any]:
        """Every portfolio by creation; page after page."""
        return self._client.pages("/portfolios", **query)

    async def create(
        self,
        name: str,
        transactions: Sequence[Mapping[str, Any]] = (),
        targets: Mapping[str, Decimal | str] | None = None,
    ) -> Any:
        """A new portfolio; if one transaction cannot be booked, nothing is."""
        weights = {ticker: str(weight) for ticker, weight in (targets or {}).items()}
        body = {"name": name, "transactions": list(transactions), "targets": weights}
        return await self._client.ask("POST", "/portfolios", body)

    async def columns(self) -> Any:
        """Your own names of columns, which every import of yours understands."""
        return await self._client.ask("GET", "/statements/columns")

    async def set_columns(self, columns: Mapping[str, str]) -> None:
        """Say what columns of your files hold; an empty meaning forgets one."""
        await self._client.ask("PUT", "/statements/columns", {"columns": dict(columns)})
