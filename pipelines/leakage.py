"""Leakage checks: the past must not depend on the future.

A model that was told in training what nobody could know on the morning looks good in every backtest (a label-delay
leak moved the figures of one by 0.003) and is wrong in use. So nothing is inferred from figures. The ledger is copied,
the copy is cut back to what a morning knew, or altered after it, and everything is made again: it must come out
the same to the last bit.

- **future permutation**: features of shipments that arrived before a cut, with the later facts altered, and without
  them, equal those made from the whole ledger;
- **training equals scoring**: features as training replays them equal those that the daily job makes from a ledger that
  ends on that very morning;
- **labels**: as read from the whole ledger and from one that ends at the cut-off, they are the same;
- **labels of the model**: those that the model says it learned from are the ones that the rules give;
- **builders can be checked**: a builder that carries data shows the same whatever is cut away.

Shuffled labels, the remaining check, needs a training and is made by the backtest.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from riskscore import config, features
from riskscore.frames import as_frame, epoch_days
from riskscore.ledger import live_on
from riskscore.models.gate import Finding
from riskscore.models.labels_digest import labels_digest
from riskscore.pipelines import train
from riskscore.pipelines.past import Past
from riskscore.pipelines.truncation import Scratch, configured, scratch_copy
from riskscore.tables import SHIPMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from riskscore.features import FeatureBuilder
    from riskscore.ledger import Ledger
    from riskscore.workspace import Workspace

    Report = Callable[[str, int, int], None]
    BuilderMaker = Callable[[Workspace, Ledger], Sequence[FeatureBuilder]]
    Builders = Sequence[FeatureBuilder] | BuilderMaker | None

SHARES = (0.25, 0.6, 1.0)
"""Where in the examined days the mornings lie on which training is held against scoring: early, later, and the last."""

SAMPLE = 300
"""Shipments per comparison. A leak that touches one row in 100 is missed by 300 of them once in 20 times, by those of
three mornings once in 8,000."""

_EPOCH = date(1970, 1, 1)
_PLAIN = (str, int, float, bool, tuple, frozenset, type(None))


@dataclass(frozen=True)
class _Whole:
    """The whole ledger at a position, and what training reads of it.

    Attributes:
        shipments: all labelled ones, by (arrival, shipment_id).
        labels: of them.
    """

    workspace: Workspace
    ledger: Ledger
    builders: Builders
    as_of: date
    position: int
    shipments: pd.DataFrame
    labels: pd.DataFrame

    def mornings(self) -> list[date]:
        """Days on which labelled shipments arrived, at `SHARES` of all such days, ascending."""
        days = np.unique(epoch_days(self.shipments["arrival_date"]))
        chosen = {int(days[round(share * (len(days) - 1))]) for share in SHARES} if len(days) else set()
        return [_EPOCH + timedelta(day) for day in sorted(chosen)]

    def arriving(self, morning: date) -> pd.DataFrame:
        """At most `SAMPLE` shipments arriving on `morning`, the labelled ones as training reads them first."""
        labelled = self.shipments[self.shipments["arrival_date"] == pd.Timestamp(morning)]
        live = _live(self.ledger, morning, self.position)
        return pd.concat([labelled, live[~live.index.isin(labelled.index)]]).iloc[:SAMPLE]

    def before(self, morning: date) -> pd.DataFrame:
        """Labelled shipments from all days before `morning`, and the newest of them: they lie next to the future."""
        earlier = self.shipments[self.shipments["arrival_date"] < pd.Timestamp(morning)]
        spread = np.linspace(0, len(earlier) - 1, min(len(earlier), SAMPLE // 2)).astype(np.int64)
        newest = np.arange(max(0, len(earlier) - SAMPLE // 2), len(earlier))
        return earlier.iloc[np.unique(np.concatenate([spread, newest]))]


def check(
    workspace: Workspace,
    as_of: date,
    builders: Builders = None,
    report: Report | None = None,
    *,
    ledger: Ledger | None = None,
    position: int | None = None,
    training: Mapping[str, Any] | None = None,
) -> tuple[Finding, ...]:
    """Check that what a model learns before the morning of `as_of` does not depend on anything later.

    The ledger is copied once, in the system's temporary folder, and the history folded six times.

    Args:
        workspace: where the history is.
        as_of: the morning before which all facts that may be learned from were known.
        builders: the feature builders; None = riskscore's own. Builders that carry what they have read somewhere
            are given as a function of workspace and ledger that makes them: it is called for the whole ledger and for
            each one cut back.
        report: called with stage, steps done, steps in all.
        ledger: the ledger, when it is open already.
        position: ledger position to read at; default: the end.
        training: a model's training manifest, to hold its labels against the rules; None = there is no model yet.

    Returns:
        What was found, one per check; `passed` is false where there was too little to check.
    """
    workspace = as_trained(workspace, training or {})
    with nullcontext(ledger) if ledger else workspace.ledger(read_only=True) as opened:
        at = opened.position if position is None else position
        shipments, labels = train.read_labelled(workspace, opened, as_of, at)
        order = np.lexsort((shipments.index.to_numpy(dtype=object), epoch_days(shipments["arrival_date"])))
        whole = _Whole(workspace, opened, builders, as_of, at, shipments.iloc[order], labels)
        found = [_rebuildable(builders), *_on_copies(whole, report)]
        return tuple([*found, _of_model(whole, training)] if training is not None else found)


def as_trained(workspace: Workspace, training: Mapping[str, Any]) -> Workspace:
    """The workspace under the settings that a model was trained with: they too decide which labels there are.

    Args:
        workspace: as it is configured now.
        training: a training manifest; settings that it does not name are those of now.
    """
    settings = config.Model.model_fields.keys() & dict(training.get("settings", {}))
    recorded = workspace.config.model.model_dump() | {name: training["settings"][name] for name in settings}
    model = config.Model.model_validate(recorded)
    return configured(workspace.root, workspace.threads, workspace.config.model_copy(update={"model": model}))


def _on_copies(whole: _Whole, report: Report | None) -> Iterator[Finding]:
    mornings = whole.mornings()
    if len(mornings) < len(SHARES):
        yield Finding("future permutation", False, f"labelled shipments arrived on {len(mornings)} days only")
        return
    middle = mornings[1]
    step = _steps(report, 4 + len(mornings))
    step("replaying features")
    asked = pd.concat([whole.before(middle), *(whole.arriving(morning) for morning in mornings)])
    asked = asked[~asked.index.duplicated()]
    trained = _replayed(whole.workspace, whole.ledger, whole, asked, whole.as_of)
    step("copying the ledger")
    with scratch_copy(whole.workspace, whole.ledger, whole.position) as scratch:
        scratch.cut(whole.as_of)
        yield _labels(whole, scratch, whole.as_of)
        served = []
        for morning in reversed(mornings):
            if morning == middle:
                step("altering the future")
                yield _altered(whole, scratch, morning, trained)
            step(f"scoring the morning of {morning.isoformat()} again")
            scratch.cut(morning)
            served.append(_served(whole, scratch, morning, trained))
            if morning == middle:
                step("forgetting the future")
                yield _forgotten(whole, scratch, morning, trained)
                yield _labels(whole, scratch, morning)
        yield Finding("training equals scoring", not any(served), next(filter(None, served), _days(mornings)))


def _altered(whole: _Whole, scratch: Scratch, morning: date, trained: pd.DataFrame) -> Finding:
    changed = scratch.alter(morning)
    sample = whole.before(morning)
    what = _difference(trained, _replayed(scratch.workspace, scratch.ledger, whole, sample, morning))
    done = f"{len(sample)} shipments that arrived before {morning.isoformat()}, {changed:,} later facts altered"
    return Finding("future permutation: later facts altered", not what and changed > 0, what or done)


def _forgotten(whole: _Whole, scratch: Scratch, morning: date, trained: pd.DataFrame) -> Finding:
    sample = whole.before(morning)
    what = _difference(trained, _replayed(scratch.workspace, scratch.ledger, whole, sample, morning))
    done = f"{len(sample)} shipments, from a ledger that ends on {morning.isoformat()}"
    return Finding("future permutation: later facts forgotten", not what, what or done)


def _served(whole: _Whole, scratch: Scratch, morning: date, trained: pd.DataFrame) -> str:
    """How the features of a morning as training has them differ from those the daily job makes; empty = not at all."""
    sample = whole.arriving(morning)
    live = _live(scratch.ledger, morning, whole.position)
    if absent := sorted(set(sample.index) - set(live.index)):
        return f"{len(absent)} shipments that training reads were not live on {morning.isoformat()}, first {absent[0]}"
    rows = live.loc[sample.index]
    columns = [name for name in SHIPMENTS.names if name in rows]
    if what := _difference(sample[columns], rows[columns]):
        return f"filings of {morning.isoformat()}: {what}"
    past = _past(scratch.workspace, scratch.ledger, whole)
    made = past.build(rows, past.of_morning(rows, morning, whole.position, crowd=live))
    return _difference(trained, made)


def _live(ledger: Ledger, morning: date, position: int) -> pd.DataFrame:
    found = as_frame(live_on(ledger.connection, morning, position), index="shipment_id")
    return found[found["action"] != "deleted"]


def _labels(whole: _Whole, scratch: Scratch, as_of: date) -> Finding:
    expected = train.read_labelled(scratch.workspace, scratch.ledger, as_of, whole.position)
    found = train.read_labelled(whole.workspace, whole.ledger, as_of, whole.position)
    same = all(mine.equals(theirs) for mine, theirs in zip(found, expected, strict=True))
    rows = f"{len(found[1]):,} labelled shipments as of {as_of.isoformat()}"
    late = f"{rows}, {len(expected[1]):,} from a ledger that ends then: some rest on facts that were not known"
    return Finding(f"labels as of {as_of.isoformat()}", same, rows if same else late)


def _of_model(whole: _Whole, training: Mapping[str, Any]) -> Finding:
    """Whether the labels a model learned from are those that were known before its as-of day."""
    name, recorded, latest = "labels of the model", training.get("labels_digest"), training.get("latest_known")
    if recorded is None:
        return Finding(name, False, "the model does not say which labels it learned from; train again")
    if latest is not None and date.fromisoformat(latest) >= whole.as_of:
        return Finding(name, False, f"a label became known on {latest}, the model's as-of is {whole.as_of.isoformat()}")
    if recorded != labels_digest(whole.labels):
        return Finding(name, False, f"they are not the {len(whole.labels):,} that were known before {whole.as_of}")
    return Finding(name, True, f"{len(whole.labels):,} labelled shipments, digest {recorded[:12]}")


def _rebuildable(builders: Builders) -> Finding:
    """A builder of another's that carries data cannot be made again from a ledger that knows less."""
    name = "builders can be checked"
    if builders is None or callable(builders):
        return Finding(name, True, "made anew from each ledger")
    own = [each for each in builders if not type(each).__module__.startswith("riskscore.features.")]
    carrying = [
        each.name for each in own if not all(isinstance(v, _PLAIN) for v in getattr(each, "__dict__", {}).values())
    ]
    if carrying:
        what = f"{', '.join(carrying)} carries data: give a function of workspace and ledger that makes the builders"
        return Finding(name, False, what)
    return Finding(name, True, f"{len(own)} beside riskscore's own, carrying no data")


