"""The day's selection: rules, capacity, design and exams put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from riskscore import reference
from riskscore.errors import RunError
from riskscore.selection.capacity import slots_per_port
from riskscore.selection.design import ARM_ORDER, Design, Draw, draw
from riskscore.selection.exams import best_exam, exam_probabilities
from riskscore.selection.lottery import Lottery
from riskscore.selection.reasons import reasons
from riskscore.selection.trial import Dispute, Rival

if TYPE_CHECKING:
    from datetime import date

    from riskscore.config import Capacity, Selection
    from riskscore.selection.rules import Matches, RuleReport

_PUBLISHED = (
    "recommendation",
    "exam_type",
    "arm",
    "rule_id",
    "inclusion_probability",
    "priority",
    "reasons",
)

_DRAWN = {
    "arm": "int64",
    "rank": "int64",
    "rival_rank": "int64",
    "pair": "int64",
    "priority": "int64",
    "by_ranking": "float64",
    "by_challenger": "float64",
    "by_floor": "float64",
}
"""Fields of a Draw, by dtype."""

_SHOWN = 5
"""Shipments named in an error: enough to find the fault, short enough for one line."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """A must-exam match that did not get the exam its rule names."""

    shipment_id: str
    port: str
    rule_id: str
    exam: str
    """The exam the rule asks for."""
    given: str | None
    """The exam a random pick gave it instead; null = none at all."""


@dataclass(frozen=True, slots=True)
class SelectionResult:
    """What to examine today, and what the design could not do."""

    frame: pd.DataFrame
    """Index shipment_id, in the order of the input. Columns: recommendation (examine | release), exam_type
    (null = release), arm, rule_id (the rule matched, whatever the arm; null = none),
    inclusion_probability, priority (int64, 1 = first per port: must-exams, risks and random picks, then
    those passed over, each in ranking order), reasons (list of one `reasons.Reason`)."""
    exam_probabilities: pd.DataFrame
    """Same index; one float column per exam in the order of reference.exams(): the chance that this design
    gives it; a row sums to inclusion_probability."""
    slots: pd.DataFrame
    """Per port arrivals, capacity and used slots, see `capacity.slots_per_port`."""
    unmet: tuple[Unmet, ...]
    """Must-exam matches that did not get their rule's exam, by port and priority."""
    rule_report: tuple[RuleReport, ...]
    """How each rule fared, in configuration order."""
    disputed: tuple[Dispute, ...] = ()
    """The slots that champion and challenger were tossed for, by port and pair; none without a trial."""

    @property
    def ports_without_capacity(self) -> tuple[str, ...]:
        """Ports with arrivals and no slots, sorted: their shipments have inclusion probability 0.

        They stand outside every estimate.
        """
        return tuple(self.slots.index[self.slots["capacity"] == 0])


def select(
    day: pd.DataFrame,
    hazards: pd.DataFrame,
    matches: Matches,
    capacity: Capacity,
    settings: Selection,
    run_date: date,
    rival: Rival | None = None,
) -> SelectionResult:
    """Choose the day's exams. Deterministic; independent of row order; each port is on its own.

    Args:
        day: index shipment_id (unique text); columns port (text) and any (calibrated probability of any
            hazard), neither with nulls.
        hazards: same shipments; probability per learned hazard; NaN = no model.
        matches: the must-exam rules matched, same shipments.
        capacity: the [capacity] section of riskscore.toml.
        settings: the [selection] section of riskscore.toml.
        run_date: the day scored; with the seed it fixes every random draw.
        rival: the model on trial, same shipments: where it and `day` disagree about a ranked slot, a fair toss decides
            (see `riskscore.selection.trial`), and the exam is the one that the winner would order. None = no trial.

    Raises:
        RunError: the frames speak of different shipments or name one twice, a port or probability is null
            or out of range, or a hazard column is unknown.

    >>> from datetime import date
    >>> from riskscore.config import Capacity, Selection
    >>> from riskscore.selection import match
    >>> day = pd.DataFrame({"port": "2704", "any": [0.02, 0.31, 0.11]}, index=["S1", "S2", "S3"])
    >>> hazards = pd.DataFrame({"undervaluation": [0.01, 0.3, 0.1]}, index=day.index)
    >>> rules = match((), day, date(2026, 3, 2))
    >>> slots = Capacity(ports={"2704": 1})
    >>> result = select(day, hazards, rules, slots, Selection(), date(2026, 3, 2))
    >>> result.frame[["recommendation", "exam_type", "arm", "inclusion_probability", "priority"]].round(3)
       recommendation exam_type   arm  inclusion_probability  priority
    S1        release       NaN  none                  0.033         3
    S2        examine  document  risk                  0.933         1
    S3        release       NaN  none                  0.033         2
    >>> result.frame.at["S2", "reasons"][0]["text"]
    'risk score 0.310, rank 1 of 3 at port 2704; most likely undervaluation'
    """
    _check(day, hazards, matches.frame, rival)
    hazards = hazards.reindex(day.index)
    scored = day[["port", "any"]].join(matches.frame.reindex(day.index))
    scored["rival_any"] = rival.scores["any"] if rival else day["any"]
    slots = slots_per_port(capacity, day["port"])
    drawn = _draw_ports(scored, slots, settings, run_date)
    drawn["ranking_exam"] = drawn["exam"].fillna(best_exam(hazards, settings.floor_exam))
    drawn["side"] = _side(drawn)
    exams = [(drawn["ranking_exam"], "by_ranking")]
    if rival:
        theirs = rival.scores.drop(columns="any").reindex(day.index)
        exams.append((best_exam(theirs, settings.floor_exam), "by_challenger"))
        hazards = _asking(hazards, theirs, drawn["side"])
    drawn["exam_type"] = _exam_given(drawn, exams[-1][0], settings.floor_exam)
    drawn["reasons"] = reasons(drawn, hazards, slots, rival.version if rival else "")
    chances = _chances(drawn, exams, settings.floor_exam)
    return SelectionResult(drawn[list(_PUBLISHED)], chances, slots, _unmet(drawn), matches.report, _disputed(drawn))


