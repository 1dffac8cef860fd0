"""Laying a workflow down as nodes and edges, the form the scripts work on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from invest.engine.calls import Call, Workflow
from invest.engine.redis.wire import job_head, new_id

MAX_PLAN = 4_000_000  # bytes
NODE_FIELDS = 17  # of stage.lua
OLD_FIELDS = 16  # of plans from before steps could expire: the seventh field is missing
EXPIRES, SUCCESSORS, MEMBERS, PENDING = 6, 9, 10, 15  # places in a row
FEW = 200  # edges of a node that travel with it; more are laid down in pages


@dataclass(slots=True)
class Node:
    """One job, or a join: the end of a group, which has no work of its own."""

    id: str
    call: Call[Any] | None
    predecessor: str = ""
    successors: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    need: int = 0
    mode: str = ""


Row = list[str | bytes | int]


@dataclass(frozen=True, slots=True)
class Plan:
    """A workflow laid out: the id of its last node, and the arguments of ``stage.lua`` node by node.

    The ids in it are those of the jobs, so a workflow laid down again from its plan has the effects it had before.
    """

    last: str
    rows: list[Row]

    def kept(self) -> bytes:
        """The plan as JSON; nothing if it is larger than `MAX_PLAN`: then a lost Redis does not get it back."""
        rows = [[f.decode() if isinstance(f, bytes) else f for f in row] for row in self.rows]
        raw = orjson.dumps({"last": self.last, "rows": rows})
        return raw if len(raw) <= MAX_PLAN else b""

    @classmethod
    def read(cls, data: Any) -> Plan:
        """A plan from its JSON. Raises ValueError for anything else."""
        if not (isinstance(data, dict) and isinstance(data.get("last"), str) and isinstance(data.get("rows"), list)):
            raise ValueError("no plan of a workflow")
        rows = data["rows"]
        if all(isinstance(row, list) and len(row) == OLD_FIELDS for row in rows):
            rows = [[*row[:EXPIRES], "", *row[EXPIRES:]] for row in rows]
        if not all(isinstance(row, list) and len(row) == NODE_FIELDS for row in rows):
            raise ValueError("the plan's rows are of another version")
        return cls(data["last"], rows)

    def pages(self, size: int) -> Iterator[list[Row]]:
        """The rows, `size` at a time, without the edges of nodes that have many."""
        for start in range(0, len(self.rows), size):
            yield [_with_few_edges(row) for row in self.rows[start : start + size]]

    def edges(self, size: int) -> Iterator[tuple[str, str, int, list[str]]]:
        """Edges of nodes that have many, in pages: node, ``members`` or ``successors``, how many came before, ids."""
        for row in self.rows:
            for kind, place in (("members", MEMBERS), ("successors", SUCCESSORS)):
                ids = _ids(row[place])
                if len(ids) > FEW:
                    for start in range(0, len(ids), size):
                        yield str(row[0]), kind, start, ids[start : start + size]


@dataclass(slots=True)
class Layout:
    """All nodes of a workflow and the id of the one whose outcome is the workflow's."""

    nodes: dict[str, Node]
    last: str

    def plan(self, result_ttl: float, caller: str | None = None) -> Plan:
        """The workflow as ``stage.lua`` takes it; its jobs run on behalf of `caller`."""
        return Plan(self.last, [_fields(node, result_ttl, caller) for node in self.nodes.values()])


def lay_out(workflow: Workflow[Any] | Call[Any], parent: str) -> Layout:
    """Nodes and edges of `workflow`; its last node tells `parent`."""
    nodes: dict[str, Node] = {}
    _, last = _lay(workflow, "", nodes)
    nodes[last].successors.append(parent)
    return Layout(nodes, last)


def _lay(step: Call[Any] | Workflow[Any], before: str, nodes: dict[str, Node]) -> tuple[list[str], str]:
    """Lay one step after `before`; gives the ids that start it and the id that ends it."""
    if isinstance(step, Call):
        node = Node(new_id(), step, predecessor=before)
        nodes[node.id] = node
        _after(before, [node.id], nodes)
        return [node.id], node.id
    if step.kind == "group":
        return _lay_group(step, before, nodes)
    starts: list[str] = []
    end = before
    for position, part in enumerate(step.steps):
        begun, end = _lay(part, end, nodes)
        if position == 0:
            starts = begun
    return starts, end


def _lay_group(group: Workflow[Any], before: str, nodes: dict[str, Node]) -> tuple[list[str], str]:
    join = Node(new_id(), None, predecessor=before)
    starts: list[str] = []
    for part in group.steps:
        begun, end = _lay(part, before, nodes)
        starts += begun
        join.members.append(end)
        join.pending.append(end)
        nodes[end].successors.append(join.id)
    join.need = group.need()
    join.mode = "values" if group.on_failure == "fail_fast" else "outcomes"
    nodes[join.id] = join
    if not group.steps:
        _after(before, [join.id], nodes)
        starts = [join.id]
    return starts, join.id


def _after(before: str, starts: list[str], nodes: dict[str, Node]) -> None:
    if before:
        nodes[before].successors += starts
        for start in starts:
            nodes[start].pending.append(before)


def _ids(field: str | bytes | int) -> list[str]:
    text = str(field)
    return text.split(",") if text else []


def _with_few_edges(row: Row) -> Row:
    many_members = len(_ids(row[MEMBERS])) > FEW
    many_successors = len(_ids(row[SUCCESSORS])) > FEW
    if not (many_members or many_successors):
        return row
    slim = list(row)
    if many_members:  # a join waits for its members: they are told with them
        slim[MEMBERS] = slim[PENDING] = ""
    if many_successors:
        slim[SUCCESSORS] = ""
    return slim


def _fields(node: Node, result_ttl: float, caller: str | None) -> Row:
    call = node.call
    starts = "1" if not node.pending else ""
    edges = [node.predecessor, ",".join(node.successors), ",".join(node.members)]
    if call is None:
        counts: Row = [node.need, len(node.members), node.mode]
        return [node.id, "join", "", "", 0, "", "", "", *edges, *counts, starts, ",".join(node.pending), ""]
    options, job = call.options, call.job
    priority = int(options.priority if options.priority is not None else job.priority)
    ttl = options.result_ttl or job.result_ttl or result_ttl
    delay = round(options.delay * 1000) if options.delay else ""
    expires = round(options.expires * 1000) if options.expires is not None else ""
    head = job_head(job.name, call.payload, options.caller or caller, options.origin)
    own: Row = [node.id, "", job.name, job.queue.name, priority, delay, expires, round(ttl * 1000)]
    return [*own, *edges, "", "", "", starts, ",".join(node.pending), head]
