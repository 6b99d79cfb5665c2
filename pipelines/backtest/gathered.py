"""Features of everything a backtest trains on and scores, replayed once, so that the ledger can be let go.

The population may be larger than memory holds as features, so windows are taken in parts of bounded size, each replayed
on its own. Features of rows to learn from are kept in memory, those of each window in a scratch file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from riskscore.features.programme import as_days, effective_tier
from riskscore.frames import epoch_days
from riskscore.models import segments
from riskscore.pipelines.backtest.rows import imported_before

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from riskscore.ledger import Ledger
    from riskscore.pipelines.backtest.rows import Origin, Rows
    from riskscore.pipelines.past import Past
    from riskscore.workspace import Workspace

    Report = Callable[[str, int, int], None]

PART_ROWS = 250_000
"""Rows replayed together, unless one window has more: about 2 GB (8.8 kB a row with the 378 standard features)."""

GROUPS = ("port", "center", "ctpat_tier", "mode", "importer_size")
"""Columns of live shipments by which figures are split."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What arrived in one window: GROUPS and arrival_date, indexed by shipment_id, and the features beside it."""

    origin: Origin
    live: pd.DataFrame
    file: Path

    def features(self) -> pd.DataFrame:
        """The features of `live`, row by row."""
        return pd.read_parquet(self.file).set_axis(self.live.index)


@dataclass(slots=True)
class Gathered:
    """All that training and scoring need, in the order of the origins."""

    rows: Rows
    windows: list[Arrived] = field(default_factory=list)
    frames: list[pd.DataFrame] = field(default_factory=list)
    numbers: list[NDArray[np.intp]] = field(default_factory=list)

    def keep(self, part: slice, frame: pd.DataFrame) -> None:
        """Keep those of a part's rows that are learned from."""
        useful = np.flatnonzero(self.rows.trained_on[part])
        self.frames.append(frame.iloc[useful])
        self.numbers.append(part.start + useful)

    def sample(self, origin: Origin) -> tuple[pd.DataFrame, pd.DataFrame, NDArray[np.int32]]:
        """Features, labels and arrival days that the model of `origin` learns from."""
        wanted, labels = self.rows.known[origin]
        everything, numbers = pd.concat(self.frames), np.concatenate(self.numbers)
        frame = everything.iloc[np.searchsorted(numbers, wanted)]
        return frame, labels, epoch_days(self.rows.shipments["arrival_date"].iloc[wanted])


def gather(
    workspace: Workspace,
    ledger: Ledger,
    past: Past,
    rows: Rows,
    scratch: Path,
    report: Report | None = None,
) -> Gathered:
    """Replay the features of `rows`, and write those of each window into the folder `scratch`."""
    gathered, parts = Gathered(rows), _parts(rows)
    for number, (part, plan) in enumerate(parts):
        frame, status = _features(past, rows, part, _Stage(report, number, len(parts)))
        gathered.keep(part, frame)
        for origin in plan:
            inside = rows.arriving(origin.day, origin.until)
            local = slice(inside.start - part.start, inside.stop - part.start)
            file = scratch / f"{origin.day.isoformat()}.parquet"
            frame.iloc[local].reset_index(drop=True).to_parquet(file)
            live = _grouped(workspace, ledger, rows.shipments.iloc[inside], status.iloc[local], origin, rows.position)
            gathered.windows.append(Arrived(origin, live, file))
    return gathered


def _parts(rows: Rows) -> list[tuple[slice, list[Origin]]]:
    """Windows taken together while they have at most PART_ROWS rows; the first part holds all earlier labelled rows."""
    parts: list[tuple[slice, list[Origin]]] = []
    together: list[Origin] = []
    begin = end = 0
    for origin in rows.known:
        end = rows.arriving(origin.day, origin.until).stop
        if together and end - begin > PART_ROWS:
            stop = rows.arriving(together[-1].day, together[-1].until).stop
            parts.append((slice(begin, stop), together))
            begin, together = stop, []
        together.append(origin)
    return [*parts, (slice(begin, end), together)]


class _Stage:
    """Progress of one replay among several, in the form `Past` calls."""

    def __init__(self, report: Report | None, number: int, total: int) -> None:
        self._report, self._number, self._total = report, number, total

    def __call__(self, done: int, total: int) -> None:
        if self._report:
            self._report("replaying history", self._number * total + done, self._total * total)


def _features(
    past: Past, rows: Rows, part: slice, progress: Callable[[int, int], None]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features of a part, and the importers' status on each morning."""
    shipments = rows.shipments.iloc[part]
    newest = shipments["arrival_date"].max() if len(shipments) else pd.Timestamp(1970, 1, 1)
    history = past.of_replay(shipments, newest.date() + timedelta(days=1), rows.position, progress)
    return past.build(shipments, history), history.statuses["importer"]


def _grouped(
    workspace: Workspace,
    ledger: Ledger,
    shipments: pd.DataFrame,
    status: pd.DataFrame,
    origin: Origin,
    position: int,
) -> pd.DataFrame:
    """The columns GROUPS of some shipments, as text, and their arrival day."""
    tier = effective_tier(status, as_days(shipments["arrival_date"]), workspace.tables)
    counts, covered = imported_before(ledger, origin.day, position)
    stated = shipments["importer_id"].notna().to_numpy()
    before = shipments["importer_id"].map(counts).fillna(0).to_numpy(dtype=np.float64)
    columns = {
        "arrival_date": shipments["arrival_date"],
        "port": shipments["port"].astype("str"),
        "center": status["center"].astype("str").fillna("not assigned").to_numpy(),
        "ctpat_tier": _tier_names(tier),
        "mode": shipments["mode"].astype("str"),
        "importer_size": segments.size_classes(np.where(stated, before, np.nan), covered).to_numpy(),
    }
    return pd.DataFrame(columns, index=shipments.index)


def _tier_names(tier: NDArray[np.float64]) -> NDArray[np.object_]:
    names = np.array(["no tier", "tier 1", "tier 2", "tier 3", "no record"], dtype=object)
    found: NDArray[np.object_] = names[np.where(np.isnan(tier), 4, np.nan_to_num(tier)).astype(int)]
    return found
