"""A workspace: one folder that holds configuration, ledger, snapshots, models and output, and may be moved whole."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from riskscore import config as configuration
from riskscore import reference
from riskscore.errors import LockedError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from riskscore.config import Config
    from riskscore.ledger import Ledger
    from riskscore.reference import Tables


@dataclass(frozen=True)
class Workspace:
    """The paths of a workspace, its configuration, and its lock.

    Attributes:
        root: the folder.
        threads: threads that engines may use; no result depends on it. One by default: on an idle machine a
            second one helps training, but where cores are shared the threads of LightGBM wait by spinning, and cost far
            more than they give.
    """

    root: Path
    threads: int = 1

    @staticmethod
    def create(root: Path) -> Workspace:
        """Make a workspace in `root` (created if absent): a commented riskscore.toml and an empty ledger.

        Of a workspace that lacks one of the two, the other is kept.

        Raises:
            WorkspaceError: `root` holds a workspace already, or is no folder.
        """
        from riskscore.ledger import Ledger

        settings, ledger = root / "riskscore.toml", root / "ledger.duckdb"
        if settings.exists() and ledger.exists():
            raise WorkspaceError("there is a workspace already", where=str(root), fix="choose another folder")
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(f"cannot make this folder ({error.strerror})", where=str(root)) from None
        if not settings.exists():
            settings.write_text(configuration.template(), encoding="utf-8")
        if not ledger.exists():
            Ledger.create(ledger, configuration.load(settings).timezone)
        return Workspace(root)

    @staticmethod
    def open(root: Path, threads: int = 1) -> Workspace:
        """An existing workspace.

        Raises:
            WorkspaceError: there is none at `root`.
        """
        if not (root / "ledger.duckdb").is_file():
            raise WorkspaceError("no workspace here", where=str(root), fix=f"run riskscore --workspace {root} init")
        return Workspace(root, threads)

    @cached_property
    def config(self) -> Config:
        """riskscore.toml, read once; ConfigError when it is not valid."""
        return configuration.load(self.root / "riskscore.toml")

    @cached_property
    def tables(self) -> Tables:
        """The reference facts in use: the packaged ones, with those replaced that the folder `reference` holds.

        Raises:
            ConfigError: a file there is no valid reference table (riskscore.reference.tables).
        """
        own = self.root / "reference"
        return reference.tables(own if own.is_dir() else None)

    @property
    def out(self) -> Path:
        """Where everything meant for people and other programs is written."""
        return self.root / "out"

    @property
    def snapshots(self) -> Path:
        """Cached states of history."""
        return self.root / "snapshots"

    @property
    def models(self) -> Path:
        """Verified local copies of model versions."""
        return self.root / "models"

    @property
    def tracking_uri(self) -> str:
        """MLflow tracking URI: as configured, else sqlite in the workspace."""
        return self.config.registry.tracking_uri or f"sqlite:///{(self.root / 'mlflow.db').resolve()}"

    @contextmanager
    def writing(self) -> Iterator[Ledger]:
        """The ledger, held by this process alone.

        Raises:
            LockedError: another command is writing.
        """
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.root / ".lock", timeout=0), self.ledger() as ledger:
                ledger.require_timezone(self.config.timezone)
                yield ledger
        except Timeout:
            raise LockedError(
                "another riskscore command is using this workspace", where=str(self.root), fix="wait until it ends"
            ) from None

    def ledger(self, *, read_only: bool = False) -> Ledger:
        """Open the ledger; use it as a context manager."""
        from riskscore.ledger import Ledger

        return Ledger(self.root / "ledger.duckdb", threads=self.threads, read_only=read_only)
