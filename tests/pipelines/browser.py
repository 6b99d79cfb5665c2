"""Pages in Debian's Chromium, headless: what the browser complains of, asks the network for, and lays out."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

CHROMIUM = shutil.which("chromium")

_LAYOUT = """() => ({
  page: [document.documentElement.scrollWidth, document.documentElement.clientWidth],
  figures: [...document.querySelectorAll('figure svg')].map(svg => {
    const box = svg.getBoundingClientRect();
    const sizes = [...svg.querySelectorAll('text')].map(t => t.getBoundingClientRect().height);
    const outside = [...svg.querySelectorAll('text')].filter(t => {
      const b = t.getBoundingClientRect();
      return b.left < box.left - 8 || b.right > box.right + 8 || b.top < box.top - 8 || b.bottom > box.bottom + 8;
    }).map(t => t.textContent);
    return {width: box.width, height: box.height, smallest: Math.min(...sizes), outside,
            title: svg.closest('figure').querySelector('h3').textContent,
            said: svg.closest('figure').querySelector('figcaption').textContent.trim()};
  }),
  spilling: [...document.querySelectorAll('main *')].filter(e => !e.closest('.scroll') && !e.closest('svg')
    && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.outerHTML.slice(0, 80)),
})"""


@dataclass
class Seen:
    """What happened while a page was shown."""

    layout: dict = field(default_factory=dict)
    console: list = field(default_factory=list)
    requests: list = field(default_factory=list)


@contextmanager
def chromium():
    """A headless browser; skips the test, with the reason, where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install -e .[dev]")
    with playwright.sync_playwright() as driver:
        # Its sandbox needs rights that containers rarely have; the page is our own and runs no script.
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def show(browser, path, *, width, dark=False, picture=None):
    """Open a file at a width, and say what was seen; `picture`: where to keep a screenshot."""
    seen = Seen()
    scheme = "dark" if dark else "light"
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda message: seen.console.append(message.text))
    page.on("pageerror", lambda error: seen.console.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.goto(path.as_uri())
    seen.layout = page.evaluate(_LAYOUT)
    if picture:
        page.screenshot(path=picture, full_page=True)
    context.close()
    return seen