def _chances(drawn: pd.DataFrame, exams: list[tuple[pd.Series[str], str]], floor_exam: str) -> pd.DataFrame:
    """Chance of each exam; `exams` are those of each way through the ranking, and the column of its chance."""
    by_floor = drawn["by_floor"].to_numpy(dtype="float64")
    ways = [(exam, drawn[column].to_numpy(dtype="float64")) for exam, column in exams]
    chances = exam_probabilities(ways[0], (floor_exam, by_floor))
    for way in ways[1:]:
        chances += exam_probabilities(way, (floor_exam, 0 * by_floor))
    return chances


def _side(drawn: pd.DataFrame) -> pd.Series[str]:
    """Whose disputed pick a shipment is: champion, challenger, or null = not disputed."""
    theirs = pd.Series("champion", index=drawn.index, dtype="str").mask(
        drawn["rival_rank"] < drawn["rank"], "challenger"
    )
    return theirs.where(drawn["pair"] > 0)


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


def _draw_ports(scored: pd.DataFrame, slots: pd.DataFrame, settings: Selection, run_date: date) -> pd.DataFrame:
    """Adds the fields of a Draw, inclusion_probability and recommendation."""
    fields = {name: np.zeros(len(scored), dtype=kind) for name, kind in _DRAWN.items()}
    # Drawn in the order of names, so that even equal hashes cannot let the order of rows decide.
    by_name = np.asarray(scored.index.argsort())
    ports = scored["port"].iloc[by_name]
    for port, places in ports.groupby(ports, observed=True).indices.items():
        rows, capacity = by_name[places], int(slots["capacity"][str(port)])
        drawn = _draw_port(scored.iloc[rows], str(port), capacity, settings, run_date)
        for name, values in fields.items():
            values[rows] = getattr(drawn, name)
    table = scored.assign(**fields)
    table["arm"] = pd.array(ARM_ORDER, dtype="str").take(fields["arm"])
    table["inclusion_probability"] = table["by_ranking"] + table["by_challenger"] + table["by_floor"]
    table["recommendation"] = np.where(fields["arm"] < ARM_ORDER.index("none"), "examine", "release")
    return table.astype({"recommendation": "str"})


def _draw_port(scored: pd.DataFrame, port: str, slots: int, settings: Selection, run_date: date) -> Draw:
    return draw(
        scored.index.to_numpy(dtype=object),
        scored["any"].to_numpy(dtype="float64"),
        scored["rule_id"].notna().to_numpy(),
        Design.of(len(scored), slots, settings.floor_share),
        Lottery(settings.seed, run_date, port),
        scored["rival_any"].to_numpy(dtype="float64"),
    )


def _exam_given(drawn: pd.DataFrame, rival_exam: pd.Series[str], floor_exam: str) -> pd.Series[str]:
    given = drawn["ranking_exam"].mask(drawn["side"] == "challenger", rival_exam)
    given = given.mask(drawn["arm"] == "random_floor", floor_exam)
    return given.where(drawn["recommendation"] == "examine")


def _unmet(drawn: pd.DataFrame) -> tuple[Unmet, ...]:
    missed = drawn[drawn["rule_id"].notna() & (drawn["exam"] != drawn["exam_type"])]
    return tuple(map(_missed, missed.sort_values(["port", "priority"]).itertuples()))


def _missed(row: Any) -> Unmet:  # noqa: ANN401 - a named tuple of pandas, opaque to the type checker
    given = None if row.arm == "none" else row.exam_type
    return Unmet(row.Index, row.port, row.rule_id, row.exam, given)


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
