"""What the gate judges by: is the model sound, and how do it and the champion do on days neither has seen?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.errors import ModelError
from riskscore.features.programme import as_days, effective_tier
from riskscore.frames import as_frame, epoch_days
from riskscore.ledger import outcomes_known
from riskscore.models.gate import Evidence, Finding
from riskscore.models.labels import ANY
from riskscore.models.paired import Later
from riskscore.models.segments import SMALL, size_classes
from riskscore.pipelines import leakage, train, trial
from riskscore.pipelines.past import Past
from riskscore.reference import centers
from riskscore.tables import DRAWN_BY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from riskscore.history import History
    from riskscore.ledger import Ledger
    from riskscore.pipelines.leakage import Builders
    from riskscore.pipelines.model_store import LoadedModel
    from riskscore.reference import Tables
    from riskscore.workspace import Workspace

    Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Gatherer:
    """Reads evidence about a model version from an open ledger; writes nothing.

    Attributes:
        workspace: where the history is.
        ledger: its ledger, open.
        builders: the feature builders the model was trained with; see `leakage.check`.
        report: called with stage, steps done, steps in all.
    """

    workspace: Workspace
    ledger: Ledger
    builders: Builders = None
    report: Report | None = None

    def evidence(self, candidate: LoadedModel, champion: LoadedModel | None, without: str = "") -> Evidence:
        """Everything the gate asks for; a model that is not sound is compared with nobody.

        Args:
            candidate: the model to judge.
            champion: the model it is held against; None = there is none, and `without` says so.
            without: why no comparison is asked for.
        """
        findings = tuple(self._findings(candidate))
        if champion is None or without or not all(finding.passed for finding in findings):
            return Evidence(findings, without=without, notes=self._notes(candidate))
        told = trial.evidence(self.ledger, champion.version, candidate.version)
        later, note = self._later(candidate, champion)
        notes = (*self._notes(candidate), *([note] if note else []))
        return Evidence(findings, later=later, trial=told, notes=notes)

    def _findings(self, candidate: LoadedModel) -> Iterator[Finding]:
        stale = (self._same_features(candidate), self._same_reference(candidate))
        yield from stale
        if all(finding.passed for finding in stale):
            position = self._provenance(candidate).get("ledger_position")
            yield from leakage.check(
                self.workspace,
                candidate.as_of,
                self.builders,
                self.report,
                ledger=self.ledger,
                position=position if isinstance(position, int) else None,
                training=candidate.model.training,
            )

    def _same_features(self, candidate: LoadedModel) -> Finding:
        name, now = "features", leakage.catalogue_hash(self.workspace, self.ledger, self.builders)
        if candidate.model.feature_hash == now:
            return Finding(name, True, f"those of today, {len(candidate.model.features)} in all")
        return Finding(name, False, f"not those of today; train again (hash {candidate.model.feature_hash[:12]})")

    def _same_reference(self, candidate: LoadedModel) -> Finding:
        same = self._provenance(candidate).get("reference_digest") == self.workspace.tables.digest()
        what = "those of today" if same else "it learned from features made with others; train again"
        return Finding("reference facts", same, what)

    def _notes(self, candidate: LoadedModel) -> tuple[str, ...]:
        """Settings of training may differ, that is what a challenger is for; the auditor should see which."""
        given, today = candidate.model.training.get("settings", {}), self.workspace.config.model.model_dump(mode="json")
        differing = ", ".join(name for name in today if given.get(name) != today[name])
        if not differing:
            return ()
        return (f"trained under other settings than those under [model] in riskscore.toml today: {differing}",)

    def _provenance(self, candidate: LoadedModel) -> Mapping[str, object]:
        found: Mapping[str, object] = candidate.model.training.get("provenance", {})
        return found

    def _later(self, candidate: LoadedModel, champion: LoadedModel) -> tuple[Later | None, str]:
        """The shipments that neither model has seen, scored by both; and what an auditor should know of them."""
        first, until, position = max(candidate.as_of, champion.as_of), self._until(), self.ledger.position
        shipments, labels = train.read_labelled(self.workspace, self.ledger, until, position)
        labels = labels[labels[ANY].notna() & labels.index.isin(_from(shipments, first).index)]
        if labels.empty:
            return None, f"no result is known of a shipment that arrived on {first.isoformat()} or later"
        shipments = shipments.loc[labels.index]
        builders = self.builders(self.workspace, self.ledger) if callable(self.builders) else self.builders
        past = Past(self.workspace, self.ledger, builders)
        history = past.of_replay(shipments, until, position, self._replaying)
        frame = past.build(shipments, history)
        try:
            scores = [self._scores(model, frame) for model in (champion, candidate)]
        except ModelError as error:
            return None, f"the champion cannot be scored with the features of today ({error.what})"
        weights, uncorrected = labels["weight"].to_numpy(), labels["uncorrected"].to_numpy(dtype=bool)
        later = Later(
            epoch_days(shipments["arrival_date"]).astype(np.int64),
            labels[ANY].to_numpy(),
            weights,
            np.where(uncorrected, np.nan, 1 / weights),
            self._drawn(until, position, labels.index),
            scores[0],
            scores[1],
            dict(_segments(shipments, history, self._days_of_log(shipments), self.workspace.tables)),
        )
        known = (
            f"{int((~uncorrected).sum()):,} of {len(labels):,} later exams have a known chance; the others count once"
        )
        return later, "" if not uncorrected.any() else known

    def _replaying(self, done: int, total: int) -> None:
        if self.report:
            self.report("replaying later days", done, total)

    def _scores(self, model: LoadedModel, frame: pd.DataFrame) -> NDArray[np.float64]:
        names = [feature.name for feature in model.model.features if feature.name in frame]
        return model.model.predict(frame[names], self.workspace.threads)[ANY].to_numpy()

    def _until(self) -> date:
        """The first morning that knows every result and every filing reached so far."""
        newest = [day for day in (self.ledger.last_arrival(), self.ledger.last_outcome()) if day]
        return max(newest) + timedelta(days=1)

    def _drawn(self, until: date, position: int, index: pd.Index) -> NDArray[np.bool_]:
        """Whether a lottery that knew nothing of the risk chose the exam."""
        outcomes = as_frame(outcomes_known(self.ledger.connection, until, position))
        return index.isin(outcomes.loc[outcomes["selected_by"].isin(DRAWN_BY), "shipment_id"])

    def _days_of_log(self, shipments: pd.DataFrame) -> NDArray[np.int64]:
        """Days from the first arrival in the log to each shipment's."""
        [(first,)] = self.ledger.connection.execute("SELECT min(arrival_date) FROM shipments_log").fetchall()
        return np.asarray(epoch_days(shipments["arrival_date"]) - (first - date(1970, 1, 1)).days, dtype=np.int64)


