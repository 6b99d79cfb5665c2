"""Labels from exam outcomes: what an exam could see and did not find is clear, the rest is unlabelled.

An unexamined shipment is never a negative. Only outcomes known at the caller's cut-off may come in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore import reference

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]

ANY = "any"
"""Name of the target "any hazard was found"."""

POLICY = (
    "positive: a result names the hazard; "
    "negative: a concluded exam that can see the hazard did not find it; "
    "unlabelled: not examined, waived, not visible to the exam, detained, or a hit that names no hazard; "
    "`any` is 0 where a concluded exam found nothing, whatever it could see; "
    "left out: cargo never arrived, bill deleted, scored after release"
)
"""The label policy in a sentence, recorded with every model."""


def weight_column(target: str) -> str:
    """The column of a label frame that holds a target's weights.

    >>> weight_column("any"), weight_column("ipr")
    ('weight', 'weight_ipr')
    """
    return "weight" if target == ANY else f"weight_{target}"


def targets() -> tuple[str, ...]:
    """The columns a label frame holds: `any`, then the learned hazards in the order of reference/hazards.csv.

    >>> targets()[:3]
    ('any', 'narcotics', 'ipr')
    """
    return (ANY, *reference.learned_hazards())


def label(
    outcomes: pd.DataFrame,
    deleted: Collection[str] = (),
    *,
    chances: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Turn exam outcomes into labels, one row per shipment that has at least one.

    The rules are those of reference/outcomes.csv and reference/exam_visibility.csv. An exam that is not
    stated or not in the visibility table clears nothing, and where it leaves a doubt, the doubt is about
    every hazard.

    Args:
        outcomes: rows of `riskscore.tables.OUTCOMES` as known at the cut-off: the latest row per key. Reads
            shipment_id, exam_type, result, hazard, inclusion_probability and, where it is there, known_at.
        deleted: shipments whose bill was withdrawn: they get no labels, whatever their outcomes say.
        chances: what the recorded design gave each shipment: indexed by shipment_id (unique), one column per exam of
            `reference.exams()` with its chance; other columns and shipments are not read. None = nothing recorded.

    Returns:
        A frame indexed by shipment_id, ascending. Columns, all float64 unless said otherwise:

        - `any` and one per learned hazard: 1.0 confirmed, 0.0 cleared, NaN unlabelled;
        - `weight`, of `any`: 1 / inclusion probability of the exam; 1.0 where it is unknown. A shipment examined
          more than once counts with its highest known probability, and a probability of 0 is unknown: the design
          would not have examined it, so something else did;
        - `weight_<hazard>`: 1 / chance of an exam that can see the hazard, from `chances`; where they say nothing
          of the shipment, or 0, as `weight`. Training clips weights, labels do not;
        - `uncorrected` (bool): no inclusion probability is known;
        - `known_at` (timestamp): when the last of its results became known; only where `outcomes` say it.

    >>> rows = pd.DataFrame(
    ...     {
    ...         "shipment_id": ["A", "A", "B"],
    ...         "exam_type": ["nii", "intensive", None],
    ...         "result": ["released_no_discrepancy", "seized", "not_examined"],
    ...         "hazard": [None, "ipr", None],
    ...         "inclusion_probability": [None, 0.25, None],
    ...     }
    ... )
    >>> label(rows)[["any", "narcotics", "ipr", "forced_labour", "weight", "uncorrected"]]
                 any  narcotics  ipr  forced_labour  weight  uncorrected
    shipment_id
    A            1.0        0.0  1.0            NaN     4.0        False
    """
    left_out = set(outcomes.loc[outcomes["result"].isin(reference.EXCLUDED), "shipment_id"]) | set(deleted)
    telling = ~outcomes["result"].isin(reference.UNLABELLED) & ~outcomes["shipment_id"].isin(left_out)
    rows = outcomes.loc[telling].sort_values("shipment_id", kind="stable")
    starts, shipments = _groups(rows["shipment_id"])
    facts = _Facts(rows, starts)
    labels = pd.DataFrame(facts.labels(), index=shipments, columns=list(targets()))
    labels["weight"], labels["uncorrected"] = _weights(rows, starts)
    for hazard, weight in _hazard_weights(shipments, labels["weight"], chances).items():
        labels[weight_column(hazard)] = weight
    if "known_at" in rows:
        labels["known_at"] = rows.groupby("shipment_id")["known_at"].max().reindex(shipments)
    return labels[labels[list(targets())].notna().any(axis=1)]


