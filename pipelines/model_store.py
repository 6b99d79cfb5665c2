"""Models of a workspace: registered in MLflow, loaded from a local copy after its digest is verified.

    models/<version>/        verified copy of the bundle
    models/<version>.md      its model card
    models/aliases.json      the version that each alias had when the registry last answered

What may be loaded is decided by the ledger, which keeps the digest of every version that was trained here. MLflow must
agree while it answers; when it does not, the last known version of the alias is loaded from the local copy, and the
run record says so. aliases.json therefore decides at most which of this workspace's own versions that is.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from riskscore.errors import ModelError
from riskscore.models import Registry, bundle
from riskscore.models.registry import RegistryUnreachableError, signature
from riskscore.publication import write_bytes

if TYPE_CHECKING:
    from datetime import date

    from riskscore.ledger import Ledger
    from riskscore.models import Model, TrainedModel
    from riskscore.workspace import Workspace


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that may be used.

    Attributes:
        version: its version in the registry.
        digest: the digest it was verified against.
        as_of: its first usable morning.
        model: the model.
        unreachable: why the registry did not answer, so that the last known version of the alias was taken;
            empty = it did answer.
    """

    version: str
    digest: str
    as_of: date
    model: Model
    unreachable: str = ""

    @property
    def offline(self) -> bool:
        """The registry did not answer."""
        return bool(self.unreachable)

    def as_record(self) -> dict[str, str]:
        """For the run record: version, digest, as_of (ISO date), and registry: "ok", or "unreachable: " and why."""
        registry = f"unreachable: {self.unreachable}" if self.unreachable else "ok"
        return {
            "version": self.version,
            "digest": self.digest,
            "as_of": self.as_of.isoformat(),
            "registry": registry,
        }


def registry_of(workspace: Workspace) -> Registry:
    """The MLflow registry of a workspace."""
    return Registry.of(workspace.root, workspace.config.registry)


def load_model(workspace: Workspace, ledger: Ledger, alias_or_version: str = "champion") -> LoadedModel:
    """Resolve, fetch if there is no local copy, verify the digest kept in the ledger, then load.

    A registry that cannot be reached is done without, if the alias was resolved before and its version has a local
    copy: see `LoadedModel.unreachable`.

    Raises:
        ModelError: no such model; one that this workspace did not train; a digest that is not the recorded one.
    """
    try:
        version, registered = registry_of(workspace).resolve(alias_or_version)
    except RegistryUnreachableError as error:
        return _load_offline(workspace, ledger, alias_or_version, error)
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
        _download(workspace, version, digest)
    loaded = LoadedModel(version, digest, as_of, bundle.load(local, digest))
    if alias_or_version != version:
        # A reader of a workspace that it may not write to loads all the same.
        with contextlib.suppress(OSError):
            remember(workspace, alias_or_version, version)
    return loaded


def _load_offline(
    workspace: Workspace, ledger: Ledger, alias_or_version: str, error: RegistryUnreachableError
) -> LoadedModel:
    version = _remembered(workspace).get(alias_or_version, alias_or_version)
    recorded = ledger.model(version)
    if recorded is None or not (workspace.models / version).is_dir():
        raise error
    digest, as_of = recorded
    return LoadedModel(version, digest, as_of, bundle.load(workspace.models / version, digest), error.what)


def _download(workspace: Workspace, version: str, digest: str) -> None:
    """Fetch a version; it comes under models/ only when its digest is the recorded one."""
    workspace.models.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace.models, prefix=".download-") as scratch:
        fetched = registry_of(workspace).download(version, Path(scratch, version))
        if (found := bundle.digest(fetched)) != digest:
            raise ModelError(
                f"the registry gives another model than the one trained here: digest {found[:12]}, "
                f"expected {digest[:12]}",
                where=f"version {version}",
                fix="restore the artefacts of the registry, or train again",
            )
        bundle.copy(fetched, workspace.models / version)


def keep_copy(workspace: Workspace, version: str, folder: Path, card: str = "") -> None:
    """Put a copy of a bundle under models/, whole or not at all, and its card beside it."""
    local = workspace.models / version
    if local.exists():
        shutil.rmtree(local)
    bundle.copy(folder, local)
    if card:
        write_bytes(card.encode(), workspace.models / f"{version}.md")


def point(workspace: Workspace, version: str, alias: str) -> None:
    """Give `version` an alias, and remember it for when the registry is down.

    Raises:
        ModelError: there is no such version, or the registry cannot be reached.
    """
    registry_of(workspace).set_alias(version, alias)
    remember(workspace, alias, version)


def remember(workspace: Workspace, alias: str, version: str) -> None:
    """Note the version of an alias, for when the registry is down."""
    known = _remembered(workspace)
    if known.get(alias) != version:
        content = json.dumps(known | {alias: version}, indent=1, sort_keys=True)
        write_bytes(f"{content}\n".encode(), _aliases(workspace))


def _remembered(workspace: Workspace) -> dict[str, str]:
    """Version by alias as last seen; nothing when the file is absent or unreadable."""
    try:
        content = json.loads(_aliases(workspace).read_bytes())
        return {str(alias): str(version) for alias, version in content.items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def _aliases(workspace: Workspace) -> Path:
    return workspace.models / "aliases.json"


def tags_of(trained: TrainedModel) -> dict[str, str]:
    """What to find a version by in MLflow: days, features, labels, libraries."""
    training = trained.training
    facts = {
        "as_of": training["as_of"],
        "feature_hash": trained.feature_hash,
        "features": len(trained.features),
        "targets": ", ".join(trained.boosters),
        "labelled_shipments": training["rows"],
        "labels_digest": training.get("labels_digest"),
        "latest_known": training.get("latest_known"),
        "ledger_position": training.get("provenance", {}).get("ledger_position"),
        "lightgbm": training["libraries"]["lightgbm"],
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def artefacts_of(trained: TrainedModel, card: str) -> dict[str, str]:
    """Text files to keep with the MLflow run: signature, evaluation and model card."""
    evaluations = {target: dict(booster.evaluation) for target, booster in trained.boosters.items()}
    return {
        "signature.json": signature([feature.name for feature in trained.features], list(trained.boosters)),
        "evaluation.json": json.dumps(evaluations, indent=1, allow_nan=False),
        "model_card.md": card,
    }


def require_past(model: LoadedModel, day: date) -> None:
    """Refuse a model that has learned from facts of `day` or later (ModelError)."""
    if day < model.as_of:
        raise ModelError(
            f"model version {model.version} has learned from facts up to the morning of {model.as_of.isoformat()}, "
            f"after the day to score, {day.isoformat()}",
            fix="train --as-of that day or earlier, or pass --allow-future-model",
        )