def _from(shipments: pd.DataFrame, first: date) -> pd.DataFrame:
    return shipments[shipments["arrival_date"] >= pd.Timestamp(first)]


def _segments(
    shipments: pd.DataFrame, history: History, days_of_log: NDArray[np.int64], tables: Tables
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Protected segments: the trusted, small importers, modes and Centers; a shipment may be in several."""
    # A member that lost its standing is trusted by nobody: the gate counts tiers as the backtest does.
    tier = effective_tier(history.statuses["importer"], as_days(shipments["arrival_date"]), tables)
    for level in (1, 2, 3):
        yield f"CTPAT tier {level}", np.asarray(tier == level)
    # The mean year of the log so far, which is known without counting again.
    yearly = history.tracks["importer"].count("shipments") * 365 / np.maximum(days_of_log, 1)
    yield "small importers", np.asarray(size_classes(yearly, 365).isin(SMALL))
    for mode in sorted(shipments["mode"].dropna().unique()):
        yield f"mode {mode}", (shipments["mode"] == mode).to_numpy(dtype=bool)
    handled_by = centers.center(shipments["hts"], shipments["arrival_date"], tables=tables)
    for center in sorted({each for each in handled_by if each is not None}):
        yield f"Center {center}", np.asarray(handled_by == center, dtype=bool)
