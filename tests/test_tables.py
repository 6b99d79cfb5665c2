"""The declarations against the contract: names, order, types, and what the reference lists say."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from riskscore import reference
from riskscore.tables import INGESTED, OUTCOMES, POST_ENTRY, REVIEWS, SHIPMENTS, TRADERS, recommendations_schema

PARTIES = ("importer", "consignee", "shipper", "manufacturer", "carrier", "filer")
CONTRACT = {
    "shipments": """shipment_id version action filed_at arrival_date mode port entry_type importer_id consignee_id
        shipper_id manufacturer_id carrier_id filer_id origin_country export_country foreign_port hts description
        value_usd weight_kg quantity quantity_unit duty_rate_pct duty_regime container_ids seal_ids preference_program
        bond_type in_bond pga_flags importer_address consignee_address shipper_address manufacturer_address
        conveyance_id isf_filed_at laden_at wood_packaging""",
    "traders": """trader_id name country role ctpat_tier ctpat_status isa_member ctpat_trade_compliance aeo_programme
        center valid_from valid_to known_at""",
    "outcomes": """shipment_id exam_type exam_date result hazard amount_usd known_at waiver_code waiver_text selected_by
        inclusion_probability""",
    "post_entry": "shipment_id event event_date status amount_usd known_at",
    "reviews": "shipment_id run_date decision code text exam_type run_id decided_by known_at",
}
RECOMMENDATIONS = """run_id shipment_id version port center recommendation exam_type arm rule_id inclusion_probability
    exam_probabilities risk_score expected_harm_usd hazard_scores programme_credit priority reasons model_version
    feature_hash ledger_seq scored_at"""
OURS = ["stratum"]


@pytest.mark.parametrize("name", CONTRACT)
def test_columns_of_the_contract_in_its_order(name):
    names = [column for column in INGESTED[name].names if not re.fullmatch(rf"({'|'.join(PARTIES)})_name", column)]
    assert names == CONTRACT[name].split()


def test_every_party_has_a_name_column():
    assert {f"{party}_name" for party in PARTIES} <= set(SHIPMENTS.names)


def test_recommendations_of_the_contract():
    schema = recommendations_schema()
    assert schema.names == [*RECOMMENDATIONS.split(), *OURS]
    assert [field.name for field in schema.field("exam_probabilities").type] == list(reference.exams())
    assert [field.name for field in schema.field("hazard_scores").type] == list(reference.hazards())
    reason = schema.field("reasons").type.value_type
    assert [field.name for field in reason] == ["concept", "direction", "contribution", "text"]
    assert schema.field("scored_at").type == pa.timestamp("us", tz="UTC")


def test_keys_and_known_times():
    assert (SHIPMENTS.key, SHIPMENTS.known) == (("shipment_id", "version"), "filed_at")
    assert (TRADERS.key, TRADERS.known) == (("trader_id", "valid_from"), "known_at")
    assert (OUTCOMES.key, OUTCOMES.known) == (("shipment_id", "exam_type", "exam_date", "hazard"), "known_at")
    assert (POST_ENTRY.key, POST_ENTRY.known) == (("shipment_id", "event", "event_date"), "known_at")
    assert (REVIEWS.key, REVIEWS.known) == (("shipment_id", "run_date"), "known_at")


def test_required_columns():
    required = {name: {c.name for c in table.columns if c.required} for name, table in INGESTED.items()}
    assert required["shipments"] == {"shipment_id", "arrival_date", "mode", "port"}
    assert required["traders"] == {"trader_id", "valid_from"}
    assert required["outcomes"] == {"shipment_id", "exam_date", "result"}
    assert required["post_entry"] == {"shipment_id", "event", "event_date"}
    assert required["reviews"] == {"shipment_id", "run_date", "decision", "code", "decided_by"}


@pytest.mark.parametrize("table", INGESTED.values(), ids=INGESTED)
def test_every_column_says_what_it_is(table):
    for column in table.columns:
        assert column.meaning, column.name
        assert column.required or column.null_meaning, column.name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        if column.pattern:
            re.compile(column.pattern)
        if column.type == "float":
            assert column.unit, f"{column.name} has no unit"
    assert len(set(table.names)) == len(table.names)


def test_choices_are_the_reference_lists():
    assert OUTCOMES["result"].choices == reference.results()
    assert OUTCOMES["hazard"].choices == reference.hazards()
    assert len(reference.hazards()) == 14
    assert (TRADERS["ctpat_tier"].minimum, TRADERS["ctpat_tier"].maximum) == (0, 3)


def test_results_mean_what_the_reference_list_says():
    groups = {"unlabelled": reference.UNLABELLED, "negative": reference.CLEAR, "positive": reference.POSITIVE,
              "pending": reference.PENDING, "exclude": reference.EXCLUDED}  # fmt: skip
    listed = {}
    for row in reference.rows("outcomes"):
        for name in row["outcome"].split(" / "):
            listed[name.replace(" ", "_")] = row["counts_as"]
    assert set(listed) == set(reference.results())
    for meaning, results in groups.items():
        for result in results:
            assert listed[result].startswith(meaning), (result, listed[result])
    assert sum(map(len, groups.values())) == len(set(reference.results()))


def test_unknown_column():
    with pytest.raises(KeyError, match="nothing"):
        _ = SHIPMENTS["nothing"]
