"""How many POSTs one web process accepts, against a bare handler and against FastAPI + Celery, in the same run.

python -m bench.api [--seconds 4] [--rounds 5]   -> bench/out/api.json

`rps`, `p99_ms`: POST -> 202 by {invest, bare, fastapi_celery}, median of the rounds, taken in turns; invest with
validation, API keys, rate limits, an Idempotency-Key of its own on every request, audit and request log. `sse`: clients
on one process at 10 events a second, `sent` = clients x events. `overload`: three times what was measured, offered open
loop; `lost` are accepted jobs that Redis does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from redis import Redis

from bench import outputs
from bench.servers import OwnValkey, free_port
from invest.local import LocalServers
from invest.store import Store, migrate

HERE = Path(__file__).parents[1]
PEER = HERE / ".venv-bench" / "bin" / "python"
ANALYSE = "/api/v1/analysis/async/analyze?ticker=PETR4"
CONNECTIONS = 64
SSE_CLIENTS, SSE_EVENTS, SSE_RATE = 2000, 100, 10
OPEN_FILES = 16_384


@contextmanager
def process(command: list[str], port: int, probe: str, **environment: str) -> Iterator[None]:
    """A server process, once it answers `probe`."""
    env = {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{HERE / 'src'}", **environment}
    log = Path(tempfile.mkstemp(prefix="invest-bench-log-")[1])
    with log.open("wb") as out:
        child = subprocess.Popen(command, env=env, stdout=out, stderr=out, cwd=tempfile.gettempdir())
    try:
        _answers(f"http://127.0.0.1:{port}{probe}", child)
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(5)
        child.kill()
        child.wait()
        log.unlink()


def _answers(url: str, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and child.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"no answer from {url}")


def load(*arguments: object) -> dict[str, Any]:
    """Run the load generator; its figures."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.api_load", *map(str, arguments)], cwd=HERE, capture_output=True, check=True
    )
    found: dict[str, Any] = orjson.loads(done.stdout)
    return found


async def new_key(database: str) -> str:
    """An API key that may write."""
    await migrate(database)
    async with Store.open(database) as store:
        plain, _ = await store.keys.create("bench", ["admin"])
        return plain


