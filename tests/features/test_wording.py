from __future__ import annotations

import math
import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.features import Feature, build, catalogue
from riskscore.features.wording import nulls, sentence, topic
from riskscore.features.wording.flags import FLAGS

KNOWN = {feature.name: feature for feature in catalogue()}
NAMES = [name for name in KNOWN if "_" in name]
NULL = float("nan")

# What tells that a program speaks, not a colleague: names of columns, nulls, floats in full.
MACHINE = re.compile(r"[a-z]_[a-z]|\bnan\b|\binf\b|\bNone\b|\d\.\d{4}|e[+-]\d|\{|\}|  |: :|:$")


def said(name, value, **facts):
    return sentence(KNOWN[name], facts | {name: value})


def values(feature):
    if feature.unit == "0 or 1":
        return st.sampled_from([0.0, 1.0])
    if feature.unit.startswith("code"):
        return st.integers(0, 99).map(float)
    if feature.unit == "share":
        return st.floats(0, 1)
    return st.one_of(st.integers(0, 10**6).map(float), st.floats(-1e9, 1e9))


@pytest.mark.parametrize("name", KNOWN)
def test_every_feature_has_words_for_null(name):
    text = said(name, NULL)
    assert text
    assert not MACHINE.search(text), text


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_facts_make_sentences(data):
    drawn = Random(data.draw(st.integers(0, 10**9)))  # noqa: S311 - nothing secret
    null_share = data.draw(st.sampled_from([0.0, 0.3, 1.0]))
    named = data.draw(st.sampled_from(list(KNOWN)))
    facts = {
        name: NULL if drawn.random() < null_share else drawn.choice([0.0, 1.0, 2.5, -3.0, 400.0]) for name in KNOWN
    }
    text = sentence(KNOWN[named], facts | {named: data.draw(values(KNOWN[named]))})
    assert text
    assert len(text) < 220, text
    assert text == text.strip()
    assert not re.search(r"[a-z]_[a-z]|\bnan\b|\binf\b|\bNone\b", text), text


def test_every_flag_has_a_yes_and_a_no():
    flags = {name for name, feature in KNOWN.items() if feature.unit == "0 or 1"}
    assert set(FLAGS) == flags
    assert all(yes != no for yes, no in FLAGS.values())


def test_a_sentence_says_its_value():
    """Two values of a feature read differently: a sentence without its fact would say the same of both."""
    facts = dict.fromkeys(KNOWN, 2.0)
    for name, feature in KNOWN.items():
        exams = name.endswith(("_exams", "_hits")) and feature.unit == "shipments"
        low, high = (1.0, 0.0) if feature.unit == "0 or 1" else (0.0, 0.9) if feature.unit == "share" else (3.0, 70.0)
        if "_position_" in name or "_spreads_" in name or (exams and f"{name.rsplit('_', 1)[0]}_exams" in KNOWN):
            continue  # said with its companions: the price among peers, hits of exams
        assert sentence(feature, facts | {name: low}) != sentence(feature, facts | {name: high}), name


