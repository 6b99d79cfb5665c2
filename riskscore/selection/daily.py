"""The day's selection: rules, credit, worth of exams, capacity and design put together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from riskscore import reference
from riskscore.errors import RunError
from riskscore.selection.assignment import worth as total
from riskscore.selection.credits import programme_credit
from riskscore.selection.ports import THRESHOLD_RULE, draw_ports
from riskscore.selection.reasons import reasons
from riskscore.selection.result import SelectionResult, Unmet
from riskscore.selection.trial import Dispute, Rival
from riskscore.selection.values import exam_values, expected_finds, expected_harm_found

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from riskscore.config import Config
    from riskscore.selection.carry_over import Carried
    from riskscore.selection.rules import Matches

_PUBLISHED = (
    "recommendation",
    "exam_type",
    "arm",
    "rule_id",
    "inclusion_probability",
    "programme_credit",
    "stratum",
    "priority",
    "reasons",
)

_OPTIONAL = {"tier": np.nan, "trusted": False, "new_pairing": False, "novelty": 0.0}
"""Columns of `day` that may be absent, and what is then assumed of every shipment."""

_SHOWN = 5
"""Shipments named in an error: enough to find the fault, short enough for one line."""


def select(  # noqa: PLR0913 - what a selection is made of
    day: pd.DataFrame,
    hazards: pd.DataFrame,
    matches: Matches,
    config: Config,
    run_date: date,
    rival: Rival | None = None,
    *,
    harm: pd.DataFrame | None = None,
    waiting: Sequence[Carried] = (),
) -> SelectionResult:
    """Choose the day's exams. Deterministic; independent of row order; each port is on its own.

    Args:
        day: index shipment_id (unique text); columns port (text) and any (calibrated probability of any
            hazard), neither with nulls. Optional: tier (the importer's effective CTPAT tier, 1 to 3; null = none),
            trusted and new_pairing (bool: strata of the random floor), novelty (how new it is, 0 = nothing: weight in
            the novelty arm).
        hazards: same shipments; probability per learned hazard; NaN = no model.
        matches: the must-exam rules matched, same shipments.
        config: the sections [capacity], [exams] and [selection] of riskscore.toml.
        run_date: the day scored; with the seed it fixes every random draw.
        rival: the model on trial, same shipments: where it and `day` disagree about a ranked slot, a fair toss decides
            (see `riskscore.selection.trial`), and the exam is the one that the winner would order. None = no trial.
        harm: expected harm in USD per shipment and hazard, for objectives that weigh it; None = not known.
        waiting: must-exams of earlier days that are still to be held; they take their slots first.

    Raises:
        RunError: the frames speak of different shipments or name one twice, a port or probability is null
            or out of range, or a hazard column is unknown.
        ConfigError: the objective needs harm, and there is none.

    >>> from datetime import date
    >>> import pandas as pd
    >>> from riskscore.config import Capacity, Config
    >>> from riskscore.selection import match
    >>> day = pd.DataFrame({"port": "2704", "any": [0.02, 0.31, 0.11]}, index=["S1", "S2", "S3"])
    >>> hazards = pd.DataFrame({"undervaluation": [0.01, 0.3, 0.1]}, index=day.index)
    >>> rules = match((), day, date(2026, 3, 2))
    >>> config = Config(capacity=Capacity(ports={"2704": 1}))
    >>> result = select(day, hazards, rules, config, date(2026, 3, 2))
    >>> result.frame[["recommendation", "exam_type", "arm", "inclusion_probability", "priority"]].round(3)
       recommendation exam_type   arm  inclusion_probability  priority
    S1        release       NaN  none                  0.033         3
    S2        examine  document  risk                  0.933         1
    S3        release       NaN  none                  0.033         2
    >>> result.frame.at["S2", "reasons"][0]["text"]
    'risk score 0.310; rank 1 of 3 at port 2704 by expected finds; most likely undervaluation'
    """
    _check(day, hazards, matches.frame, rival)
    day = day.assign(**{name: value for name, value in _OPTIONAL.items() if name not in day})
    hazards = hazards.reindex(day.index)
    credit = programme_credit(day["any"], day["tier"], config.selection)
    worth = _worth(day["any"], credit, hazards, harm, config)
    scored = _with_threshold(day.join(matches.frame.reindex(day.index)), credit, config)
    scored["rival_any"] = rival.scores["any"] if rival else day["any"]
    done = draw_ports(scored, (worth, _rival_worth(rival, day["tier"], config)), config, run_date, waiting)
    drawn, slots = done.drawn, done.slots
    finds, harm_found = _expected(hazards.assign(any=day["any"]), harm, drawn["exam"])
    if rival:
        hazards = _asking(hazards, rival.scores.drop(columns="any").reindex(day.index), drawn["side"])
    drawn["reasons"] = reasons(drawn, hazards, slots, config.selection.objective, rival.version if rival else "")
    return SelectionResult(
        frame=drawn[list(_PUBLISHED)],
        exam_probabilities=done.chances,
        slots=done.slots,
        exam_slots=done.exam_slots,
        unmet=_unmet(drawn, done.why),
        rule_report=matches.report,
        disputed=_disputed(drawn),
        carried=done.carried,
        expected_finds=finds,
        expected_harm_usd=harm_found,
    )


def _asking(hazards: pd.DataFrame, theirs: pd.DataFrame, side: pd.Series[str]) -> pd.DataFrame:
    """The hazard probabilities of the model that asks for the shipment: the challenger's for its disputed picks."""
    names = hazards.columns.union(theirs.columns)
    return hazards.reindex(columns=names).mask(side == "challenger", theirs.reindex(columns=names))


def _disputed(drawn: pd.DataFrame) -> tuple[Dispute, ...]:
    pairs = drawn[drawn["pair"] > 0].rename_axis("shipment_id").reset_index()
    sides = pairs.pivot(index=["port", "pair"], columns="side", values="shipment_id").sort_index().reset_index()
    won = pairs[pairs["arm"] == "risk"].set_index(["port", "pair"])["side"]
    return tuple(
        Dispute(row["port"], row["pair"], row["champion"], row["challenger"], won[row["port"], row["pair"]])
        for row in sides.to_dict("records")
    )


def _expected(scores: pd.DataFrame, harm: pd.DataFrame | None, exam: pd.Series[int]) -> tuple[float, float | None]:
    """What the exams given are expected to find: cases, and USD of harm; None = harm is not known."""
    given = np.asarray(exam, dtype=np.int64)
    finds = total(expected_finds(scores).to_numpy(), given)
    if harm is None:
        return finds, None
    return finds, total(expected_harm_found(harm.reindex(scores.index)).to_numpy(), given)


def _worth(
    risk: pd.Series[float],
    credit: pd.Series[float],
    hazards: pd.DataFrame,
    harm: pd.DataFrame | None,
    config: Config,
) -> pd.DataFrame:
    """Worth of each exam for the configured objective, at the risk that the credit leaves."""
    risk = risk.reindex(credit.index)
    left = (risk - credit).clip(lower=0.0)
    # Expected harm is a chance times USD: what is taken off the chance is taken off the harm alike.
    share = (left / risk.where(risk > 0)).fillna(1.0)
    harm = None if harm is None else harm.reindex(credit.index).mul(share, axis="index")
    return exam_values(hazards.assign(any=left), harm, config.selection, config.exams)


def _rival_worth(rival: Rival | None, tier: pd.Series[float], config: Config) -> pd.DataFrame | None:
    if rival is None:
        return None
    scores = rival.scores.reindex(tier.index)
    credit = programme_credit(scores["any"], tier, config.selection)
    return _worth(scores["any"], credit, scores.drop(columns="any"), rival.harm, config)


def _with_threshold(scored: pd.DataFrame, credit: pd.Series[float], config: Config) -> pd.DataFrame:
    """Adds programme_credit, and the threshold's own rule where no other matched and the risk reaches it."""
    risk, threshold = scored["any"] - credit, config.selection.high_risk_threshold
    high = (risk >= threshold) & scored["rule_id"].isna()
    return scored.assign(
        programme_credit=credit,
        rule_id=scored["rule_id"].mask(high, THRESHOLD_RULE),
        reason=scored["reason"].mask(high, f"the risk reaches the threshold of {threshold:g}"),
    )


def _unmet(drawn: pd.DataFrame, why: dict[str, str]) -> tuple[Unmet, ...]:
    missed = drawn[drawn["rule_id"].notna() & (drawn["must"] != drawn["exam_type"])]
    return tuple(_missed(row, why) for row in missed.sort_values(["port", "priority"]).itertuples())


def _missed(row: Any, why: dict[str, str]) -> Unmet:  # noqa: ANN401 - a named tuple of pandas, opaque to the checker
    given = None if row.arm == "none" else row.exam_type
    return Unmet(row.Index, row.port, row.rule_id, row.must, given, why[row.Index])


def _check(day: pd.DataFrame, hazards: pd.DataFrame, rules: pd.DataFrame, rival: Rival | None) -> None:
    """Refuse what would rank wrongly or lose a shipment in silence."""
    _refuse(day.index[day.index.duplicated()], "shipments named twice")
    for name, other in (("hazards", hazards), ("matches", rules)):
        _refuse(day.index.symmetric_difference(other.index), f"shipments not in both day and {name}")
    _refuse(day.index[day["port"].isna()], "shipments without a port")
    _refuse(day.index[~day["any"].between(0, 1)], "risk is null or no probability")
    _refuse(hazards.columns.difference(list(reference.hazards())), "unknown hazards")
    if rival:
        theirs = rival.scores
        _refuse(day.index.symmetric_difference(theirs.index), "shipments not in both day and the challenger's scores")
        _refuse(theirs.index[~theirs["any"].between(0, 1)], "the challenger's risk is null or no probability")


def _refuse(faulty: pd.Index[str], what: str) -> None:
    if len(faulty):
        shown = ", ".join(map(str, faulty[:_SHOWN]))
        raise RunError(f"{what}: {len(faulty)}, as {shown}", where="selection")
