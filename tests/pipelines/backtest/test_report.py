"""The page of a backtest: inert, complete, and hostile names are text on it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pyarrow as pa

from riskscore.pipelines.backtest import figures, run
from tests.pipelines.backtest.made import render


class Reader(HTMLParser):
    """Tags, attributes and identifiers of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.links, self.ids, self.text = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), f"{tag} {name}"
            if name in {"href", "src", "xlink:href", "action"}:
                self.links.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_loads_and_runs_nothing(page):
    read = Reader(page)
    assert not {"script", "iframe", "object", "embed", "form", "base"} & set(read.tags)
    assert all(link.startswith(("#", "data:")) for link in read.links)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    assert not re.search(r"@import|url\((?!#)", page)


def test_identifiers_of_the_pictures_are_unique(page):
    read = Reader(page)
    assert len(set(read.ids)) == len(read.ids)
    assert {link[1:] for link in read.links if link.startswith("#")} <= set(read.ids)
    assert all(f'"#{found}"' not in page for found in set(read.ids) if not found)


def test_the_page_answers_what_an_audit_office_asks(page):
    text = " ".join("".join(Reader(page).text).split())
    for question in ("Does it work?", "How sure are we?", "On whom does it fall?", "What could not be measured?"):
        assert question in text
    assert "FAILED: shuffled labels" in text
    assert "95 % intervals" in text.replace("\xa0", " ")
    assert "nan" not in re.split(r"\W+", text.lower())
    assert "none" not in re.split(r"\W+", text.replace("none in the year before", "").replace(": none;", ""))


def test_pictures_take_the_colours_of_the_page(page):
    assert not re.search(r"#0[1-6]0[1-6]0[1-6]", page)
    assert "var(--first)" in page
    assert "<metadata" not in page


HOSTILE = (
    '<script>alert("1")</script>',
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} {% raw %}",
    "$\\frac{1}{0}$ & ' \" ]]> -->",
    "</svg></style><b>",
    "港口\u202e\x07\nzwei Zeilen",
)


def test_hostile_names_are_text(made, table, origins, page):
    ports = sorted({row["segment"] for row in table.to_pylist() if row["segment_kind"] == "port"})
    renamed = dict(zip(ports, HOSTILE, strict=False))
    changed = [row | {"segment": renamed.get(row["segment"], row["segment"])} for row in table.to_pylist()]
    hostile = Reader(render(made, pa.Table.from_pylist(changed, figures.SCHEMA), origins))
    clean = Reader(page)
    # Longer names leave room for fewer ticks; nothing else may change.
    drawn = {"g", "path", "use", "text", "tspan"}
    assert [tag for tag in hostile.tags if tag not in drawn] == [tag for tag in clean.tags if tag not in drawn]
    said = "".join("".join(hostile.text).split())
    assert all("".join(name.split()) in said for name in HOSTILE)


def test_a_hostile_refusal_is_text(made, table, origins):
    told = [row | {"trained": False, "refusal": HOSTILE[0]} for row in origins.to_pylist()]
    said = Reader(render(made, table, pa.Table.from_pylist(told, run.ORIGINS)))
    assert "script" not in said.tags
    assert HOSTILE[0] in "".join(said.text)
