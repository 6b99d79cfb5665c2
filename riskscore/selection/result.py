"""What a day's selection gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from riskscore.selection.carry_over import Carried
    from riskscore.selection.rules import RuleReport
    from riskscore.selection.trial import Dispute


@dataclass(frozen=True, slots=True)
class Unmet:
    """A must-exam match that did not get the exam its rule names."""

    shipment_id: str
    port: str
    rule_id: str
    exam: str
    """The exam the rule asks for."""
    given: str | None
    """The exam it got instead, drawn at random or by its worth; null = none at all."""
    why: str
    """The limit that binds, in words."""


@dataclass(frozen=True, slots=True)
class SelectionResult:
    """What to examine today, and what the design could not do."""

    frame: pd.DataFrame
    """Index shipment_id, in the order of the input. Columns: recommendation (examine | release), exam_type
    (null = release), arm, rule_id (the rule matched, whatever the arm; null = none),
    inclusion_probability, programme_credit (what trust took off the risk, a probability), stratum (of the random
    floor, one of STRATA), priority (int64, 1 = first per port: must-exams, risks, random and novelty picks, then those
    passed over, each in ranking order), reasons (list of one `reasons.Reason`)."""
    exam_probabilities: pd.DataFrame
    """Same index; one float column per exam in the order of reference.exams(): the chance that this design
    gives it; a row sums to inclusion_probability."""
    slots: pd.DataFrame
    """Per port arrivals, capacity and used slots, see `capacity.slots_per_port`; used = exams given."""
    exam_slots: pd.DataFrame
    """Per port and exam (index port, exam) how many the port can hold (`capacity`) and how many are `used`."""
    unmet: tuple[Unmet, ...]
    """Must-exam matches that did not get their rule's exam, by port and priority."""
    rule_report: tuple[RuleReport, ...]
    """How each rule fared, in configuration order."""
    disputed: tuple[Dispute, ...] = ()
    """The slots that champion and challenger were tossed for, by port and pair; none without a trial."""
    expected_finds: float = 0.0
    """Expected number of exams that find anything, by the scores, whatever the objective."""
    expected_harm_usd: float | None = None
    """Expected harm that the exams find, in USD, whatever the objective; None = not known."""
    carried: tuple[Carried, ...] = ()
    """Must-exams of earlier days that are held today: they took slots that `slots` and `exam_slots` do not show as
    used, and are no part of `frame`."""

    @property
    def ports_without_capacity(self) -> tuple[str, ...]:
        """Ports with arrivals and no slots, sorted: their shipments have inclusion probability 0.

        They stand outside every estimate.
        """
        return tuple(self.slots.index[self.slots["capacity"] == 0])
