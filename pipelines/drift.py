"""Does the random floor find more than the scores foretold? Then it is drawn larger, until it does not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from riskscore import models
from riskscore.frames import as_frame
from riskscore.ledger.picks import picks_of
from riskscore.selection.drift import drifted

if TYPE_CHECKING:
    from datetime import date

    import duckdb

    from riskscore.config import Config

WINDOW_DAYS = 91
"""Days of random exams that are looked at: results come one to seven weeks late, so fewer would hold hardly any."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What recent random exams found, against what their scores foretold.

    Attributes:
        exams: random exams with a result that tells.
        found: of them, those that found anything.
        expected: sum of their scores.
        drifted: more was found than the scores foretold (riskscore.selection.drift).
    """

    exams: int
    found: int
    expected: float
    drifted: bool

    def as_record(self) -> dict[str, Any]:
        """As the run record keeps it."""
        return asdict(self)


def recent_drift(connection: duckdb.DuckDBPyConnection, day: date, position: int) -> Drift:
    """Drift as known on the morning of `day`.

    An exam whose result is not known, or was not recorded, says nothing. Clear results come sooner than finds, so the
    newest exams speak too well of the scores: the test is slow rather than hasty.
    """
    picks, outcomes = picks_of(connection, "random_floor", day - timedelta(days=WINDOW_DAYS), day, position)
    scores = as_frame(picks, index="shipment_id")["risk_score"]
    labels = models.label(as_frame(outcomes))["any"].dropna()
    found, expected = int(labels.sum()), float(scores.reindex(labels.index).sum())
    return Drift(len(labels), found, round(expected, 6), drifted(found, expected))


def widened(config: Config, drift: Drift) -> Config:
    """The configuration with the floor of a day on which the trade has moved: never smaller than configured."""
    if not drift.drifted:
        return config
    floor = max(config.selection.floor_share, config.selection.drift_floor_share)
    selection = config.selection.model_copy(update={"floor_share": floor})
    return config.model_copy(update={"selection": selection})
