"""The worklist page driven as an analyst drives it, and what it takes."""

from __future__ import annotations

# Every interaction's time from the event to the next painted frame, as the browser itself measures it.
WATCH = """() => {
  window.slow = [];
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) if (e.interactionId) window.slow.push([e.name, e.duration]);
  }).observe({type: 'event', durationThreshold: 16, buffered: true});
}"""

SPILLING = """(width) => [...document.querySelectorAll('main *')]
  .filter((e) => !e.closest('.scroll, svg, .one') && e.checkVisibility())
  .filter((e) => e.getBoundingClientRect().right > width + 1)
  .map((e) => e.outerHTML.slice(0, 80))"""


def ids(page):
    """Of the rows in the page: those in sight and a few around them."""
    return page.locator("#rows .id").all_inner_texts()


def assert_listed(page, rows):
    """The list is that of `rows`, from the first one in sight to the last."""
    wanted = [row["id"] for row in rows]
    assert page.inner_text("#count").startswith((f"{len(wanted):,} shipments", f"{len(wanted):,} of "))
    shown = ids(page)
    assert shown == wanted[: len(shown)]
    assert len(shown) >= min(len(wanted), 9)
    page.evaluate("document.getElementById('pane').scrollTop = 1e9")
    last = ["-", *wanted][-1]
    page.wait_for_function("id => [...document.querySelectorAll('#rows .id')].at(-1)?.textContent === id", arg=last)
    assert ids(page) == wanted[-len(ids(page)) :]


def pick(page, name, value):
    page.select_option(f"#{name}", value)


def wait_for_card(page, shipment):
    page.wait_for_function("id => document.querySelector('#card h2')?.textContent === id", arg=shipment)


# A select cannot be changed by hand here, so its handler is timed up to the next frame; the rest as events.
_CHANGES = """async () => {
  const spent = {};
  for (const [id, value] of [['sort', 'harm'], ['port', '2704'], ['arm', 'risk'], ['port', ''], ['arm', '']]) {
    const begun = performance.now();
    document.getElementById(id).value = value;
    document.getElementById(id).dispatchEvent(new Event('change'));
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    spent[`${id}=${value}`] = performance.now() - begun;
  }
  return spent;
}"""


def interactions(page):
    """Milliseconds of the things an analyst does, one after the other, each until it is painted."""
    page.evaluate("window.slow = []")
    spent = page.evaluate(_CHANGES)
    page.click("#search")
    page.keyboard.type("imp04 tier")
    page.keyboard.press("Escape")
    page.click("#rows .row >> nth=3")
    for key in ("ArrowDown", "ArrowDown", "PageDown", "End", "Home"):
        page.keyboard.press(key)
        page.wait_for_timeout(40)
    page.click("#tab-day")
    page.click("#tab-list")
    page.wait_for_timeout(300)
    for name, duration in page.evaluate("window.slow"):
        spent[name] = max(duration, spent.get(name, 0))
    return spent
