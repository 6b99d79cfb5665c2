"""Putting a day's recommendations together, in the published schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from riskscore import reference, selection
from riskscore.publication import conform, struct_column
from riskscore.tables import recommendations_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import pandas as pd

    from riskscore.config import Config
    from riskscore.models.severity import Severity
    from riskscore.selection import Rival, SelectionResult


def choose(
    config: Config,
    shipments: pd.DataFrame,
    frame: pd.DataFrame,
    scores: pd.DataFrame,
    day: date,
    rival: Rival | None = None,
) -> SelectionResult:
    """Select exams for a day's scored shipments under the configured rules and capacity.

    Args:
        config: the whole configuration.
        shipments: the shipments columns, indexed by shipment_id.
        frame: their features, same index.
        scores: `any` and a column per modelled hazard, same index.
        day: the run date.
        rival: the model on trial; None = no trial.
    """
    matches = selection.match(config.must_exam, shipments.join(frame), day)
    risk = shipments[["port"]].join(scores["any"])
    return selection.select(risk, scores.drop(columns="any"), matches, config.capacity, config.selection, day, rival)


def as_published(
    live: pd.DataFrame,
    scores: pd.DataFrame,
    chosen: SelectionResult,
    centers: pd.Series,
    stamp: Mapping[str, Any],
    severity: Severity | None = None,
) -> pa.Table:
    """The recommendations table (riskscore.tables.recommendations_schema), sorted by port and priority.

    Args:
        live: live shipments of the day, indexed by shipment_id.
        scores: `any` and a column per modelled hazard, same index.
        chosen: the selection, same index.
        centers: the importer's Center, null where not on record; same index.
        stamp: the values every row shares: run_id, model_version, feature_hash, ledger_seq, scored_at.
        severity: USD of harm by hazard; None = a model without it: expected_harm_usd is null.
    """
    schema, unknown = recommendations_schema(), np.full(len(live), np.nan)
    columns: dict[str, Any] = {
        "shipment_id": live.index,
        "version": live["version"],
        "port": live["port"],
        "center": centers,
        "exam_probabilities": struct_column(chosen.exam_probabilities, reference.exams()),
        "risk_score": scores["any"],
        "hazard_scores": struct_column(scores.drop(columns="any"), reference.hazards()),
        "expected_harm_usd": severity.expected_harm(scores, live["value_usd"]) if severity else unknown,
        # Filled by a later issue; null says so.
        "programme_credit": unknown,
        **{name: chosen.frame[name] for name in chosen.frame.columns if name in schema.names},
        **{name: [value] * len(live) for name, value in stamp.items()},
    }
    arrays = [_array(columns[field.name], field.type) for field in schema]
    return conform(pa.Table.from_arrays(arrays, schema=schema))


def _array(values: Any, kind: pa.DataType) -> pa.Array:  # noqa: ANN401 - anything Arrow can read as a column
    if isinstance(values, pa.Array):
        return values
    if pa.types.is_list(kind):
        return pa.array(list(values), kind)
    return pa.array(values, kind, from_pandas=True)
