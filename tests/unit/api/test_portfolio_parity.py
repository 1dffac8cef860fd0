"""Every operation on portfolios exists over HTTP, in the Python client and on the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import typer

from invest.api.routes.table import routes
from invest.cli.app import app
from invest.engine import registry
from invest.http import PortfolioHandle, Portfolios
from invest.jobs.declared import declare_all

ONE = "/portfolios/{portfolio_id}"
FACT = {"date": "2026-01-05", "operation": "buy"}
# operation: (method of the client, its arguments, verb of the command line)
TABLE: dict[tuple[str, str], tuple[str, tuple[Any, ...], str]] = {
    ("POST", "/portfolios"): ("all.create", ("P",), "portfolio create"),
    ("GET", "/portfolios"): ("all.all", (), "portfolio ls"),
    ("GET", ONE): ("show", (), "portfolio show"),
    ("PATCH", ONE): ("change", (), "portfolio rename"),
    ("DELETE", ONE): ("remove", (), "portfolio rm"),
    ("PUT", f"{ONE}/targets"): ("set_targets", ({},), "portfolio targets"),
    ("POST", f"{ONE}/transactions"): ("book", (FACT,), "portfolio book"),
    ("POST", f"{ONE}/import"): ("import_statement", (b"x",), "portfolio import"),
    ("GET", f"{ONE}/metrics"): ("metrics", (), "portfolio metrics"),
    ("GET", "/statements/columns"): ("all.columns", (), "portfolio columns"),
    ("PUT", "/statements/columns"): ("all.set_columns", ({},), "portfolio columns"),
    ("GET", f"{ONE}/transactions"): ("transactions", (), "portfolio transactions"),
    ("GET", f"{ONE}/transactions/{{transaction_id}}"): ("transaction", (7,), "portfolio transactions"),
    ("PUT", f"{ONE}/transactions/{{transaction_id}}"): ("edit", (7, FACT), "portfolio edit"),
    ("DELETE", f"{ONE}/transactions/{{transaction_id}}"): ("delete", (7,), "portfolio delete"),
    ("GET", f"{ONE}/imports"): ("imports", (), "portfolio imports"),
    ("DELETE", f"{ONE}/imports/{{import_id}}"): ("undo", (7,), "portfolio undo"),
    ("PUT", f"{ONE}/name"): ("rename", ("Q",), "portfolio rename"),
    ("POST", f"{ONE}/merge"): ("merge", ("q",), "portfolio merge"),
    ("GET", f"{ONE}/fixed-income"): ("fixed_income", (), "portfolio fixed-income ls"),
    ("GET", f"{ONE}/fixed-income/{{bond_id}}"): ("fixed_income_of", ("b",), "portfolio fixed-income ls"),
    ("POST", f"{ONE}/fixed-income"): ("add_fixed_income", ({},), "portfolio fixed-income add"),
    ("PUT", f"{ONE}/fixed-income/{{bond_id}}"): ("replace_fixed_income", ("b", {}), "portfolio fixed-income edit"),
    ("DELETE", f"{ONE}/fixed-income/{{bond_id}}"): ("delete_fixed_income", ("b",), "portfolio fixed-income rm"),
    ("GET", f"{ONE}/proposals"): ("proposals", (), "portfolio proposals"),
    ("POST", f"{ONE}/proposals"): ("propose", (), "portfolio propose"),
    ("POST", f"{ONE}/proposals/confirm"): ("confirm", (), "portfolio confirm"),
    ("POST", f"{ONE}/proposals/decline"): ("decline", ("all",), "portfolio confirm"),
    ("GET", f"{ONE}/options"): ("options", (), "portfolio options"),
    ("PUT", f"{ONE}/options"): ("set_options", (), "portfolio options"),
    ("GET", f"{ONE}/rebalance"): ("rebalance", (), "portfolio rebalance"),
    ("GET", f"{ONE}/tax"): ("tax", (2026,), "tax"),
    ("GET", f"{ONE}/tax/file"): ("tax_file", (2026,), "tax"),
    ("GET", f"{ONE}/tax/opening"): ("tax_opening", (), "portfolio tax-opening"),
    ("PUT", f"{ONE}/tax/opening"): ("set_tax_opening", ({},), "portfolio tax-opening"),
}
NAMES = {"portfolio_id": "p", "transaction_id": "7", "import_id": "7", "bond_id": "b"}


class Recorder:
    """A client that writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        self.asked.append((method, path))

    async def upload(self, path: str, content: bytes, *, media: str, **query: Any) -> Any:
        self.asked.append(("POST", path))

    async def read(self, path: str, **query: Any) -> bytes:
        self.asked.append(("GET", path))
        return b""

    async def pages(self, path: str, **query: Any) -> AsyncIterator[Any]:
        self.asked.append(("GET", path))
        for item in list[Any]():
            yield item


def test_the_table_has_every_operation_there_is() -> None:
    declare_all()
    every = {(r.method, r.path.removeprefix("/api/v1")) for r in routes(registry)}
    there = {(m, path) for m, path in every if path.startswith(("/portfolios", "/statements"))}
    assert there == set(TABLE)


@pytest.mark.parametrize(("operation", "told"), TABLE.items(), ids=lambda v: " ".join(map(str, v))[:60])
async def test_the_client_asks_each_operation(
    operation: tuple[str, str], told: tuple[str, tuple[Any, ...], str]
) -> None:
    name, arguments, _ = told
    recorder = Recorder()
    face: Any = Portfolios(recorder) if name.startswith("all.") else PortfolioHandle(recorder, "p")
    more = {"auto_confirm": True} if name == "set_options" else {}
    made = getattr(face, name.removeprefix("all."))(*arguments, **more)
    if hasattr(made, "__aiter__"):
        assert [row async for row in made] == []
    else:
        await made
    method, path = operation
    assert recorder.asked == [(method, path.format(**NAMES))]


def test_the_command_line_has_a_verb_for_each() -> None:
    tree: Any = typer.main.get_command(app)
    for _, _, verb in TABLE.values():
        command = tree
        for word in verb.split():
            assert word in command.commands, verb
            command = command.commands[word]
        assert command.help and not command.hidden, verb
