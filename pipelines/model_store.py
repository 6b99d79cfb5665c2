"""Models of a workspace: registered in MLflow, loaded from a local copy after its digest is verified."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from riskscore.errors import ModelError
from riskscore.models import Registry, bundle

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from riskscore.ledger import Ledger
    from riskscore.models import Model
    from riskscore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that may be used: its version, the digest it was verified against, and its first usable morning."""

    version: str
    digest: str
    as_of: date
    model: Model


def registry_of(workspace: Workspace) -> Registry:
    """The MLflow registry of a workspace."""
    return Registry.of(workspace.root, workspace.config.registry)


def load_model(workspace: Workspace, ledger: Ledger, alias_or_version: str = "champion") -> LoadedModel:
    """Resolve, fetch if there is no local copy, verify the digest kept in the ledger, then load.

    Raises:
        ModelError: no such model; one that this workspace did not train; a digest that is not the recorded one.
    """
    version, registered = registry_of(workspace).resolve(alias_or_version)
    recorded = ledger.model(version)
    if recorded is None or recorded[0] != registered:
        raise ModelError(
            f"model version {version} is not one that this workspace's ledger knows",
            where=str(workspace.root),
            fix="train here, or restore the workspace as a whole",
        )
    digest, as_of = recorded
    local = workspace.models / version
    if not local.exists():
        registry_of(workspace).download(version, local)
    return LoadedModel(version, digest, as_of, bundle.load(local, digest))


def keep_copy(workspace: Workspace, version: str, folder: Path) -> None:
    """Put a copy of a bundle under models/, whole or not at all."""
    workspace.models.mkdir(exist_ok=True)
    aside = workspace.models / f".{version}"
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(folder, aside)
    shutil.rmtree(workspace.models / version, ignore_errors=True)
    aside.rename(workspace.models / version)


def require_past(model: LoadedModel, day: date) -> None:
    """Refuse a model that has learned from facts of `day` or later (ModelError)."""
    if day < model.as_of:
        raise ModelError(
            f"model version {model.version} has learned from facts up to the morning of {model.as_of.isoformat()}, "
            f"after the day to score, {day.isoformat()}",
            fix="train --as-of that day or earlier, or pass --allow-future-model",
        )
