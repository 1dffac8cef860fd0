"""A small SVG canvas: colours by role, escaped text, short coordinates, an accessible name.

Colours stand in presentation attributes (for print and typst) and again as classes `f-role`, `s-role`, which a page's
stylesheet may override for its dark scheme.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from markupsafe import escape

Role = Literal[
    "ink", "muted", "faint", "line", "track", "tint", "blue", "amber", "amber-ink", "red", "green", "volume", "paper"
]
COLOURS: Final[dict[Role, str]] = {
    "ink": "#1f2933",
    "muted": "#52606d",
    "faint": "#7b8794",
    "line": "#e4e7eb",
    "track": "#e4e7eb",
    "tint": "#eef4fb",
    "blue": "#1f5fa8",
    "amber": "#c77700",
    "amber-ink": "#8f5600",
    "red": "#b42318",
    "green": "#2f6f4f",
    "volume": "#c3cad2",
    "paper": "#ffffff",
}
FONT: Final = "'Source Sans Pro','Source Sans 3',system-ui,sans-serif"
Anchor = Literal["start", "middle", "end"]


def n(value: float) -> str:
    """A coordinate in tenths, as short as it can be written."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


def text_width(text: str, size: float) -> float:
    """About how wide `text` is, on the safe side for Source Sans and for the system's fonts."""
    return size * _ems(text)


@lru_cache(maxsize=4096)  # the same names and figures stand in report after report
def _ems(text: str) -> float:
    narrow = sum(c in ".,:;'|!il1 ·/()[]" for c in text)
    wide = sum(c in "mwMW%—@" or ord(c) > 0x2E7F for c in text)
    return 0.53 * (len(text) - narrow - wide) + 0.33 * narrow + 0.92 * wide


def fit(text: str, size: float, width: float) -> str:
    """`text`, cut with an ellipsis where it is wider than `width`."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


@dataclass(slots=True)
class Canvas:
    """Collects elements; `render` gives the SVG. `ident` must be unique within a page."""

    width: float
    height: float
    title: str
    description: str
    ident: str
    parts: list[str] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, *, role: Role = "line", width: float = 0.75) -> None:
        """A straight line."""
        self.parts.append(
            f'<line class="s-{role}" x1="{n(x1)}" y1="{n(y1)}" x2="{n(x2)}" y2="{n(y2)}" '
            f'stroke="{COLOURS[role]}" stroke-width="{width}"/>'
        )

    def path(self, d: str, role: Role, width: float = 1.5, *, dash: str = "") -> None:
        """An open path."""
        dashes = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<path class="s-{role}" d="{d}" fill="none" stroke="{COLOURS[role]}" stroke-width="{width}" '
            f'stroke-linejoin="round" stroke-linecap="{"butt" if dash else "round"}"{dashes}/>'
        )

    def area(self, d: str, role: Role, opacity: float = 0.07) -> None:
        """A filled shape, faint."""
        self.parts.append(f'<path class="f-{role}" d="{d}" fill="{COLOURS[role]}" fill-opacity="{opacity}"/>')

    def rect(self, x: float, y: float, width: float, height: float, role: Role, *, radius: float = 0) -> None:
        """A filled rectangle."""
        rounded = f' rx="{n(radius)}"' if radius else ""
        self.parts.append(
            f'<rect class="f-{role}" x="{n(x)}" y="{n(y)}" width="{n(max(0, width))}" height="{n(max(0, height))}"'
            f'{rounded} fill="{COLOURS[role]}"/>'
        )

    def dot(self, x: float, y: float, radius: float, role: Role) -> None:
        """A filled circle."""
        self.parts.append(f'<circle class="f-{role}" cx="{n(x)}" cy="{n(y)}" r="{n(radius)}" fill="{COLOURS[role]}"/>')

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 9,
        role: Role = "ink",
        anchor: Anchor = "start",
        bold: bool = False,
    ) -> None:
        """A line of text with its baseline at `y`, escaped."""
        weight = ' font-weight="600"' if bold else ""
        at = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.parts.append(
            f'<text class="f-{role}" x="{n(x)}" y="{n(y)}" font-size="{size}"{weight}{at} '
            f'fill="{COLOURS[role]}">{escape(text)}</text>'
        )

    def render(self) -> str:
        """The SVG document, without an XML declaration, so that it can stand inline."""
        size = f'viewBox="0 0 {n(self.width)} {n(self.height)}" width="{n(self.width)}" height="{n(self.height)}"'
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" '
            f'aria-labelledby="{self.ident}-t {self.ident}-d" font-family="{FONT}">'
            f'<title id="{self.ident}-t">{escape(self.title)}</title>'
            f'<desc id="{self.ident}-d">{escape(self.description)}</desc>'
            f"{''.join(self.parts)}</svg>"
        )