@pytest.mark.parametrize(
    ("name", "value", "facts", "text"),
    [
        ("importer_x_shipper_shipments", 0.0, {}, "first shipment of the importer from this shipper"),
        ("importer_x_shipper_first_seen_days", NULL, {"importer_x_shipper_shipments": 0.0},
         "first shipment of the importer from this shipper"),
        ("importer_x_filer_first_seen_days", 3.0, {"importer_first_seen_days": 400.0},
         "the importer turned to this filer 3 days ago"),
        ("importer_x_filer_first_seen_days", 3.0, {"importer_first_seen_days": 3.0},
         "the first shipment of the importer with this filer was 3 days ago"),
        ("value_per_kg_position_hs6_x_origin", 0.01,
         {"value_per_kg": 4.1, "value_per_kg_ratio_hs6_x_origin": math.log2(4.1 / 14.5),
          "value_per_kg_spreads_hs6_x_origin": math.log2(4.1 / 14.5) / math.log2(19 / 11)},
         "4.1 USD/kg where peers of the same goods and origin run about 11 to 19"),
        ("value_per_kg_ratio_hs6", -1.0, {"value_per_kg": 5.0},
         "5 USD/kg where peers of the same goods have a median of 10"),
        ("value_per_kg_ratio_importer_x_hs4", -1.0, {"value_per_kg": 5.0},
         "5 USD/kg where the importer's own of this heading average 10"),
        ("importer_hits", 2.0, {"importer_exams": 5.0}, "2 of 5 exams of shipments of the importer found something"),
        ("importer_exams", 0.0, {"importer_hits": 0.0}, "no exam of shipments of the importer is on record"),
        ("shipper_hits_ipr", 1.0, {}, "1 hit for counterfeits (IPR) in shipments from the shipper"),
        ("filer_last_hit_days", NULL, {"filer_hit_rate": 0.1}, "no hit is known in shipments by the filer"),
        ("route_hit_rate", 0.123, {}, "about 12 % of exams of shipments on this route find something"),
        ("importer_cf29", 1.0, {}, "1 notice of action (CF-29) about earlier shipments of the importer"),
        ("tiered_importer_volume_departure_hl30d", 3.0, {},
         "the importer ships of late at 3 times its pace of the year (it holds a CTPAT tier)"),
        ("importer_hit_rate_departure_hl90d", -0.05, {},
         "the importer's hit rate of late is 5 points below its own of all time"),
        ("shipper_split_over_de_minimis", 0.5, {},
         "the day's shipments from the shipper are together worth 50 % of the de minimis limit"),
        ("mode_code", 5.0, {}, "mode of transport: express"),
        ("hs_chapter", 61.0, {}, "HS chapter: 61"),
        ("isf_hours_before_lading", -5.0, {}, "the Importer Security Filing came 5 hours after lading"),
        ("isf_late", 0.0, {}, "the Importer Security Filing came in time"),
        ("isf_late", NULL, {},
         f"not known whether {FLAGS['isf_late'][0]} (does not come by sea or one of the two times not stated)"),
        ("isf_late", NULL, {"mode_code": 1.0}, "does not come by sea"),
        ("isf_late", NULL, {"mode_code": 0.0},
         f"not known whether {FLAGS['isf_late'][0]} (one of the two times not stated)"),
        ("manufacturer_hits", NULL, {"manufacturer_shipments": NULL}, "no manufacturer stated"),
        ("manufacturer_hit_rate", NULL, {"manufacturer_shipments": NULL}, "no manufacturer stated"),
        ("manufacturer_hit_rate", NULL, {"manufacturer_shipments": 3.0},
         "nothing examined in the country yet"),
        ("seal_hit_rate", NULL, {"seal_shipments": NULL}, "no seal stated"),
        ("value_per_kg_ratio_hs6", NULL, {"hs6_shipments": 4.0, "value_per_kg": 2.0}, "no peers to compare with yet"),
        ("value_per_kg_ratio_hs6", NULL, {"hs6_shipments": 4.0, "value_per_kg": NULL},
         "value or weight not declared or 0"),
        ("importer_ctpat_lost", NULL, {}, "no programme record of the importer"),
        ("importer_new_pairings", NULL, {"importer_shipments": 0.0}, "no shipment was ever seen of the importer"),
        ("importer_seizures_per_hit", NULL, {"importer_shipments": 2.0},
         "no hit is known in shipments of the importer"),
        ("importer_exam_share", NULL, {"importer_shipments": 0.0}, "no earlier shipment of the importer"),
        ("importer_lookalike_hits", NULL, {}, "importer's name or address not stated"),
        ("importer_claimed_per_action_usd", NULL, {"importer_shipments": 2.0, "importer_cf28": 0.0},
         "no CF-28 or CF-29 about shipments of the importer"),
        ("entry_number_invalid", NULL, {}, "the shipment's number is no entry number"),
        ("agri_arrival_month", NULL, {"hs_chapter": 84.0}, "the goods are no animal, plant or wood"),
        ("moves_in_bond", NULL, {}, "moves in bond: not stated"),
        ("importer_volume_ratio_hl7d", 1.0, {}, "the importer ships in these days at 1.0 times its pace of the year"),
        ("importer_amendment_departure_hl30d", 0.0, {},
         "the share of the importer's shipments amended of late is equal to its own of all time"),
        ("importer_exams_hl365d", 2.0, {}, "exams of shipments of the importer, one a year ago counting half: 2"),
        ("importer_lookalike_hits", 1.0, {}, "hits of importers of nearly the same name and address: 1"),
        ("peers_hs6", 1.0, {}, "1 peer of the same goods to compare with"),
        ("uflpa_china_ties", 2.0, {},
         "ties to China (origin, country of export, manufacturer's MID): 2"),
        ("importer_score_cut_cap", NULL, {"importer_on_record": 1.0, "importer_ctpat_tier": 3.0},
         "the statute caps no cut for tier 2 or 3"),
        ("wording_x_hs4_share", NULL, {"wording_shipments": 4.0}, "no heading stated"),
        ("shipper_split_over_de_minimis", NULL, {"shipper_shipments": 1.0, "de_minimis_threshold_usd": 0.0},
         "no de minimis exemption for goods of this origin"),
        ("importer_status_age_days", 40.0, {}, "the importer's present status began 40 days ago"),
        ("importer_via_shipper_offenders", 0.0, {},
         "none of the shippers that the importer dealt with before had hits elsewhere"),
        ("seal_shipments", 3.0, {}, "the first seal was on 3 earlier shipments"),
        ("fields_missing", 4.0, {}, "fields missing of those that a filing should have: 4"),
    ],
)  # fmt: skip
def test_words(name, value, facts, text):
    assert said(name, value, **facts) == text


