"""Putting a day's recommendations together, in the published schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from riskscore import reference, selection
from riskscore.publication import conform, struct_column
from riskscore.selection.rule_columns import score_columns
from riskscore.tables import recommendations_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from riskscore.config import Config
    from riskscore.models.severity import Severity
    from riskscore.selection import Rival, SelectionResult
    from riskscore.selection.carry_over import Carried
    from riskscore.selection.watch_lists import WatchList


VALIDATED_TIER = 2
"""CTPAT tier from which an importer counts as trusted in the strata of the random floor: validated on site (6 USC
965), not on paper alone."""

NEWCOMER_PAIRINGS = 7
"""New pairings of an importer never seen before: every kind that importer_new_pairings counts."""


def choose(  # noqa: PLR0913 - what a selection is made of
    config: Config,
    shipments: pd.DataFrame,
    frame: pd.DataFrame,
    scores: pd.DataFrame,
    day: date,
    rival: Rival | None = None,
    *,
    severity: Severity | None = None,
    lists: Mapping[str, WatchList] | None = None,
    waiting: Sequence[Carried] = (),
) -> SelectionResult:
    """Select exams for a day's scored shipments under the configured rules and capacity.

    Args:
        config: the whole configuration.
        shipments: the shipments columns, indexed by shipment_id.
        frame: their features, same index.
        scores: `any` and a column per modelled hazard, same index.
        day: the run date.
        rival: the model on trial; None = no trial.
        severity: what each hazard costs, for objectives that weigh it; None = not known.
        lists: the watch-lists that must-exam rules name, by name; None = there are none.
        waiting: must-exams of earlier days that are still to be held.
    """
    columns = pd.concat([shipments, frame, score_columns(scores)], axis=1)
    matches = selection.match(config.must_exam, columns, day, lists or {})
    asked = shipments[["port"]].join(scores["any"]).join(_standing(shipments, frame, scores["any"]))
    harm = severity.harm_by_hazard(scores, shipments["value_usd"]) if severity else None
    hazards = scores.drop(columns="any")
    return selection.select(asked, hazards, matches, config, day, rival, harm=harm, waiting=waiting)


def _standing(shipments: pd.DataFrame, frame: pd.DataFrame, risk: pd.Series) -> pd.DataFrame:
    """What the design asks of each shipment beside its risk: tier, trusted, new_pairing, novelty.

    A model of a user's own builders may lack a feature; nothing is then assumed of any shipment.
    """
    tier = frame.get("importer_ctpat_tier", pd.Series(np.nan, index=frame.index)).astype("float64")
    known = frame.get("importer_new_pairings", pd.Series(0.0, index=frame.index)).astype("float64")
    # Null is an importer never seen before, or none stated; of the second nothing can be new.
    newcomer = known.isna() & shipments["importer_id"].notna()
    new = known.mask(newcomer, NEWCOMER_PAIRINGS).fillna(0.0)
    return pd.DataFrame(
        {"tier": tier, "trusted": tier >= VALIDATED_TIER, "new_pairing": new > 0, "novelty": new * risk},
        index=frame.index,
    )


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
        **{name: chosen.frame[name] for name in chosen.frame.columns if name in schema.names},
        **{name: [value] * len(live) for name, value in stamp.items()},
    }
    arrays = [_array(columns[field.name], field.type) for field in schema]
    return conform(pa.Table.from_arrays(arrays, schema=schema))


def exam_slots(chosen: SelectionResult) -> dict[str, dict[str, dict[str, int]]]:
    """Per port and exam how many it can hold and how many are used, for the run record; unused exams are left out."""
    used = chosen.exam_slots[chosen.exam_slots["used"] > 0]
    return {str(port): used.loc[port].to_dict("index") for port in used.index.get_level_values("port").unique()}


def _array(values: Any, kind: pa.DataType) -> pa.Array:  # noqa: ANN401 - anything Arrow can read as a column
    if isinstance(values, pa.Array):
        return values
    if pa.types.is_list(kind):
        return pa.array(list(values), kind)
    return pa.array(values, kind, from_pandas=True)
