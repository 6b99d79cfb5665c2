"""A scratch copy of a workspace whose ledger can be cut back to what a morning knew, or altered after it.

The ledger itself is never changed (docs/adr/0012): facts are deleted and altered in the copy alone, which lives in a
temporary folder.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from riskscore.ledger import Ledger
from riskscore.ledger.schema import log_name
from riskscore.tables import INGESTED
from riskscore.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from riskscore.config import Config

# Rows that are copied at a time: a day's log in memory, not years of it.
_ROWS_AT_A_TIME = 200_000

# What the morning of $day knows (riskscore.ledger.views).
_KNOWN = dict.fromkeys((log_name(table) for table in INGESTED.values()), "known_day < $day") | {
    "shipments_log": "(filed_day < $day OR (filed_day IS NULL AND arrival_date <= $day))",
    "runs": "run_date < $day",
}
_COPIED = dict.fromkeys(("commands", *_KNOWN), "seq <= $position") | {
    # The design of exams is read where there is a result; the rest of what was published is not history.
    "recommendations": """run_id IN (SELECT run_id FROM runs WHERE seq <= $position)
        AND shipment_id IN (SELECT shipment_id FROM outcomes_log)"""
}

# What a morning may not notice. Amounts grow, parties change places, clear results become hits and hits clear,
# trust is lost, amendments become deletions.
_ALTERATIONS = {
    "shipments_log": """value_usd = coalesce(value_usd, 0) * 3 + 1, weight_kg = coalesce(weight_kg, 0) * 3 + 1,
        importer_id = consignee_id, consignee_id = importer_id, shipper_id = manufacturer_id,
        action = CASE WHEN version > 0 THEN 'deleted' ELSE action END""",
    "traders_log": "ctpat_tier = 3 - coalesce(ctpat_tier, 0), ctpat_status = 'suspended'",
    "outcomes_log": """result = CASE WHEN result = 'seized' THEN 'released_no_discrepancy' ELSE 'seized' END,
        hazard = CASE WHEN result = 'seized' THEN NULL ELSE 'narcotics' END,
        amount_usd = coalesce(amount_usd, 0) * 3 + 1""",
    "post_entry_log": "amount_usd = coalesce(amount_usd, 0) * 3 + 1, status = 'withdrawn'",
    "reviews_log": "text = coalesce(text, '') || ' altered', decided_by = 'somebody else'",
}


class Scratch:
    """A workspace to experiment on.

    Attributes:
        workspace: a folder with the reference tables of the original, under its settings; no snapshots, no models.
        ledger: its ledger, open: the logs of the original, its positions, and the design of exams that have a result.
    """

    def __init__(self, workspace: Workspace, ledger: Ledger) -> None:
        self.workspace, self.ledger = workspace, ledger

    def cut(self, day: date) -> None:
        """Forget what the morning of `day` does not know."""
        for name, known in _KNOWN.items():
            self.ledger.connection.execute(f"DELETE FROM {name} WHERE ({known}) IS NOT TRUE", {"day": day})

    def alter(self, day: date) -> int:
        """Change every fact that the morning of `day` does not know.

        Returns:
            Number of facts changed.
        """
        changed = 0
        for name, alteration in _ALTERATIONS.items():
            query = f"UPDATE {name} SET {alteration} WHERE ({_KNOWN[name]}) IS NOT TRUE"
            [(count,)] = self.ledger.connection.execute(query, {"day": day}).fetchall()
            changed += int(count)
        return changed


@contextmanager
def scratch_copy(workspace: Workspace, ledger: Ledger, position: int) -> Iterator[Scratch]:
    """A copy of `workspace` with the facts that `ledger` held at `position`; gone when the context ends.

    It takes the room of the log once more, in the system's temporary folder.
    """
    with tempfile.TemporaryDirectory(prefix="riskscore-") as folder:
        root = Path(folder)
        if (workspace.root / "reference").is_dir():
            shutil.copytree(workspace.root / "reference", root / "reference")
        Ledger.create(root / "ledger.duckdb", workspace.config.timezone)
        with Ledger(root / "ledger.duckdb", threads=workspace.threads) as copy:
            _fill(copy, ledger, position)
            yield Scratch(configured(root, workspace.threads, workspace.config), copy)


def configured(root: Path, threads: int, config: Config) -> Workspace:
    """The workspace in `root` under other settings than those of its riskscore.toml."""
    made = Workspace(root, threads)
    vars(made)["config"] = config  # where a cached property keeps what it has read
    return made


def _fill(copy: Ledger, ledger: Ledger, position: int) -> None:
    for name, wanted in _COPIED.items():
        # Not by attaching one file to the other: a ledger that is open for reading attaches nothing to write to.
        query = f"SELECT * FROM {name} WHERE {wanted}"
        rows = ledger.connection.sql(query, params={"position": position}).to_arrow_reader(_ROWS_AT_A_TIME)
        copy.connection.register("copied", rows)
        copy.connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM copied")
        copy.connection.unregister("copied")
