"""The worklist page in a real browser: hostile values are only read, and nothing foreign runs."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from pathlib import Path

from riskscore.pipelines import pages
from riskscore.pipelines.report.page import LIBRARIES

RELEASED = {
    "d3.min.js": "912111098ea99503a6f4967361d2bbdc9dbf58cf9c678c8e27e5b02d1a07f0c1",
    "plot.min.js": "4358086467740777dd788d6b27a95cebdbaefdd50c730a3060117073bd7134cb",
}
HIDDEN = re.compile("[\u200b\u202a-\u202e\u2066-\u2069\ufeff]")


def test_hostile_values_are_only_read(open_page, bad_written, bad_data):
    page = open_page(bad_written.page)
    # Every card once, with every long text unfolded.
    text = page.evaluate(
        """() => state.shown.map((row, at) => {
      state.at = at;
      drawCard();
      document.querySelectorAll('#card .more').forEach((more) => more.click());
      return document.getElementById('card').textContent;
    }).join('')"""
    )
    page.click("#tab-day")
    text += page.evaluate("document.querySelector('main').textContent")
    assert page.evaluate("window.pwned") is None
    assert "window.pwned = 1" in text
    assert not HIDDEN.search(text)
    assert page.locator("main img, main script, main iframe, main a[href^=http]").count() == 0
    assert page.evaluate("document.scripts.length") == 4


def test_a_long_text_is_cut_with_the_whole_at_hand(open_page, bad_written, bad_data):
    page = open_page(bad_written.page)
    row = next(row for row in bad_data["rows"] if len(row["declared"].get("importer_name", "")) == 10_000)
    page.fill("#search", row["id"])
    page.locator("#rows .row").first.click()
    button = page.locator("#card .parties .more").first
    before = len(page.inner_text("#card"))
    button.click()
    assert len(page.inner_text("#card")) > before + 9_000
    assert page.evaluate("document.getElementById('card').scrollWidth <= document.getElementById('card').clientWidth")


def test_the_export_of_hostile_rows_holds_no_formula(open_page, bad_written):
    page = open_page(bad_written.page)
    with page.expect_download() as download:
        page.click("#export")
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8"))))
    texts = [cell for row in rows for cell in row if not re.fullmatch(r"-?[\d.e-]+", cell)]
    assert any(text.startswith("'=") for text in texts)
    assert not [text for text in texts if text.lstrip().startswith(("=", "+", "-", "@"))]


def test_the_libraries_are_those_that_were_released():
    """SHA-256 of dist/d3.min.js of d3 7.9.2 and dist/plot.umd.min.js of @observablehq/plot 0.6.17 on npm."""
    folder = Path(pages.__file__).parent / "templates"
    found = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in LIBRARIES}
    assert found == RELEASED


def test_the_policy_names_every_script_and_style(written):
    text = written.page.read_text(encoding="utf-8")
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    made = re.findall(r"<(script|style)>(.*?)</\1>", text, re.DOTALL)
    assert len(made) == 4
    assert "unsafe" not in policy
    for _, content in made:
        digest = hashlib.sha256(content.encode()).digest()
        assert base64.b64encode(digest).decode() in policy
    assert " style=" not in text.split("<body", 1)[1].split('id="data"', 1)[0]


def test_an_injected_script_would_be_stopped(chromium, written, tmp_path):
    """What the checks above would see of a page that lets a script through."""
    broken = tmp_path / "broken.html"
    text = written.page.read_text(encoding="utf-8")
    broken.write_text(text.replace("<main>", "<main><script>window.pwned = 1</script>"), encoding="utf-8")
    context = chromium.new_context()
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.goto(broken.as_uri())
    assert page.evaluate("window.pwned") is None
    assert any("Content Security Policy" in message for message in said)
    context.close()
