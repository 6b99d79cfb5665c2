"""The training manifest: what a model learned from, how, and why a hazard has none."""

from __future__ import annotations

from datetime import date, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore import reference
from riskscore.models.labels import POLICY
from riskscore.models.labels_digest import labels_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from riskscore import config
    from riskscore.models.split import Split

    Days = NDArray[np.int64]

_EPOCH = date(1970, 1, 1)


def manifest(
    labels: pd.DataFrame,
    days: Days,
    split: Split,
    settings: config.Model,
    shortfalls: Mapping[str, str | None],
    as_of: date | None,
) -> dict[str, Any]:
    """The training manifest, as JSON can hold it.

    Args:
        labels: labels used, in canonical order.
        days: their arrival days, days since 1970-01-01.
        split: days to fit, to calibrate and to evaluate on.
        settings: of the training.
        shortfalls: per target why it got no booster; None = it got one.
        as_of: morning before which all facts were known; None = the day after the latest labelled arrival.

    Returns:
        as_of, rows, uncorrected (labels without a known chance of their exam), labels_digest, days (per part first,
        last and how many), targets (per target no_booster_because, and per part rows and positives), settings,
        label_policy, rule_only and libraries.
    """
    parts = {"fit": split.fit, "calibrate": split.calibrate, "evaluate": split.evaluate}
    return {
        "as_of": as_of.isoformat() if as_of else iso(int(days.max()) + 1),
        "rows": len(days),
        "uncorrected": int(labels["uncorrected"].sum()) if "uncorrected" in labels else None,
        "labels_digest": labels_digest(labels),
        "days": {name: _window(days[part(days)]) for name, part in parts.items()},
        "targets": {name: _counts(labels[name], days, split, reason) for name, reason in shortfalls.items()},
        "settings": settings.model_dump(mode="json"),
        "label_policy": POLICY,
        "rule_only": list(reference.RULE_ONLY_HAZARDS),
        "libraries": {name: version(name) for name in ("lightgbm", "numpy", "scipy")},
    }


def _counts(outcome: pd.Series, days: Days, split: Split, shortfall: str | None) -> dict[str, Any]:
    figures: dict[str, Any] = {"no_booster_because": shortfall}
    for part in (split.fit, split.calibrate, split.evaluate):
        rows = outcome[part(days)]
        figures[part.__name__] = {"rows": int(rows.notna().sum()), "positives": int(rows.sum())}
    return figures


def _window(days: Days) -> dict[str, Any]:
    return {"first": iso(int(days.min())), "last": iso(int(days.max())), "days": len(np.unique(days))}


def iso(day: int) -> str:
    """A day since 1970-01-01 in ISO form.

    >>> iso(0)
    '1970-01-01'
    """
    return (_EPOCH + timedelta(days=day)).isoformat()
