"""The worklist page: one file that holds data, style, script and library, and may load nothing else.

Its content security policy names each script and the style by hash, and forbids the making of markup from text, so
that no value of a manifest can become part of the page's code.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from riskscore.pipelines import pages
from riskscore.pipelines.report.payload import as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

LIBRARIES = ("d3.min.js", "plot.min.js")
"""Observable Plot and what it draws with, as published; docs/adr/0023 says which versions and why."""

_OWN = ("worklist-texts.js", "worklist-pictures.js", "worklist-card.js", "worklist.js")


@dataclass(frozen=True, slots=True)
class _Part:
    """A script or style as it stands in the page, and the source expression that permits it."""

    text: Markup
    source: str


def render(data: Mapping[str, Any]) -> str:
    """The page.

    Args:
        data: see `payload.payload`.
    """
    style = _part("page.css", "worklist.css")
    scripts = [*(_part(name) for name in LIBRARIES), _part(*_OWN)]
    return pages.page(
        "worklist.html",
        title=f"Worklist {data['day']['date']}",
        date=_written(date.fromisoformat(data["day"]["date"])),
        policy=_policy(style, scripts),
        style=style.text,
        scripts=[script.text for script in scripts],
        licence=_read("d3.LICENSE"),
        data=Markup(as_json(data)),  # noqa: S704 - as_json escapes what could end its element
        day=data["day"],
        figures=data["figures"],
    )


def _written(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def _policy(style: _Part, scripts: list[_Part]) -> str:
    allowed = " ".join(script.source for script in scripts)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {style.source}; img-src data:; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _part(*names: str) -> _Part:
    # The element's content begins after its tag, so the line breaks around it in the template count.
    text = f"\n{''.join(_read(name) for name in names)}"
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return _Part(Markup(text), f"'sha256-{digest}'")  # noqa: S704 - files of this package


def _read(name: str) -> str:
    return files("riskscore.pipelines").joinpath("templates", name).read_text(encoding="utf-8")
