"""What a recorded run says, and the shipments it speaks of as they stood that morning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from riskscore.errors import RunError
from riskscore.frames import as_frame
from riskscore.ledger import live_on
from riskscore.publication import conform

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd
    import pyarrow as pa

    from riskscore.ledger import Ledger, Run


@dataclass(frozen=True, slots=True)
class Morning:
    """One recorded run.

    Attributes:
        run: the latest of its day.
        published: every row of its recommendations (riskscore.tables.recommendations_schema), by port and priority.
        examine: those recommended for examination, same order.
        shipments: the shipments columns of `examine`, same order, index shipment_id.
    """

    run: Run
    published: pa.Table
    examine: pa.Table
    shipments: pd.DataFrame


def read_morning(ledger: Ledger, day: date | None) -> Morning:
    """The latest run of `day`, or of the last scored day.

    Raises:
        RunError: that day was not scored, or none was.
    """
    run = _run_of(ledger, day)
    published = conform(ledger.recommendations_of(run.run_id))
    examine = published.filter(pc.equal(published["recommendation"], "examine"))
    standing = as_frame(live_on(ledger.connection, run.run_date, run.position), index="shipment_id")
    return Morning(run, published, examine, standing.loc[examine["shipment_id"].to_pylist()])


def _run_of(ledger: Ledger, day: date | None) -> Run:
    if day is None:
        runs = ledger.runs()
        if not runs:
            raise RunError("no day has been scored here", fix="run riskscore score FILE first")
        return runs[-1]
    run = ledger.run_of(day)
    if run is None:
        raise RunError(f"{day.isoformat()} has not been scored", fix=f"run riskscore score FILE --date {day} first")
    return run