def _past(workspace: Workspace, ledger: Ledger, whole: _Whole) -> Past:
    made = whole.builders(workspace, ledger) if callable(whole.builders) else whole.builders
    return Past(workspace, ledger, made)


def _replayed(workspace: Workspace, ledger: Ledger, whole: _Whole, sample: pd.DataFrame, as_of: date) -> pd.DataFrame:
    past = _past(workspace, ledger, whole)
    return past.build(sample, past.of_replay(sample, as_of, whole.position))


def _difference(expected: pd.DataFrame, found: pd.DataFrame) -> str:
    """Where `found` differs from the same rows of `expected`, null equal to null; empty when nowhere."""
    held = expected.loc[found.index]
    same = (held == found) | (held.isna() & found.isna())
    columns = [str(name) for name in found.columns if not same[name].all()]
    if not columns:
        return ""
    rows = int((~same.all(axis=1)).sum())
    more = f" and {len(columns) - 3} more" if len(columns) > 3 else ""
    return f"{rows} of {len(found)} shipments differ in {', '.join(columns[:3])}{more}"


def _days(mornings: Sequence[date]) -> str:
    return f"the mornings of {', '.join(day.isoformat() for day in mornings)}"


def _steps(report: Report | None, total: int) -> Callable[[str], None]:
    done = iter(range(total))
    return lambda stage: report(f"leakage: {stage}", next(done), total) if report else None


def catalogue_hash(workspace: Workspace, ledger: Ledger, builders: Builders = None) -> str:
    """The feature hash of the builders in use, as a model trained now would have it."""
    from riskscore.models import feature_hash

    own = builders(workspace, ledger) if callable(builders) else builders
    catalogue = features.catalogue(features.standard(workspace.tables) if own is None else own)
    return feature_hash([each.name for each in catalogue], [each.name for each in catalogue if each.categorical])