class Bench:
    """The servers' addresses, and one measurement of each."""

    def __init__(self, database: str, key: str, seconds: float) -> None:
        self.database, self.key, self.seconds = database, key, seconds

    @contextmanager
    def invest(self, valkey: OwnValkey, **settings: str) -> Iterator[int]:
        """The product's own `invest web`, keys on; logs as JSON into a file."""
        port = free_port()
        environment = {
            "REDIS_URL": valkey.url,
            "DATABASE_URL": self.database,
            "INVEST_WEB__AUTH": "on",
            "INVEST_WEB__RATE_LIMIT": "1000000",
            "INVEST_WEB__RATE_BURST": "1000000",
            "INVEST_QUOTAS__KEPT_ANSWER_BYTES": "0",  # each request brings a key of its own
            "INVEST_WEB__MAX_CONNECTIONS_PER_PEER": "4000",  # all clients have one address
            "INVEST_SETTINGS": str(HERE / "settings.toml"),
            **settings,
        }
        with process([sys.executable, "-m", "invest", "web", "--port", str(port)], port, "/healthz", **environment):
            yield port

    def post_invest(self) -> dict[str, Any]:
        """Our rate."""
        with OwnValkey() as valkey, self.invest(valkey) as port:
            load("post", port, self.key, ANALYSE, CONNECTIONS, 1)
            return load("post", port, self.key, ANALYSE, CONNECTIONS, self.seconds)

    def post_bare(self) -> dict[str, Any]:
        """The floor's rate."""
        with OwnValkey() as valkey:
            port = free_port()
            command = [sys.executable, "-m", "bench.api_bare", valkey.url, str(port)]
            with process(command, port, "/"):
                load("post", port, "-", "/push", CONNECTIONS, 1)
                return load("post", port, "-", "/push", CONNECTIONS, self.seconds)

    def post_peer(self) -> dict[str, Any]:
        """FastAPI + Celery's rate."""
        with OwnValkey(port=free_port()) as valkey:
            port = free_port()
            command = [str(PEER), "-m", "uvicorn", "bench.api_peer:app", "--port", str(port), "--no-access-log"]
            with process([*command, "--log-level", "warning"], port, "/docs", BENCH_URL=valkey.url):
                load("post", port, "-", ANALYSE, CONNECTIONS, 1)
                return load("post", port, "-", ANALYSE, CONNECTIONS, self.seconds)

    def sse(self) -> dict[str, Any]:
        """Streams on one process."""
        with OwnValkey() as valkey, self.invest(valkey) as port:
            patience = SSE_EVENTS / SSE_RATE + 20
            command = ["sse", str(port), self.key, str(SSE_CLIENTS), str(SSE_EVENTS), str(patience)]
            with subprocess.Popen(
                [sys.executable, "-m", "bench.api_load", *command], cwd=HERE, stdout=subprocess.PIPE, text=True
            ) as client:
                assert client.stdout
                if client.stdout.readline() != "open\n":
                    raise RuntimeError("the streams did not open")
                self._emit(valkey)
                found: dict[str, Any] = orjson.loads(client.stdout.readline())
                return found | {"events_per_second": SSE_RATE}

    def _emit(self, valkey: OwnValkey) -> None:
        """Jobs into the queue at a steady pace: each is one event."""
        from invest.engine import Invest
        from invest.jobs.declared import declare_all
        from invest.settings import load as load_settings

        async def emit() -> None:
            declare_all()
            settings = load_settings(redis={"url": valkey.url})
            async with Invest.connect(settings) as invest:
                for number in range(SSE_EVENTS):
                    started = time.monotonic()
                    await invest.enqueue_named("analyze_asset_async", ticker=f"PETR{3 + number % 2}")
                    await asyncio.sleep(max(0.0, 1 / SSE_RATE - (time.monotonic() - started)))

        asyncio.run(emit())

    def overload(self, rate: float) -> dict[str, Any]:
        """`rate` requests a second, whether they are answered or not."""
        with OwnValkey() as valkey, self.invest(valkey) as port:
            figures = load("paced", port, self.key, ANALYSE, 1500, 10, rate)
            time.sleep(1)
            with Redis.from_url(valkey.url) as client:
                held = sum(1 for _ in client.scan_iter("arq:job:*", count=10_000))
        statuses = {int(k): v for k, v in figures["statuses"].items()}
        accepted = statuses.pop(202, 0)
        return {
            "offered": figures["offered"],
            "sent": figures["sent"],
            "accepted": accepted,
            "refused": sum(v for k, v in statuses.items() if k in (429, 503)),
            "other": sum(v for k, v in statuses.items() if k not in (429, 503)),
            "lost": max(0, accepted - held),
            "p99_ms": figures["all_p99_ms"],
        }


def local_postgres(folder: Path) -> LocalServers:
    """A PostgreSQL for the keys, in a folder its account can reach."""
    folder.chmod(0o755)
    return LocalServers.start(folder, redis=False)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(OPEN_FILES, hard), hard))
    with tempfile.TemporaryDirectory(prefix="invest-bench-") as folder, local_postgres(Path(folder)) as servers:
        assert servers.database_url
        bench = Bench(servers.database_url, asyncio.run(new_key(servers.database_url)), chosen.seconds)
        contenders = {"invest": bench.post_invest, "bare": bench.post_bare, "fastapi_celery": bench.post_peer}
        rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
        for number in range(chosen.rounds):
            in_turn = list(contenders) if number % 2 == 0 else list(contenders)[::-1]
            for name in in_turn:
                rounds[name].append(contenders[name]())
                print(
                    f"round {number + 1} {name}: {rounds[name][-1]['rps']:.0f}/s, p99 {rounds[name][-1]['p99_ms']} ms"
                )
        rps = {name: statistics.median(r["rps"] for r in found) for name, found in rounds.items()}
        result = {
            "rps": rps,
            "p99_ms": {name: statistics.median(r["p99_ms"] for r in found) for name, found in rounds.items()},
            "ratio": {name: round(rps["invest"] / rps[name], 3) for name in ("bare", "fastapi_celery")},
            "setting": {"connections": CONNECTIONS, "seconds": chosen.seconds, "rounds": chosen.rounds},
        }
        outputs.write("api", result, part=True)  # should one of the others fail
        outputs.write("api", {"sse": bench.sse()}, part=True)
        print(outputs.write("api", {"overload": bench.overload(3 * rps["invest"])}, part=True).read_text())


if __name__ == "__main__":
    main()
