"""The connection pool, and the one place where a statement is sent: time limits, retries, clear errors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn, TypeVar

import asyncpg

from invest.errors import ConfigError, InvestError, PoolFull, ServerAway, Unreachable
from invest.settings import DatabaseSettings
from invest.store.core.address import Address, behind_pooler, connect_arguments, server_settings
from invest.store.core.loss import LossWatch
from invest.tracing import span

T = TypeVar("T")
Connection = Any  # asyncpg.Connection or its pool proxy: asyncpg ships no types
Record = Any  # asyncpg.Record

# The server went away under a statement or could not be reached at all.
LOST = (
    ConnectionError,
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
# Worth another try of the whole transaction: a connection that the server closed while it lay in the pool, a
# statement prepared before an ALTER, or a lost race between writers.
AGAIN = (
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.AdminShutdownError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.InternalClientError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
)
PAUSES = (0.02, 0.1)  # seconds before the second and the third try
AWAY_PAUSE = 0.25  # seconds between tries while a server restarts
BESIDE = 2.0  # seconds that a server has to answer on a connection beside a pool that gives none
SERVER = "PostgreSQL"
GONE = ("closed", "released back to the pool")  # what asyncpg says of a connection that was cut before it was used
SCHEMA_MISSING = (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError)


class Database:
    """A pool of connections; every verb of the store goes through `run`, `fetch`, `fetchrow`, `fetchval`, `execute`.

    `patience`: seconds these verbs wait for a server that has gone away (a restart, a failover) before `Unreachable`.
    """

    def __init__(self, pool: Any, address: Address, settings: DatabaseSettings, patience: float = 0) -> None:
        self._pool = pool
        self._address = address
        self._settings = settings
        self._patience = patience
        self._pooled = behind_pooler(address, settings)
        self._asking: asyncio.Future[bool] | None = None

    @property
    def usage(self) -> tuple[int, int, int]:
        """Connections: open, idle among them, the most there may be."""
        return self._pool.get_size(), self._pool.get_idle_size(), self._pool.get_max_size()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """One connection of the pool, always given back. Raises `Unreachable`."""
        try:
            connection = await self._pool.acquire(timeout=self._settings.acquire_timeout)
        except TimeoutError:
            raise await self._no_connection() from None
        except LOST as error:
            raise _Away(str(unreachable(self._address, error)), server=SERVER) from None
        try:
            with translated(self._address), LossWatch(connection):
                yield connection
        except BaseException as error:
            if isinstance(error.__cause__ or error, asyncpg.InternalClientError):
                _terminate(connection)  # out of step with the server: of no use to anybody else
            raise
        finally:
            # Shielded: a cancelled job must not take its connection along.
            await asyncio.shield(self._give_back(connection))

    async def _no_connection(self) -> ServerAway:
        """What it means that none came in time. A pool is full also where a server is frozen under its statements."""
        where = f"PostgreSQL at {self._address.shown}: no connection within {self._settings.acquire_timeout:g} s"
        if await self.answers():
            message = f"{where}: all {self._settings.pool_max} of this process are in use; raise database.pool_max"
            return PoolFull(message, server="this process's pool of connections to PostgreSQL")
        return ServerAway(f"{where}; is the server up?", server=SERVER)

    async def answers(self) -> bool:
        """Whether the server answers beside the pool; who asks at the same time shares one answer."""
        if self._asking is None:
            self._asking = asyncio.ensure_future(_answers(self._address, self._settings))
            self._asking.add_done_callback(self._asked)
        return await asyncio.shield(self._asking)

    def _asked(self, _: asyncio.Future[bool]) -> None:
        self._asking = None

    async def _give_back(self, connection: Connection) -> None:
        """Release a connection; one that the server cut meanwhile has left the pool already, which harms nobody."""
        try:
            await self._pool.release(connection)
        except (asyncpg.InternalClientError, asyncpg.InterfaceError, *LOST):
            _terminate(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction: committed at the end, rolled back on any error."""
        async with self.connection() as connection:
            with translated(self._address):
                async with connection.transaction():
                    if self._pooled:
                        await _set_local_limits(connection, self._settings)
                    yield connection

    async def run(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """`work` in one transaction, tried again if it lost a race or met a changed table: it must be idempotent."""

        async def attempt() -> T:
            with span("postgresql transaction", kind="CLIENT", db__system="postgresql"):
                async with self.transaction() as connection:
                    return await work(connection)

        return await self._tried(attempt)

    async def _tried(self, attempt: Callable[[], Awaitable[T]]) -> T:
        clock = asyncio.get_running_loop().time
        patient_until, pauses = clock() + self._patience, iter(PAUSES)
        while True:
            try:
                return await attempt()
            except _Away:
                pause = AWAY_PAUSE
                if clock() + pause > patient_until:
                    raise
            except _Retryable as error:
                pause = next(pauses, -1)
                lost = isinstance(error.__cause__, LOST)
                if pause < 0 and lost and clock() + AWAY_PAUSE <= patient_until:
                    pause = AWAY_PAUSE
                if pause < 0:
                    self._give_up(error)
            # The pause lets the loop notice which other connections of the pool the server closed as well.
            await asyncio.sleep(pause)

    def _give_up(self, error: _Retryable) -> NoReturn:
        cause = error.__cause__
        if cause is not None and isinstance(cause, LOST):
            raise unreachable(self._address, cause) from cause
        raise InvestError(f"PostgreSQL at {self._address.shown}: {error}") from cause

    async def fetch(self, sql: str, *args: Any) -> list[Record]:
        """All rows of one statement."""
        return await self.run(lambda c: c.fetch(sql, *args)) if self._pooled else await self._direct("fetch", sql, args)

    async def fetchrow(self, sql: str, *args: Any) -> Record | None:
        """The first row of one statement, or None."""
        if self._pooled:
            return await self.run(lambda c: c.fetchrow(sql, *args))
        return await self._direct("fetchrow", sql, args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        """The first column of the first row, or None."""
        if self._pooled:
            return await self.run(lambda c: c.fetchval(sql, *args))
        return await self._direct("fetchval", sql, args)

    async def execute(self, sql: str, *args: Any) -> int:
        """One statement; returns how many rows it touched."""
        if self._pooled:
            return touched(await self.run(lambda c: c.execute(sql, *args)))
        return touched(await self._direct("execute", sql, args))

    async def _direct(self, verb: str, sql: str, args: Sequence[Any]) -> Any:
        """One statement without an explicit transaction: one round trip. asyncpg itself re-prepares after an ALTER."""

        async def attempt() -> Any:
            with span(f"postgresql {verb}", kind="CLIENT", db__system="postgresql", db__statement=sql):
                async with self.connection() as connection:
                    with translated(self._address):
                        return await getattr(connection, verb)(sql, *args)

        return await self._tried(attempt)


def _terminate(connection: Connection) -> None:
    """End a connection, unless its pool did so before and the handle leads nowhere any more."""
    with contextlib.suppress(asyncpg.InterfaceError):
        connection.terminate()


class _Retryable(InvestError):
    """Internal: the transaction may be tried again."""


class _Away(ServerAway):
    """Internal: no connection can be had; a server that restarts is back in a moment."""


class translated:  # noqa: N801 - reads as a verb in `with translated(...)`
    """asyncpg's errors as ours: lost -> `Unreachable`, no schema -> `ConfigError`, bad values -> `ValueError`."""

    def __init__(self, address: Address) -> None:
        self._address = address

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, InvestError):
            return
        if isinstance(error, AGAIN):
            raise _Retryable(str(error)) from error
        if isinstance(error, SCHEMA_MISSING):
            raise ConfigError(f"the database lacks {_missing(error)}: run `invest db migrate`") from error
        if isinstance(error, asyncpg.QueryCanceledError | asyncpg.LockNotAvailableError):
            raise Unreachable(f"PostgreSQL at {self._address.shown} took too long: {one_line(error)}") from error
        if isinstance(error, TimeoutError):  # the server itself would have ended the statement: it is frozen or cut off
            message = f"PostgreSQL at {self._address.shown} took too long: {one_line(error)}"
            raise ServerAway(message, server=SERVER) from error
        if isinstance(error, asyncpg.InterfaceError) and any(word in str(error) for word in GONE):
            raise _Retryable(str(error)) from ConnectionError(str(error))
        if isinstance(error, LOST):
            raise _Away(str(unreachable(self._address, error)), server=SERVER) from error
        if isinstance(error, asyncpg.ReadOnlySQLTransactionError | asyncpg.InsufficientResourcesError):
            message = f"PostgreSQL at {self._address.shown} refuses writes: {one_line(error)}"
            raise ServerAway(message, server=SERVER) from error
        if isinstance(error, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError):
            raise ValueError(f"refused by the database: {one_line(error)}") from error
        if isinstance(error, asyncpg.PostgresError):
            raise InvestError(f"PostgreSQL at {self._address.shown}: {one_line(error)}") from error


def unreachable(address: Address, error: BaseException) -> ServerAway:
    """The one line for a server that does not answer; never holds the password."""
    message = f"PostgreSQL at {address.shown} does not answer: {one_line(error)}; check DATABASE_URL"
    return ServerAway(message, server=SERVER)


def lost_server(error: BaseException) -> bool:
    """Whether an error of ours is about the server as a whole, and so concerns every other request of now."""
    alive = isinstance(error.__cause__, asyncpg.LockNotAvailableError | asyncpg.QueryCanceledError)
    return isinstance(error, Unreachable) and not alive


def one_line(error: BaseException) -> str:
    """First line of an error's text, or its type where it has none."""
    text = str(error).strip()
    detail = getattr(error, "detail", None)
    line = text.splitlines()[0] if text else type(error).__name__
    return f"{line} ({str(detail).splitlines()[0]})" if detail else line


def touched(status: str) -> int:
    """Rows named by a command status (``INSERT 0 5`` -> 5)."""
    tail = status.rsplit(" ", 1)[-1]
    return int(tail) if tail.isdigit() else 0


def _missing(error: BaseException) -> str:
    return one_line(error).removesuffix(" does not exist")


async def _set_local_limits(connection: Connection, settings: DatabaseSettings) -> None:
    """The server's limits for this transaction alone, as a pooler allows."""
    names = {k: v for k, v in server_settings(settings).items() if k != "application_name"}
    calls = ", ".join(f"set_config('{name}', ${i}, true)" for i, name in enumerate(names, 1))
    await connection.execute(f"SELECT {calls}", *names.values())


async def _leave_clean(connection: Connection) -> None:
    """In place of asyncpg's own reset, which costs a round trip each time: this package sets nothing per session."""
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")


async def _answers(address: Address, settings: DatabaseSettings) -> bool:
    """Whether the server takes another connection and a statement on it, or says that it has too many."""
    arguments = connect_arguments(address, settings) | {"timeout": BESIDE, "command_timeout": BESIDE}
    try:
        connection = await asyncpg.connect(**arguments)
        try:
            await connection.fetchval("SELECT 1")
        finally:
            connection.terminate()
    except asyncpg.TooManyConnectionsError:
        return True
    except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, *LOST):
        return False
    return True


async def open_pool(address: Address, settings: DatabaseSettings) -> Any:
    """An open asyncpg pool. Raises `Unreachable`."""
    try:
        return await asyncpg.create_pool(
            min_size=min(settings.pool_min, settings.pool_max),
            max_size=settings.pool_max,
            max_inactive_connection_lifetime=300,
            reset=_leave_clean,
            **connect_arguments(address, settings),
        )
    except (TimeoutError, *LOST) as error:
        raise unreachable(address, error) from None
    except (ValueError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        raise ConfigError(f"DATABASE_URL ({address.shown}): {one_line(error)}") from None


async def close_pool(pool: Any, settings: DatabaseSettings) -> None:
    """Close the pool; a connection that is still busy is cut rather than waited for."""
    try:
        async with asyncio.timeout(settings.acquire_timeout):
            await pool.close()
    except TimeoutError:
        pool.terminate()
