"""docs/rules.md: its rules and watch-lists are loaded as a workspace's, and pick the shipments that it says they do."""

import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from riskscore.config import Condition, load
from riskscore.features import BUILDERS, catalogue
from riskscore.selection import match
from riskscore.selection.rule_columns import NUMBERED, SETS, score_columns
from riskscore.selection.watch_lists import named_lists, read_watch_lists
from riskscore.tables import SHIPMENTS

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(toml|csv)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
TOML, LISTS = ("\n".join(block for of, block in BLOCKS if of == kind) for kind in ("toml", "csv"))
BEFORE, DAY = date(2026, 3, 1), date(2026, 3, 2)

PLAIN = {"container_ids": "CSQU3054383", "seal_ids": "A1", "value_usd": 5e3, "mode": "truck", "port": "2704"}
SHIPMENTS_OF_THE_DAY = {
    "unsealed": PLAIN | {"seal_ids": None, "value_usd": 1e6},
    "unsealed, value not stated": PLAIN | {"seal_ids": None, "value_usd": None},
    "vapes of nobody": PLAIN | {"description": "VAPE pens", "port": "2501"},
    "vapes of a newcomer": PLAIN | {"hts": "8543400000", "importer_first_seen_days": 9.0, "port": "2501"},
    "vapes of an old hand": PLAIN | {"hts": "8543400000", "importer_first_seen_days": 90.0, "port": "2501"},
    "vapes in the pilot": PLAIN | {"description": "vapes"},
    "drugs by score": PLAIN | {"score_narcotics": 0.2},
    "one bad seal of two": PLAIN | {"seal_ids": "B2;ml 004711"},
    "seal of the second batch": PLAIN | {"seal_ids": "ML-009001"},
    "food, new shipper": PLAIN | {"pga_flags": "AQ1;FD4"},
    "food, known shipper": PLAIN | {"pga_flags": "FD4", "importer_x_shipper_first_seen_days": 80.0},
    "MAEU123456789-1": PLAIN,
    "plain": PLAIN,
}  # fmt: skip
EXPECTED = {
    "unsealed": "unsealed-high-value",
    "vapes of nobody": "new-importer-vapes",
    "vapes of a newcomer": "new-importer-vapes",
    "drugs by score": "narcotics-score",
    "one bad seal of two": "seal-check",
    "seal of the second batch": "seal-check",
    "food, new shipper": "fda-prior-notice",
    "MAEU123456789-1": "usda-holds",
}


@pytest.fixture
def rules(tmp_path):
    path = tmp_path / "riskscore.toml"
    path.write_text(TOML, encoding="utf-8")
    return load(path).must_exam


@pytest.fixture
def lists(tmp_path, rules):
    head, *bodies = LISTS.split("value,reason,owner,valid_from,expires\n")
    assert head == ""
    for name, body in zip(("stolen-seals", "usda-holds"), bodies, strict=True):
        (tmp_path / f"{name}.csv").write_text(f"value,reason,owner,valid_from,expires\n{body}", encoding="utf-8")
    return read_watch_lists(tmp_path, named_lists(rules, DAY))


def day():
    frame = pd.DataFrame.from_dict(SHIPMENTS_OF_THE_DAY, orient="index")
    columns = {*SHIPMENTS.names, *(feature.name for feature in catalogue(BUILDERS)), "score_narcotics"}
    assert set(frame.columns) <= columns
    return frame.reindex(columns=sorted(columns - {"shipment_id"}))


def test_the_rules_of_the_page_pick_what_it_says(rules, lists):
    found = match(rules, day(), DAY, lists).frame
    assert found["rule_id"].dropna().to_dict() == EXPECTED
    assert found["exam"]["MAEU123456789-1"] == "agriculture"
    said = found["reason"]["seal of the second batch"].replace("26-140", "26-118")
    assert said in re.sub(r"\s+", " ", PAGE)


def test_the_day_before_the_older_version_was_in_force(rules):
    older = rules[: [rule.id for rule in rules].index("fda-prior-notice")]
    found = match(older, day(), BEFORE).frame["rule_id"]
    assert found["one bad seal of two"] == "seal-check"
    assert pd.isna(found["seal of the second batch"])


def test_the_page_names_every_operator_and_set():
    operators = re.findall(r"'(\w+)'", str(Condition.model_fields["op"].annotation))
    assert len(operators) == 14
    for word in (*operators, "any_of", "all_of", "none_of", *SETS, *NUMBERED):
        assert f"`{word}`" in PAGE


def test_every_score_the_page_speaks_of_is_joined():
    scores = score_columns(pd.DataFrame({"any": [0.5]}))
    assert set(re.findall(r"\bscore_[a-z]+(?:_[a-z]+)*\b", PAGE)) <= set(scores.columns)
