"""The catalogue says everything about every feature, and is what the builders make."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from riskscore.errors import ConfigError
from riskscore.features import BUILDERS, Feature, build, catalogue
from riskscore.features.listing import COLUMNS, as_markdown, as_rows
from riskscore.history import DECAYED, KINDS
from riskscore.tables import INGESTED, SHIPMENTS
from tests.history.oracle import HALF_LIVES
from tests.history.oracle import KINDS as KNOWN_KINDS

FEATURES = catalogue()


class Doubled:
    """A user's builder: twice the declared value."""

    name = "doubled"
    features = (Feature("value_usd_doubled", "mine", "twice the value", "USD", "not declared", "itself", "shipments"),)

    def build(self, shipments, history):
        return pd.DataFrame({"value_usd_doubled": shipments["value_usd"] * 2}, index=shipments.index)


def renamed(name: str) -> Doubled:
    """A user's builder whose feature has another name than it makes."""
    builder = Doubled()
    builder.features = (Feature(name, *(["x"] * 6)),)
    return builder


def test_every_field_is_filled_in():
    empty = [
        (row[0], name)
        for row in as_rows(FEATURES)
        for name, text in zip(COLUMNS, row, strict=True)
        if not text or text != text.strip()
    ]

    assert empty == []


def test_names_are_plain_identifiers():
    assert [feature.name for feature in FEATURES if not re.fullmatch("[a-z][a-z0-9_]*", feature.name)] == []


def test_every_source_names_a_table_or_its_columns():
    tables = {*INGESTED, *(column.name for table in INGESTED.values() for column in table.columns)}

    assert [f.name for f in FEATURES if not set(re.findall("[a-z_]+", f.source)) & tables] == []


def test_names_are_unique_and_no_columns_of_shipments():
    names = [feature.name for feature in FEATURES]

    assert len(set(names)) == len(names)
    assert not set(names) & set(SHIPMENTS.names)


def test_builders_have_names_of_their_own_and_their_features_share_a_concept():
    names = [builder.name for builder in BUILDERS]

    assert len(set(names)) == len(names)
    assert all({feature.concept for feature in builder.features} == {builder.name} for builder in BUILDERS)


def test_a_half_life_in_a_name_is_a_half_life_in_the_look_back():
    for feature in FEATURES:
        found = re.search(r"_hl(\d+)d", feature.name)
        assert (f"half-life {found[1]} days" in feature.look_back) if found else ("half-life" not in feature.look_back)


def test_the_page_in_the_documentation_is_the_catalogue():
    page = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")

    assert page.strip() == as_markdown(FEATURES).strip()


def test_a_bar_in_a_text_does_not_break_the_page():
    lines = as_markdown([Feature("a", "b", "c | d", "e", "f", "g", "h")]).splitlines()

    assert [line.count("|") for line in lines if line.startswith("|")] == [7, 7, 7]


def test_two_features_of_one_name_are_refused():
    with pytest.raises(ConfigError, match=r"taken: \['value_usd_doubled'\]. Hint: rename"):
        catalogue([Doubled(), Doubled()])


def test_a_feature_named_like_a_column_of_shipments_is_refused():
    with pytest.raises(ConfigError, match=r"taken: \['weight_kg'\]"):
        catalogue([renamed("weight_kg")])


def test_a_builder_is_added_by_passing_it(some):
    shipments, history = some

    built = build(shipments, history, (*BUILDERS, Doubled()))

    assert list(built.columns) == [feature.name for feature in (*FEATURES, *Doubled.features)]
    pd.testing.assert_series_equal(built["value_usd_doubled"], shipments["value_usd"] * 2, check_names=False)


def test_no_builders_make_an_empty_frame(some):
    assert build(*some, []).shape == (len(some[0]), 0)


def test_a_builder_that_makes_other_columns_than_it_declares_is_refused(some):
    with pytest.raises(ConfigError, match=r"'doubled' declares \['promised'\] but made \['value_usd_doubled'\]"):
        build(*some, [renamed("promised")])


def test_a_builder_that_loses_rows_is_refused(some):
    class Shortened(Doubled):
        def build(self, shipments, history):
            return super().build(shipments, history).iloc[1:]

    with pytest.raises(ConfigError, match="'doubled' returned another index"):
        build(*some, [Shortened()])


def test_the_oracle_knows_every_entity_kind_and_counter():
    assert {kind.name: kind.columns for kind in KINDS} == KNOWN_KINDS
    assert DECAYED == HALF_LIVES
