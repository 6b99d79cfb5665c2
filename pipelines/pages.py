"""Pages for people: one self-contained HTML file each, and pictures that follow the page's colours.

Values come from manifests, so everything is escaped; a picture is the only markup that is let through, and its own
texts were escaped when it was drawn. A page loads nothing and runs nothing: its content security policy says so.
"""

from __future__ import annotations

import io
import re
import warnings
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours of the drawing stand for variables of the page's style sheet, which knows light, dark and print.
INK, MUTED, GRID, FIRST, SECOND, PAPER = (f"#0{n}0{n}0{n}" for n in range(1, 7))
_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", FIRST: "first", SECOND: "second", PAPER: "plate"}

WIDTH_INCHES = 4.6
"""Width of a picture: 331 px in its own units, what a telephone of 390 px leaves: drawn at full size there, larger on a
screen."""

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 10.5,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 10.5,
    "ytick.labelsize": 10.5,
    "legend.fontsize": 10.5,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "figure.facecolor": "none",
    "legend.frameon": False,
    "text.parse_math": False,
    "text.usetex": False,
}


def _style(name: str) -> Any:  # noqa: ANN401 - matplotlib types each of its settings by name
    return _STYLE | {"svg.hashsalt": name}


def page(template: str, **context: Any) -> str:  # noqa: ANN401 - whatever the template shows
    """A page from one of pipelines/templates; every value is escaped.

    Raises:
        jinja2.UndefinedError: the template names a value that was not given.
    """
    return _environment().get_template(template).render(**context)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("riskscore.pipelines", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@contextmanager
def drawing(height_inches: float, name: str) -> Iterator[tuple[Axes, list[Markup]]]:
    """Draw one picture: yields its axes and a list that holds the picture, as SVG markup, when the block has ended.

    Args:
        height_inches: height; the width is WIDTH_INCHES.
        name: unique on the page; identifiers within the picture are derived from it, so that the same picture is the
            same bytes.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    made: list[Markup] = []
    with rc_context(_style(name)), warnings.catch_warnings():
        # Names of ports may use any script; the browser has the letters that the drawing's own font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
        yield figure.add_subplot(), made
        made.append(as_markup(figure, name))


def as_markup(figure: Figure, name: str) -> Markup:
    """A figure as inline SVG that takes the page's font, colours and width."""
    sink = io.StringIO()
    figure.savefig(sink, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = sink.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg\b[^>]*?) (?:width|height)="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg\b[^>]*?) (?:width|height)="[^"]*"', r'\1 role="img"', svg, count=1)
    svg = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1; font-family: inherit", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return Markup(svg)  # noqa: S704 - drawn here; matplotlib escapes the texts
