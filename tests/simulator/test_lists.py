"""The reference lists hang together."""

import re

import numpy as np
import pytest

from riskscore import reference
from riskscore.simulator import lists
from riskscore.simulator.legacy import EXAM_FOR, RULES
from riskscore.tables import MODES, SHIPMENTS


def test_hazards_are_known_and_learnable():
    assert set(lists.HAZARDS) <= set(reference.learned_hazards())


def test_prevalence_is_between_a_hundredth_and_three_percent():
    prevalence = lists.numbers("hazards", "prevalence")

    assert (prevalence >= 0.0001).all()
    assert (prevalence <= 0.03).all()


def test_every_hazard_leaves_traces_in_the_same_columns():
    assert [row["hazard"] for row in lists.table("traces")] == ["innocent", *lists.HAZARDS]


def test_goods_have_ten_digits_a_price_an_origin_and_another_line_to_hide_behind():
    goods = lists.goods()

    assert len(goods.hts) >= 120
    assert all(len(code) == 10 and code.isdigit() for code in goods.hts)
    assert (goods.usd_per_kg > 0).all()
    assert (goods.origins.sum(axis=1) > 0).all()
    assert (goods.declared_as != np.arange(len(goods.hts))).all()


@pytest.mark.parametrize("name", ["origin_country", "foreign_port"])
def test_codes_have_the_form_the_table_declares(name):
    codes = lists.COUNTRIES if name == "origin_country" else lists.foreign_ports()[1]

    assert lists.column("countries", "country")
    for code in codes:
        assert re.match(SHIPMENTS[name].pattern, code)


def test_every_country_has_a_sea_port():
    assert (lists.foreign_ports()[0].sum(axis=1) > 0).all()


def test_whatever_mode_goods_take_there_is_a_port_and_a_carrier():
    goods = lists.goods()
    for good in range(len(goods.hts)):
        for origin in np.flatnonzero(goods.origins[good]):
            route = int(lists.COUNTRIES[origin] in lists.NEIGHBOURS)
            for mode in np.flatnonzero(lists.mode_shares()[goods.profile[good], route]):
                assert (lists.port_modes()[:, mode] * lists.serves("ports")[:, origin]).sum() > 0, MODES[mode]
                assert (lists.carrier_modes()[:, mode] * lists.serves("carriers")[:, origin]).sum() > 0, MODES[mode]


def test_every_rule_suspects_a_simulated_hazard_and_every_suspicion_has_an_exam():
    assert {hazard for _, _, hazard, _ in RULES} <= set(lists.HAZARDS)
    assert set(EXAM_FOR) == set(lists.HAZARDS)
    assert set(EXAM_FOR.values()) <= set(reference.exams())
