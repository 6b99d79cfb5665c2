"""`riskscore ingest`: append a feed to the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskscore.errors import InputError
from riskscore.pipelines.intake import read_sources, take_in
from riskscore.pipelines.projection import project
from riskscore.tables import INGESTED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from riskscore.readers import Format
    from riskscore.workspace import Workspace

FEEDS = {
    "manifest": "shipments",
    "traders": "traders",
    "outcomes": "outcomes",
    "post-entry": "post_entry",
    "reviews": "reviews",
}
"""Name of a feed on the command line, and the table it fills."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """Rows of one table: read = accepted + quarantined + superseded + duplicate.

    Here superseded means appended although a later version is known already. `reasons` are the commonest of refusal.
    """

    table: str
    read: int
    accepted: int
    quarantined: int
    superseded: int
    duplicate: int
    findings: dict[str, int]
    reasons: dict[str, int]


def ingest(workspace: Workspace, feed: str, paths: Sequence[Path], file_format: Format = "auto") -> list[Ingested]:
    """Validate files and append their rows, in one transaction; what is refused goes to out/quarantine.

    Args:
        workspace: where to.
        feed: manifest, traders, outcomes, post-entry or reviews.
        paths: files, or folders of Parquet and CSV files.
        file_format: see riskscore.readers.FORMATS.

    Returns:
        One entry per table that the files speak of (a kcs manifest carries outcomes too).

    Raises:
        InputError: unknown feed, or a file that cannot be read as that table; nothing is kept then.
        LockedError: another command is writing.
    """
    if feed not in FEEDS:
        raise InputError(f"unknown feed {feed!r}", fix=f"one of {', '.join(FEEDS)}")
    sources = read_sources(paths, FEEDS[feed], file_format, workspace.config)
    names = sorted({name for source in sources for name in source.tables}, key=list(INGESTED).index)
    with workspace.writing() as ledger:
        with ledger.transaction(f"ingest {feed}") as transaction:
            taken = {n: take_in(transaction, sources, INGESTED[n], workspace.config.zone) for n in names}
        project(workspace, ledger)
    return [
        Ingested(
            table=name,
            read=intake.read,
            accepted=intake.count("new"),
            quarantined=intake.quarantined,
            superseded=intake.count("superseded"),
            duplicate=intake.count("duplicate"),
            findings=intake.findings,
            reasons=intake.reasons,
        )
        for name, intake in taken.items()
    ]
