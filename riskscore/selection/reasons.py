"""One reason per shipment, in an analyst's words, naming arm and rule.

It says how a shipment came to be chosen; what drives its score follows it in the published reasons
(riskscore.pipelines.explain). A random pick says that it is random.
"""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
import pandas as pd

from riskscore import reference


class Reason(TypedDict):
    """One reason, as the recommendations table holds it."""

    concept: str
    """rule, risk, random, novelty or capacity."""
    direction: str
    """raises: speaks for an exam; none: says nothing about the shipment."""
    contribution: float | None
    """Share in the score; null: not a part of the score."""
    text: str


RANKED_BY = {
    "hits": "expected finds",
    "harm": "expected harm found",
    "revenue": "expected harm found to revenue",
    "blend": "the configured blend",
}
"""What a place in the ranking is by, in words, per objective of [selection]."""


def reasons(
    chosen: pd.DataFrame, hazards: pd.DataFrame, slots: pd.DataFrame, objective: str = "hits", on_trial: str = ""
) -> pd.Series[Any]:
    """One list with one reason per shipment.

    Args:
        chosen: index shipment_id; columns port, any, arm, rank, rule_id, reason, inclusion_probability, side (champion
            or challenger: who asked for a disputed slot; null = not disputed), rival_any and rival_rank (the
            challenger's).
        hazards: hazard probabilities by the model that asks, same index; NaN = no model.
        slots: arrivals and capacity per port, see `capacity.slots_per_port`.
        objective: that of [selection], which the ranking follows.
        on_trial: version of the challenger; empty = no trial.

    Returns:
        Lists of `Reason`, same index. Shipments passed over at one port share one list: do not change it
        in place.
    """
    ports = slots.rename_axis("port").reset_index()
    passed_over = {row.port: [_passed_over(row)] for row in ports.itertuples()}
    column = [passed_over[port] for port in chosen["port"].tolist()]
    named = np.flatnonzero((chosen["arm"] != "none") | chosen["rule_id"].notna() | chosen["side"].notna())
    rows = (
        chosen.iloc[named]
        .assign(on_trial=on_trial, ranked_by=RANKED_BY[objective])
        .join(slots, on="port")
        .itertuples(index=False)
    )
    likeliest = likeliest_hazard(hazards.iloc[named])
    for position, row, hazard in zip(named, rows, likeliest, strict=True):
        column[position] = [_named(row, hazard)]
    return pd.Series(column, index=chosen.index, name="reasons", dtype="object")


def likeliest_hazard(hazards: pd.DataFrame) -> list[str | None]:
    """The hazard with the highest probability per row, the earliest of reference.hazards() among equals.

    None where no hazard has a model or all are 0.

    >>> likeliest_hazard(pd.DataFrame({"ipr": [0.1, None], "narcotics": [0.1, None]}))
    ['narcotics', None]
    """
    names = [hazard for hazard in reference.hazards() if hazard in hazards.columns]
    # The leading column of zeros wins where nothing exceeds it.
    chances = np.zeros((len(hazards), len(names) + 1))
    chances[:, 1:] = hazards[names].fillna(0.0).to_numpy(dtype="float64")
    return [[None, *names][best] for best in chances.argmax(axis=1)]


# `row` is a named tuple of pandas.itertuples, whose fields no type checker can see.
def _named(row: Any, hazard: str | None) -> Reason:  # noqa: ANN401
    if row.arm == "must_exam":
        return Reason(concept="rule", direction="raises", contribution=None, text=_rule(row))
    if row.arm == "risk":
        return Reason(concept="risk", direction="raises", contribution=None, text=_risk(row, hazard))
    unmet = _lost(row) if pd.isna(row.rule_id) else f"; no slot was left for {_rule(row)}"
    if row.arm == "novelty":
        text = f"drawn for doing something new (chance {row.inclusion_probability:.2g}); carries no other inference"
        return Reason(concept="novelty", direction="none", contribution=None, text=text + unmet)
    if row.arm == "random_floor":
        text = f"drawn at random (chance {row.inclusion_probability:.2g}); carries no inference about the trader"
        return Reason(concept="random", direction="none", contribution=None, text=text + unmet)
    return _passed_over(row, unmet)


def _rule(row: Any) -> str:  # noqa: ANN401
    return f"rule {row.rule_id}: {row.reason}"


def _risk(row: Any, hazard: str | None) -> str:  # noqa: ANN401
    likeliest = f"; most likely {hazard}" if hazard else ""
    won = "" if pd.isna(row.side) else f"; {_disputed(row)}, which won the toss"
    score, rank, of = row.any, row.rank, ""
    if row.side == "challenger":
        score, rank, of = row.rival_any, row.rival_rank, f" of model {row.on_trial}"
    place = f"rank {rank} of {row.arrivals} at port {row.port} by {row.ranked_by}"
    return f"risk score {score:.3f}{of}; {place}{likeliest}{won}"


def _lost(row: Any) -> str:  # noqa: ANN401
    return "" if pd.isna(row.side) else f"; {_disputed(row)}, which lost the toss"


def _disputed(row: Any) -> str:  # noqa: ANN401
    asking = f"the challenger (model {row.on_trial})" if row.side == "challenger" else "the champion"
    return f"disputed slot {row.pair}: asked for by {asking}"


def _passed_over(row: Any, unmet: str = "") -> Reason:  # noqa: ANN401
    text = f"not selected: {row.capacity} slots for {row.arrivals} shipments at port {row.port}"
    if not row.capacity:
        text = f"not selected: port {row.port} has no exam capacity"
    return Reason(concept="capacity", direction="none", contribution=None, text=text + unmet)
