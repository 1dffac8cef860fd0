"""Draw the house: every floor, its rooms, and what stands on what, read from the imports -> docs/house.svg.

``python docs/house.py`` writes the picture; a test fails while it is out of date.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1] / "src"
PICTURE: Final = Path(__file__).with_name("house.svg")
# Top to bottom; what stands side by side on one floor does not import its neighbours.
FLOORS: Final = (
    ("cli",),
    ("web", "workers"),
    ("api",),
    ("jobs",),
    ("sources", "ai", "reports", "store", "engine"),
    ("domain",),
    ("settings", "http"),
)
WIDTH, MARGIN, GAP, ROW, HEAD = 1180, 16, 10, 26, 26
STYLE: Final = """
text { font: 13px 'Source Sans 3', 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1c2733 }
.floor { fill: #eef2f6; stroke: #c6d0da } .room { fill: #ffffff; stroke: #8fa3b5 } .name { font-weight: 600 }
.small { font-size: 11px; fill: #52616f }
@media (prefers-color-scheme: dark) {
  text { fill: #e4eaf0 } .floor { fill: #1b242d; stroke: #3a4957 } .room { fill: #26323e; stroke: #5b7085 }
  .small { fill: #a8b6c3 } .ground { fill: #10161c }
}
"""


@cache
def modules() -> Mapping[str, Path]:
    """Every module of the product by its dotted name."""
    found = {}
    for path in sorted((ROOT / "invest").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """The modules that `module` imports, also within functions and for type checkers."""
    found = set()
    for node in ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                full = f"{node.module}.{name.name}"
                found.add(full if full in modules() else node.module)
    return frozenset(name for name in found if name.startswith("invest"))


def rooms(package: str) -> list[str]:
    """The rooms of a package by name, without the package itself."""
    inside = {m for m, path in modules().items() if path.name == "__init__.py" and m.startswith(f"{package}.")}
    return sorted(m for m in inside if m.count(".") == package.count(".") + 1)


def room_of(module: str, candidates: Iterable[str]) -> str | None:
    """Which of `candidates` holds `module`."""
    return next((room for room in candidates if module == room or module.startswith(f"{room}.")), None)


def layers(package: str) -> list[list[str]]:
    """The rooms of a package in rows, the highest first: a room imports rooms of lower rows alone.

    Raises `ValueError` where rooms import one another in a circle.
    """
    names = rooms(package)
    below: dict[str, set[str]] = defaultdict(set)
    for module in modules():
        room = room_of(module, names)
        if room:
            reached = {room_of(target, names) for target in imports(module)}
            below[room] |= {other for other in reached if other and other != room}
    rows: list[list[str]] = []
    placed: set[str] = set()
    while len(placed) < len(names):
        row = [n for n in names if n not in placed and below[n] <= placed]
        if not row:
            raise ValueError(f"the rooms of {package} import one another in a circle: {sorted(set(names) - placed)}")
        rows.insert(0, row)
        placed |= set(row)
    return rows


def own_modules(package: str) -> list[str]:
    """Names of the modules that stand at the root of a package."""
    depth = package.count(".") + 1
    inside = (m for m, p in modules().items() if m.startswith(f"{package}.") and p.name != "__init__.py")
    return sorted(m.rsplit(".", 1)[1] for m in inside if m.count(".") == depth)


def _box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="5"/>'


def _text(kind: str, x: float, y: float, words: str) -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}">{escape(words)}</text>'


def _fit(names: list[str], width: float) -> list[str]:
    """Names in lines of about `width` pixels."""
    lines = [""]
    for name in names:
        longer = f"{lines[-1]} {name}".strip()
        if len(longer) * 5.9 > width and lines[-1]:
            lines.append(name)
        else:
            lines[-1] = longer
    return [line for line in lines if line]


def _package(name: str, x: float, y: float, width: float) -> tuple[list[str], float]:
    """One package as a box with its rooms in rows; its drawing, and its height."""
    package, inner = f"invest.{name}", width - 2 * GAP
    drawn: list[str] = []
    at = y + HEAD
    for row in layers(package) if package in modules() else []:
        wide = (inner - GAP * (len(row) - 1)) / len(row)
        for place, room in enumerate(row):
            left = x + GAP + place * (wide + GAP)
            drawn += [_box("room", left, at, wide, ROW), _text("", left + 7, at + 18, room.rsplit(".", 1)[1])]
        at += ROW + 6
    for line in _fit(own_modules(package), inner):
        drawn.append(_text("small", x + GAP, at + 12, line))
        at += 16
    height = at - y + 8
    return [_box("floor", x, y, width, height), _text("name", x + GAP, y + 18, name), *drawn], height


def draw() -> str:
    """The picture as SVG."""
    body: list[str] = []
    y = float(MARGIN)
    for floor in FLOORS:
        wide = (WIDTH - 2 * MARGIN - GAP * (len(floor) - 1)) / len(floor)
        parts = [_package(name, MARGIN + place * (wide + GAP), y, wide) for place, name in enumerate(floor)]
        for drawn, _ in parts:
            body += drawn
        y += max(height for _, height in parts) + GAP
    foot = "Imports run downwards only, between floors and between the rows of a floor. `make lint` checks it."
    body.append(_text("small", MARGIN, y + 10, foot))
    size = f'viewBox="0 0 {WIDTH} {y + 24:.0f}" width="{WIDTH}" height="{y + 24:.0f}"'
    ground = f'<rect class="ground" width="{WIDTH}" height="{y + 24:.0f}" fill="#ffffff"/>'
    title = "<title>The house: floors, rooms and what stands on what</title>"
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">', title, f"<style>{STYLE}</style>", ground]
    return "\n".join([*lines, *body, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
