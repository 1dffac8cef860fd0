"""A workflow as a drawn graph: steps in columns by what they wait for, folded where many do the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from markupsafe import Markup, escape

from invest.api.pages.console.rows import arguments_text
from invest.api.pages.visit import Visit
from invest.engine import JobState, JobStatus, keys

LOOKED: Final = 500  # steps a drawing is made of
FOLDED_ABOVE: Final = 3  # more steps than so many that are alike are folded into one box
WIDE, TALL, ACROSS, DOWN = 236, 46, 70, 14  # of a box, and between two
ROLES: Final[Mapping[str, str]] = {"running": "blue", "succeeded": "green", "failed": "red", "retrying": "amber"}
SHAPES: Final[Mapping[str, str]] = {"running": "●", "succeeded": "●", "failed": "◆", "retrying": "■", "cancelled": "–"}


@dataclass
class Box:
    """One step, or many that do the same."""

    ids: list[str]
    title: str
    note: str
    state: str
    link: str = ""
    after: set[int] = field(default_factory=set)  # boxes it waits for
    column: int = 0
    x: float = 0
    y: float = 0


async def read_edges(visit: Visit, workflow_id: str) -> dict[str, list[str]]:
    """Step -> the steps that wait for it; joins of groups, which do no work, are passed through."""
    redis = (await visit.services.invest.holding(workflow_id)).redis
    stage = await redis.hget(keys.JOB + workflow_id, "sub")  # type: ignore[misc] # redis-py: Awaitable
    base = keys.WORKFLOW + (stage.decode() if stage else workflow_id)
    nodes = await redis.lrange(base + keys.WORKFLOW_NODES, 0, 2 * LOOKED)  # type: ignore[misc] # the same
    async with redis.pipeline(transaction=False) as pipe:
        for node in nodes:
            pipe.hmget(keys.JOB.encode() + node, ["kind", "succ", "na"])
        rows = await pipe.execute()
    follow: dict[str, list[str]] = {}
    joins: set[str] = set()
    for node, (kind, successors, many) in zip(nodes, rows, strict=True):
        name = node.decode("utf-8", "replace")
        if kind == b"join":
            joins.add(name)
        following = (successors or b"").decode("utf-8", "replace").split(",")
        if many:
            listed = await redis.lrange(f"invest:successors:{name}", 0, LOOKED)  # type: ignore[misc] # the same
            following += [one.decode("utf-8", "replace") for one in listed]
        follow[name] = [one for one in following if one]
    return {node: sorted(_through(node, follow, joins)) for node in follow if node not in joins}


def _through(node: str, follow: Mapping[str, Sequence[str]], joins: set[str]) -> set[str]:
    """What waits for a node, seen through joins."""
    found: set[str] = set()
    waiting, seen = list(follow.get(node, ())), set()
    while waiting:
        one = waiting.pop()
        if one in joins and one not in seen:
            seen.add(one)
            waiting += follow.get(one, ())
        elif one in follow and one not in joins:
            found.add(one)
    return found


def boxes_of(visit: Visit, steps: Sequence[JobStatus], edges: Mapping[str, Sequence[str]]) -> list[Box]:
    """The boxes of a drawing in the order of their steps, equal ones folded, with what each waits for."""
    before: dict[str, set[str]] = {}
    for earlier, following in edges.items():
        for one in following:
            before.setdefault(one, set()).add(earlier)
    equal: dict[tuple[object, ...], list[JobStatus]] = {}
    for step in steps:
        place = (step.name, str(step.state), frozenset(before.get(step.id, ())), tuple(edges.get(step.id, ())))
        equal.setdefault(place, []).append(step)
    boxes: list[Box] = []
    box_of: dict[str, int] = {}
    for group in equal.values():
        folded = len(group) > FOLDED_ABOVE
        shown, rest = (group[:1], group[1:]) if folded else (group, [])
        for step in shown:
            box_of[step.id] = len(boxes)
            boxes.append(_box(visit, step))
        if rest:
            box_of |= dict.fromkeys((step.id for step in rest), len(boxes))
            boxes.append(_folded(visit, rest))
    for earlier, following in edges.items():
        for one in following:
            if earlier in box_of and one in box_of:
                boxes[box_of[one]].after.add(box_of[earlier])
    return boxes


def _box(visit: Visit, step: JobStatus) -> Box:
    note = visit.say("waits") if step.state is JobState.SCHEDULED else visit.say(str(step.state))
    if step.error and step.state in (JobState.FAILED, JobState.RETRYING):
        note = f"{note} · {visit.words.translated(step.error.message)}"
    elif step.started_at and step.finished_at:
        note = f"{note} · {visit.words.span(step.finished_at - step.started_at)}"
    arguments = arguments_text(step.args, step.kwargs)
    subject = (arguments.partition("=")[2] or arguments).partition(", ")[0]
    title = f"{step.name.removesuffix('_async')} {subject}".strip()
    return Box([step.id], title, note, str(step.state), f"/ops/jobs/{quote(step.id, safe='')}")


def _folded(visit: Visit, steps: Sequence[JobStatus]) -> Box:
    state = Counter(str(step.state) for step in steps).most_common(1)[0][0]
    title = visit.say("{n} more {name}", n=len(steps), name=steps[0].name.removesuffix("_async"))
    return Box([s.id for s in steps], title, f"{len(steps)} × {visit.say(state)}", state)


def draw_graph(visit: Visit, boxes: Sequence[Box]) -> Markup:
    """The drawing as SVG; every box is a link to its job and says its state in a shape and a word."""
    if not boxes:
        return Markup("")
    width, height = _place(boxes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="group" aria-label="{escape(visit.say("Workflow"))}">'
    ]
    parts += [_edge(boxes[before], box) for box in boxes for before in sorted(box.after)]
    parts += [_drawn(box) for box in boxes]
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 - every text is escaped where it is put in


def _place(boxes: Sequence[Box]) -> tuple[float, float]:
    """Columns by the longest way from a start; rows in each column in their order, centred."""
    for _ in range(len(boxes)):
        moved = False
        for box in boxes:
            column = max((boxes[i].column + 1 for i in box.after), default=0)
            if column > box.column and column < len(boxes):
                box.column, moved = column, True
        if not moved:
            break
    columns: dict[int, list[Box]] = {}
    for box in boxes:
        columns.setdefault(box.column, []).append(box)
    tallest = max(len(column) for column in columns.values())
    height = tallest * (TALL + DOWN) - DOWN + 4
    for at, stacked in columns.items():
        top = 2 + (height - 4 - (len(stacked) * (TALL + DOWN) - DOWN)) / 2
        for row, box in enumerate(stacked):
            box.x, box.y = 2 + at * (WIDE + ACROSS), top + row * (TALL + DOWN)
    return 4 + len(columns) * (WIDE + ACROSS) - ACROSS, height


def _edge(before: Box, box: Box) -> str:
    x1, y1, x2, y2 = before.x + WIDE, before.y + TALL / 2, box.x, box.y + TALL / 2
    bend = ACROSS / 2
    path = f"M{x1:.1f} {y1:.1f}C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}"
    return f'<path class="s-muted" d="{path}" fill="none" stroke-width="1"/>'


def _drawn(box: Box) -> str:
    role, shape = ROLES.get(box.state, "faint"), SHAPES.get(box.state, "○")
    strong = 2 if box.state in ("running", "failed", "retrying") else 1
    inner = (
        f'<rect class="f-paper s-{role}" x="{box.x:.1f}" y="{box.y:.1f}" width="{WIDE}" height="{TALL}" rx="6" '
        f'stroke-width="{strong}"/>'
        f'<text class="f-ink" x="{box.x + 12:.1f}" y="{box.y + 19:.1f}" font-size="13">'
        f"{escape(_cut(box.title, 29))}</text>"
        f'<text class="f-{role if role != "amber" else "amber-ink"}" x="{box.x + 12:.1f}" y="{box.y + 36:.1f}" '
        f'font-size="11">{shape} <tspan class="f-muted">{escape(_cut(box.note, 32))}</tspan></text>'
    )
    title = f"<title>{escape(f'{box.title}: {box.note}')}</title>"
    return f'<a href="{escape(box.link)}">{title}{inner}</a>' if box.link else f"<g>{title}{inner}</g>"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
