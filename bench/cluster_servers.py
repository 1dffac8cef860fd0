"""A Valkey cluster of one measurement alone: shards of a primary and its replica, on loopback."""

from __future__ import annotations

import contextlib
import signal
import time
from types import TracebackType
from typing import Any, Self

import redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from bench.servers import OwnValkey, free_port

SLOTS = 16_384
PATIENCE = 60.0  # seconds for the nodes to know each other


class OwnCluster:
    """`shards` primaries that share the slots evenly, each with `replicas` replicas."""

    def __init__(self, shards: int = 3, replicas: int = 1, *, node_timeout_ms: int = 2000) -> None:
        self._shards = shards
        self._timeout_ms = node_timeout_ms
        self.nodes = [self._node(node_timeout_ms) for _ in range(shards * (1 + replicas))]

    def _node(self, timeout_ms: int) -> OwnValkey:
        options = {
            "--cluster-enabled": "yes",
            "--cluster-port": str(free_port()),
            "--cluster-node-timeout": str(timeout_ms),
            "--cluster-replica-validity-factor": "0",
            "--repl-diskless-sync-delay": "0",
        }
        return OwnValkey(port=free_port(), extra=tuple(word for pair in options.items() for word in pair))

    @property
    def url(self) -> str:
        """As `redis.url` takes it."""
        return "cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)

    def start(self) -> None:
        """Start all nodes, share the slots out, and wait until the cluster and its replicas are in step."""
        for place in range(len(self.nodes)):
            self._start(place)
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            _ask(node, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if number < self._shards:
                low, high = (SLOTS * n // self._shards for n in (number, number + 1))
                _ask(node, "CLUSTER", "ADDSLOTSRANGE", low, high - 1)
            if number:
                _ask(first, "CLUSTER", "MEET", "127.0.0.1", node.port, _bus(node))
        self._until(lambda node: int(_info(node)["cluster_known_nodes"]) == len(self.nodes))
        for number, node in enumerate(self.nodes[self._shards :]):
            primary = self.nodes[number % self._shards]
            _ask(node, "CLUSTER", "REPLICATE", _ask(primary, "CLUSTER", "MYID"))
        self._until(lambda node: _info(node)["cluster_state"] == "ok")
        for node in self.nodes[self._shards :]:
            self._wait(lambda node=node: _replication(node)["master_link_status"] == "up")

    def _start(self, place: int, attempts: int = 3) -> None:
        """Start one node, on other ports where somebody took one of its ports in the meantime."""
        for attempt in range(attempts):
            try:
                self.nodes[place].start()
            except RuntimeError:
                if attempt == attempts - 1:
                    raise
                self.nodes[place] = self._node(self._timeout_ms)
            else:
                return

    def _until(self, fits: Any) -> None:
        for node in self.nodes:
            self._wait(lambda node=node: fits(node))

    def _wait(self, fits: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(RedisError, KeyError):
                if fits():
                    return
            time.sleep(0.05)
        raise AssertionError("the nodes of the cluster did not find each other")

    def primary_of(self, tag: str) -> OwnValkey:
        """The node that serves the slot of a prefix's tag now."""
        slot = key_slot(tag.encode())
        for node in self.nodes:
            with contextlib.suppress(RedisError):
                if _replication(node)["role"] != "master":
                    continue
                for low, high, primary, *_ in _ask(node, "CLUSTER", "SLOTS"):
                    if low <= slot <= high and int(primary[1]) == node.port:
                        return node
        raise AssertionError(f"no node serves the slot of {tag}")

    def stop(self) -> None:
        """Kill what runs."""
        for node in self.nodes:
            node.stop(signal.SIGKILL)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _ask(node: OwnValkey, *command: Any) -> Any:
    with redis.Redis(unix_socket_path=str(node.socket), socket_timeout=5) as client:
        return client.execute_command(*command)


def _info(node: OwnValkey) -> dict[str, Any]:
    answer: Any = _ask(node, "CLUSTER", "INFO")
    if isinstance(answer, dict):
        return answer
    text = answer.decode() if isinstance(answer, bytes) else str(answer)
    return dict(line.split(":", 1) for line in text.split() if ":" in line)


def _replication(node: OwnValkey) -> dict[str, Any]:
    with redis.Redis(unix_socket_path=str(node.socket), socket_timeout=5) as client:
        facts: Any = client.info("replication")
    return dict(facts)


def _bus(node: OwnValkey) -> int:
    return int(node.options[node.options.index("--cluster-port") + 1])
