"""Signs that the trade demands: one more finding never lowers the risk (docs/adr/0013-monotone-constraints.md)."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from riskscore import features, models, reference
from riskscore.config import Model as Settings
from riskscore.models import boosting
from tests.factories import noon, outcomes, post_entry

if TYPE_CHECKING:
    from tests.features import samples

SIGNS = features.monotone()
SETTINGS = Settings(trees=60, leaves=7, learning_rate=0.2, min_positives=20)

FREE = (
    # What an exam found nothing in is no merit: who is examined was chosen by yesterday's model.
    *(f"{kind}_exams" for kind in ("importer", "consignee", "shipper", "manufacturer", "filer")),
    "importer_exam_share",
    # One more finding may lower these: what it divides by is findings too.
    "importer_seizures_per_hit",
    "importer_recovered_per_hit_usd",
    "importer_hit_rate_departure_hl90d",
    # Trust is measured, not assumed.
    "importer_ctpat_tier",
    "importer_trusted_trader",
    "importer_ctpat_lost",
    # A question is no finding, and who corrects comes forward.
    "importer_cf28",
    "importer_corrections",
    "importer_protests",
    "importer_claimed_usd",
    # Tells and contradictions are ours, not an authority's.
    "mid_city_in_xinjiang",
    "contradictions",
    "adcvd_undeclared",
)
"""Features that a hasty hand would give a sign."""


def test_no_sign_where_the_trade_demands_none():
    assert set(FREE) <= {feature.name for feature in features.catalogue()}
    assert set(FREE) & set(SIGNS) == set()


def test_every_count_of_findings_has_a_sign():
    counts = {f.name for f in features.catalogue() if "hits" in f.name or "seizures" in f.name or "offenders" in f.name}
    without = counts - set(SIGNS)

    assert without == {f"{kind}_seizures_per_hit" for kind in ("importer", "shipper", "manufacturer")}


def found_more(seed: int, log: samples.Log) -> samples.Log:
    """The log with findings and notices of action about a dozen past shipments that stand and had no outcome."""
    random = Random(f"findings {seed}")  # noqa: S311 - reproducible rows, not secrets
    known = {row["shipment_id"] for row in log.tables["outcomes"]}
    known |= {row["shipment_id"] for row in log.tables["shipments"] if row["action"] == "deleted"}
    past = [row for row in log.tables["shipments"] if row["shipment_id"].startswith("P") and not row["version"]]
    chosen = random.sample([row for row in past if row["shipment_id"] not in known], 12)
    about = [
        {"shipment_id": row["shipment_id"], "known_at": noon(row["arrival_date"]), "amount_usd": 5e3} for row in chosen
    ]
    results = ("seized", "duty_billed", "released_with_discrepancy")
    hits = [row | {"result": random.choice(results), "hazard": random.choice(reference.hazards())} for row in about]
    notices = [row | {"event": "cf29", "event_date": row["known_at"].date(), "status": "closed"} for row in about[:4]]
    more = {"outcomes": outcomes(*hits, seed=seed), "post_entry": post_entry(*notices, seed=seed)}
    return replace(log, tables=log.tables | {name: [*log.tables[name], *rows] for name, rows in more.items()})


@pytest.mark.parametrize("seed", range(3))
def test_more_findings_move_signed_features_in_their_direction_only(seed, log, some):
    before = features.build(*some)[list(SIGNS)]
    after = features.build(*found_more(seed, log).sample()).loc[before.index, list(SIGNS)]
    change = (after - before) * pd.Series(SIGNS)

    assert (change.min() >= -1e-12).all(), change.min().nsmallest(3)
    assert (change > 1e-12).any().sum() > 60
    assert not (before.notna() & after.isna()).any().any()


def test_a_sign_is_kept_by_every_booster_and_every_row():
    """The data say the opposite: the more hits, the less risk. A free model learns that, a signed one may not."""
    frame, labels, days = contrary()
    free, signed = (models.train(frame, labels, days, SETTINGS, monotone=signs) for signs in ({}, {"hits": 1}))
    steps = np.arange(0.0, 12.0)

    for target in ("any", "ipr"):
        assert (np.diff(curve(free, target, frame[:200], "hits", steps), axis=0) < -0.01).any()
        assert (np.diff(curve(signed, target, frame[:200], "hits", steps), axis=0) >= 0).all()


def contrary(size: int = 3000) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Labelled rows whose risk falls with `hits`; a tenth of the hits are null."""
    rng = np.random.default_rng(11)
    index = pd.Index([f"S{n:05d}" for n in range(size)], name="shipment_id")
    hits, noise = rng.integers(0, 12, size).astype(float), rng.normal(size=size)
    risk = 1 / (1 + np.exp(1.0 + 0.35 * hits - noise))
    label = (rng.random(size) < risk).astype(float)
    hits[rng.random(size) < 0.1] = np.nan
    labels = pd.DataFrame({"any": label, "ipr": label, "weight": 1.0, "uncorrected": True}, index=index)
    return pd.DataFrame({"hits": hits, "noise": noise}, index=index), labels, 20_000 + np.arange(size) // 50


def curve(model: models.TrainedModel, target: str, rows: pd.DataFrame, name: str, values: np.ndarray) -> np.ndarray:
    """Log-odds of each row (columns) with `name` set to each of `values` (rows)."""
    booster = models.Model(model)._boosters[target]
    frames = (rows.assign(**{name: value}).to_numpy(np.float64) for value in values)
    return np.array([boosting.log_odds(booster, matrix, 1) for matrix in frames])