class _Facts:
    """Outcome rows as boolean matrices: one row per outcome, one column per hazard (all 14)."""

    def __init__(self, rows: pd.DataFrame, starts: NDArray[np.intp]) -> None:
        self.starts = starts
        result, hazard = rows["result"], rows["hazard"]
        self.clear = result.isin(reference.CLEAR).to_numpy()
        self.positive = result.isin(reference.POSITIVE).to_numpy()
        self.pending = result.isin(reference.PENDING).to_numpy()
        code = _codes(hazard, reference.hazards())
        self.unnamed = code < 0
        self.names = code[:, None] == np.arange(len(reference.hazards()))
        self.sees, self.may_see = _visibility(rows["exam_type"])

    def labels(self) -> NDArray[np.float64]:
        """Matrix of shipments x `targets()`."""
        hazard = self._hazards()
        learned = [reference.hazards().index(name) for name in reference.learned_hazards()]
        return np.column_stack([self._any(), hazard[:, learned]])

    def _per_shipment(self, flags: Flags) -> Flags:
        if not len(self.starts):
            return np.zeros((0, *flags.shape[1:]), dtype=bool)
        return np.asarray(np.logical_or.reduceat(flags, self.starts, axis=0))

    def _concluded(self) -> Flags:
        """Rows x hazards that the row clears: a clear result, or a hit that names another hazard."""
        clear = self.clear[:, None] & (self.unnamed[:, None] | self.names)
        other_hit = (self.positive & ~self.unnamed)[:, None] & ~self.names
        return np.asarray(self.sees & (clear | other_hit))

    def _hazards(self) -> NDArray[np.float64]:
        named_clear = self._per_shipment(self.sees & self.clear[:, None] & self.names)
        nameless_hit = self._per_shipment((self.positive & self.unnamed)[:, None] & self.may_see)
        pending = self.pending[:, None] & (self.names | (self.unnamed[:, None] & self.may_see))
        return _decide(
            positive=self._per_shipment(self.positive[:, None] & self.names),
            doubt=self._per_shipment(pending) | (nameless_hit & ~named_clear),
            cleared=self._per_shipment(self._concluded()),
        )

    def _any(self) -> NDArray[np.float64]:
        return _decide(
            positive=self._per_shipment(self.positive),
            doubt=self._per_shipment(self.pending),
            cleared=self._per_shipment(np.asarray(self._concluded().any(axis=1))),
        )


def _decide(positive: Flags, doubt: Flags, cleared: Flags) -> NDArray[np.float64]:
    return np.where(positive, 1.0, np.where(cleared & ~doubt, 0.0, np.nan))


def _groups(shipment_id: pd.Series) -> tuple[NDArray[np.intp], pd.Index]:
    """First position of each shipment in rows sorted by shipment, and the shipments."""
    first = ~shipment_id.duplicated().to_numpy()
    return np.flatnonzero(first), pd.Index(shipment_id[first], name="shipment_id")


def _codes(names: pd.Series, known: tuple[str, ...]) -> NDArray[np.intp]:
    """Position of each name in `known`; -1 for null or a name that is not there."""
    return pd.Index(known, dtype=object).get_indexer(pd.Index(names.astype(object)))


def _visibility(exam_type: pd.Series) -> tuple[Flags, Flags]:
    """Rows x hazards: what the exam can see, and what it might have seen (everything, if it is unknown)."""
    exams, hazards, sensitivity = reference.exams(), reference.hazards(), reference.sensitivity()
    table = np.array([[sensitivity[exam, hazard] > 0 for hazard in hazards] for exam in exams])
    unknown = np.zeros((1, len(hazards)), dtype=bool)
    codes = _codes(exam_type, exams)  # -1, the last row, is the unknown exam
    return np.vstack([table, unknown])[codes], np.vstack([table, ~unknown])[codes]


def _weights(rows: pd.DataFrame, starts: NDArray[np.intp]) -> tuple[NDArray[np.float64], Flags]:
    chance = rows["inclusion_probability"].to_numpy(dtype=np.float64, na_value=np.nan)
    known = np.where(chance > 0, chance, 0.0)
    highest = np.maximum.reduceat(known, starts) if len(starts) else known
    uncorrected = highest == 0
    return 1 / np.where(uncorrected, 1.0, highest), uncorrected


def _hazard_weights(shipments: pd.Index, weight: pd.Series, chances: pd.DataFrame | None) -> dict[str, pd.Series]:
    """Weights per learned hazard, by the chance of any exam that can see it."""
    hazards = reference.learned_hazards()
    if chances is None:
        return dict.fromkeys(hazards, weight)
    exams, sensitivity = reference.exams(), reference.sensitivity()
    given = chances[list(exams)].reindex(shipments).to_numpy(dtype=np.float64, na_value=np.nan)
    sees = np.array([[sensitivity[exam, hazard] > 0 for hazard in hazards] for exam in exams], dtype=np.float64)
    # Added exam by exam: a matrix product may add in another order on another machine.
    seen = sum(given[:, [at]] * sees[at] for at in range(len(exams)))
    known = np.isfinite(seen) & (seen > 0)
    weights = np.where(known, 1 / np.where(known, np.minimum(seen, 1.0), 1.0), weight.to_numpy()[:, None])
    return {hazard: pd.Series(weights[:, at], index=shipments) for at, hazard in enumerate(hazards)}
