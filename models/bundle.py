"""A model on disk: a directory of booster texts and one JSON manifest, named by a digest over every byte.

    model.json     features and their hash; per target its file, calibrator and evaluation; training manifest
    any.txt        LightGBM text, one file per target
    <hazard>.txt

A damaged booster text can crash LightGBM or silently change its predictions, so nothing is parsed before the
digest of the whole directory has been found to be the expected one. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskscore.errors import ModelError
from riskscore.models.calibration import Calibrator
from riskscore.models.labels import ANY, targets
from riskscore.models.scoring import Model
from riskscore.models.trained import Feature, TrainedBooster, TrainedModel, feature_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FORMAT", "MANIFEST", "digest", "feature_hash", "load", "save"]

FORMAT = 1
"""Version of the layout described above."""

MANIFEST = "model.json"


def save(model: TrainedModel, directory: Path) -> str:
    """Write the bundle and return its digest; the same model gives the same bytes everywhere.

    Raises:
        ModelError: `directory` is there already.
    """
    if directory.is_symlink() or directory.exists():
        raise ModelError("a bundle is never overwritten", where=str(directory), fix="choose a new directory")
    files = {f"{target}.txt": booster.text.encode() for target, booster in model.boosters.items()}
    manifest = json.dumps(_manifest(model), indent=1, sort_keys=True, allow_nan=False)
    files[MANIFEST] = f"{manifest}\n".encode()
    directory.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and renamed, so that a directory of this name is a whole bundle or is not there.
    aside = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        aside.chmod(0o755)
        for name, content in files.items():
            (aside / name).write_bytes(content)
        aside.replace(directory)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return _digest(files)


def digest(directory: Path) -> str:
    """SHA-256 over the sorted (name, size, SHA-256) of every file.

    Raises:
        ModelError: the directory is absent, lacks model.json or any.txt, or holds anything that is not a
            regular file of a bundle: another name, a directory, a link.
    """
    return _digest(_read(directory))


def load(directory: Path, expected_digest: str) -> Model:
    """Read a bundle whose digest is `expected_digest`: the very bytes that were verified are then parsed.

    Raises:
        ModelError: as `digest`; another digest; a manifest of another format, or one that does not fit its
            files.
    """
    files = _read(directory)
    if (found := _digest(files)) != expected_digest:
        what = f"the model is not the one registered: digest {found[:12]}, expected {expected_digest[:12]}"
        raise ModelError(what, where=str(directory), fix="remove this copy; it is fetched again when needed")
    return Model(_trained(files, str(directory)))


def _digest(files: Mapping[str, bytes]) -> str:
    entries = [[name, len(files[name]), hashlib.sha256(files[name]).hexdigest()] for name in sorted(files)]
    return hashlib.sha256(json.dumps(entries, separators=(",", ":")).encode()).hexdigest()


def _read(directory: Path) -> dict[str, bytes]:
    allowed = {MANIFEST, *(f"{target}.txt" for target in targets())}
    try:
        with os.scandir(directory) as entries:
            found = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
    except OSError as error:
        raise ModelError(f"no bundle: {error.strerror}", where=str(directory)) from None
    if strange := sorted(name for name, regular in found.items() if name not in allowed or not regular):
        raise ModelError(f"not a file of a bundle: {strange[0]}", where=str(directory))
    if missing := sorted({MANIFEST, f"{ANY}.txt"} - set(found)):
        raise ModelError(f"the bundle lacks {', '.join(missing)}", where=str(directory))
    return {name: (directory / name).read_bytes() for name in found}


def _manifest(model: TrainedModel) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "features": [{"name": feature.name, "kind": feature.kind} for feature in model.features],
        "feature_hash": model.feature_hash,
        "boosters": [_booster_entry(target, booster) for target, booster in model.boosters.items()],
        "training": dict(model.training),
    }


def _booster_entry(target: str, booster: TrainedBooster) -> dict[str, Any]:
    return {
        "target": target,
        "file": f"{target}.txt",
        "calibrator": {"slope": booster.calibrator.slope, "intercept": booster.calibrator.intercept},
        "evaluation": dict(booster.evaluation),
    }


def _trained(files: Mapping[str, bytes], where: str) -> TrainedModel:
    """The verified bytes as a model: the digest vouches for the writer, the checks here for its version."""
    try:
        manifest = json.loads(files[MANIFEST])
        if manifest["format"] != FORMAT:
            what = f"bundle format {manifest['format']}, this program reads {FORMAT}"
            raise ModelError(what, where=where, fix="train again, or use the program that made it")
        features = tuple(Feature(entry["name"], entry["kind"]) for entry in manifest["features"])
        boosters = {entry["target"]: _booster(entry, files) for entry in manifest["boosters"]}
        model = TrainedModel(features, boosters, manifest["training"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"the manifest does not fit its files: {error}", where=where) from None
    listed = {MANIFEST, *(entry["file"] for entry in manifest["boosters"])}
    if listed != set(files) or manifest["feature_hash"] != model.feature_hash:
        raise ModelError("the manifest does not fit its files or its features", where=where, fix="train again")
    return model


def _booster(entry: Mapping[str, Any], files: Mapping[str, bytes]) -> TrainedBooster:
    calibrator = Calibrator(entry["calibrator"]["slope"], entry["calibrator"]["intercept"])
    return TrainedBooster(files[entry["file"]].decode(), calibrator, entry["evaluation"])