@pytest.mark.parametrize("sample", ["some", "extremes"])
def test_no_shipment_rules_out_all_that_may_make_it_null(sample, request):
    """Else a witness is wrong about its cause, and a sentence would name one that does not hold."""
    wrong = {
        (name, nulls.causes(KNOWN[name]))
        for facts in build(*request.getfixturevalue(sample)).to_dict("records")
        for name, value in facts.items()
        if math.isnan(value) and all(nulls.told(cause, facts) is False for cause in nulls.causes(KNOWN[name]))
    }
    assert wrong == set()


def test_what_is_not_stated_is_said_alone():
    for feature in KNOWN.values():
        if re.fullmatch(r"no (\w+) stated", feature.null_meaning) and feature.name != "pga_flags_unknown":
            assert nulls.reason(feature, dict.fromkeys(KNOWN, NULL)) == (feature.null_meaning, True)


def test_a_feature_of_ones_own():
    own = Feature(
        "port_queue_h", "congestion", "hours in the queue; of the last week", "hours", "no queue kept", "", ""
    )
    assert sentence(own, {"port_queue_h": 5.0}) == "hours in the queue: 5"
    assert sentence(own, {"port_queue_h": NULL}) == "hours in the queue: not known (no queue kept)"
    flag = Feature("is_x", "c", "the port is closed", "0 or 1", "unknown port", "", "")
    assert sentence(flag, {"is_x": 1.0}) == "the port is closed: yes"


def test_damaged_prices_do_not_overflow():
    facts = {"value_per_kg": 1.0, "value_per_kg_ratio_hs6": 5e4, "value_per_kg_spreads_hs6": 1e-9}
    assert sentence(KNOWN["value_per_kg_ratio_hs6"], facts).startswith("1 USD/kg where peers")


def test_topics_join_what_says_the_same():
    assert topic("importer_hit_rate_hl90d") == topic("importer_hit_rate")
    assert topic("importer_exams") == topic("importer_hits")
    assert topic("importer_hits_ipr") != topic("importer_hits")
    assert topic("value_per_kg_position_hs6") == topic("value_per_kg_ratio_hs6_x_origin")
    assert topic("tiered_importer_volume_departure_hl30d") == topic("importer_volume_departure_hl30d")
