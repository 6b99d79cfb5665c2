"""Where value, unit value and unit weight stand among peers and the importer's own past."""

from __future__ import annotations

import random
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from riskscore.features.valuation import POSITIONS, Valuation
from tests import factories
from tests.features import records
from tests.features.oracles import valuation as oracle
from tests.features.records import record

NAMES = [feature.name for feature in Valuation.features]
NOBODY = SimpleNamespace(peers=None, below=None, median=None, spread=None)
DECLARED = {"value_usd": 1000.0, "weight_kg": 100.0, "quantity": 50.0}
AMOUNTS = (None, 0.0, 1e-10, 0.004, 1.0, 9.99, 10.0, 40.0, 41.0, 2500.0, 30000.0, 30000.5, 99999.99, 1e12)


def build(made: records.Made, peers: list[dict]) -> pd.DataFrame:
    """What the builder makes of shipments whose peers are given by (kind, quantity)."""
    history = made.history()
    columns = {
        kind: {q: _position([of_one.get((kind, q), NOBODY) for of_one in peers]) for k, q in POSITIONS if k == kind}
        for kind, _ in POSITIONS
    }
    return Valuation().build(made.frame(), SimpleNamespace(tracks=history.tracks, peers=columns))


def _position(found: list[SimpleNamespace]) -> SimpleNamespace:
    names = ("peers", "below", "median", "spread")
    return SimpleNamespace(**{name: np.array([getattr(each, name) for each in found], float) for name in names})


def drawn_peers(rng: random.Random) -> dict:
    """Peers of each kind: no entity, none yet, few of one price, many."""
    choices = (NOBODY, peers_of(0, None, None, None), peers_of(3, 0.5, 8.0, 0.0), peers_of(900, 0.25, 11.5, 1.25))
    return {position: rng.choice(choices) for position in POSITIONS}


def peers_of(peers: int, below: float | None, median: float | None, spread: float | None) -> SimpleNamespace:
    return SimpleNamespace(peers=peers, below=below, median=median, spread=spread)


def of(peers: dict | None = None, own_past=None, **stated) -> pd.Series:
    """The features of one shipment; DECLARED unless it says otherwise."""
    made = records.one(row=DECLARED | stated, **({} if own_past is None else {"importer_x_hs4": own_past}))
    return build(made, [peers or {}]).iloc[0]


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 5))
def test_every_feature_equals_its_description(seed, size):
    rng = random.Random(seed)  # noqa: S311 - reproducible rows, not secrets
    amounts = [{c: rng.choice(AMOUNTS) for c in (*DECLARED, "duty_rate_pct")} for _ in range(size)]
    made, peers = records.chance(seed, factories.shipments(*amounts)), [drawn_peers(rng) for _ in range(size)]
    for of_one in made.records:
        if "importer_x_hs4" in of_one:
            of_one["importer_x_hs4"].counts["weight_g"] = rng.choice((0, 1, 5_000_000))

    built = build(made, peers)

    assert list(built.columns) == NAMES
    for n, (row, past) in enumerate(zip(made.rows, made.pasts(), strict=True)):
        past.peers = lambda kind, quantity, n=n: peers[n][kind, quantity]
        expected = pd.Series(oracle.of(row, past), dtype=float)[NAMES]
        pd.testing.assert_series_equal(built.iloc[n], expected, check_names=False, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("kind", "quantity"), POSITIONS)
def test_half_the_usual_is_one_octave_down_and_the_spread_says_how_odd_that_is(kind, quantity):
    own = of()[quantity]

    tight, loose = (of({(kind, quantity): peers_of(50, 0.02, own * 2, spread)}) for spread in (0.25, 2.0))

    assert tight[f"{quantity}_ratio_{kind}"] == loose[f"{quantity}_ratio_{kind}"] == pytest.approx(-1)
    assert tight[f"{quantity}_spreads_{kind}"] == pytest.approx(-4)
    assert loose[f"{quantity}_spreads_{kind}"] == pytest.approx(-0.5)
    assert tight[f"{quantity}_position_{kind}"] == 0.02


def test_few_peers_of_the_origin_leave_the_wider_group_its_say():
    peers = {
        ("hs6", "value_per_kg"): peers_of(5000, 0.4, 11.0, 1.0),
        ("hs6_x_origin", "value_per_kg"): peers_of(2, 0.5, 40.0, 0.0),
    }

    row = of(peers)

    assert (row["peers_hs6"], row["peers_hs6_x_origin"]) == (5000, 2)
    assert np.isnan(row["value_per_kg_spreads_hs6_x_origin"])
    assert row["value_per_kg_spreads_hs6"] == pytest.approx(np.log2(10 / 11))


def test_an_importer_is_held_against_its_own_past():
    usual = record(days=90, shipments=4, value_cents=4_000_00, weight_g=100_000)  # 40 USD/kg

    assert of(own_past=usual)["value_per_kg_ratio_importer_x_hs4"] == pytest.approx(-2)
    assert np.isnan(of(own_past=record(days=90, shipments=4))["value_per_kg_ratio_importer_x_hs4"])
    assert np.isnan(of()["value_per_kg_ratio_importer_x_hs4"])


@pytest.mark.parametrize(
    ("weight", "is_round"),
    [(9.0, np.nan), (10.0, 1), (12.0, 0), (20.0, 1), (20.5, 0), (900.0, 1), (1000.0, 1), (1e12, 1), (None, np.nan)],
)
def test_a_guessed_weight_is_one_digit_and_zeros(weight, is_round):
    np.testing.assert_equal(of(weight_kg=weight)["weight_is_round"], is_round)


def test_a_declared_zero_is_a_gap_and_no_price():
    row = of(value_usd=0.0, weight_kg=0.0)

    assert row[["value_per_kg", "value_per_unit", "weight_per_unit"]].isna().all()
    assert (row["declared_value_usd"], row["declared_weight_kg"]) == (0, 0)
