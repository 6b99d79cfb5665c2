"""A model on disk: a directory of booster texts and two JSON files, named by a digest over every byte.

    model.json     features and their hash; per target its file, calibrator and evaluation; severity; training manifest
    golden.json    rows made from the boosters' own splits, and what each booster and calibrator gives on them
    any.txt        LightGBM text, one file per target
    <hazard>.txt

A damaged booster text can crash LightGBM or silently change its predictions, so nothing is parsed before the
digest of the whole directory has been found to be the expected one; then the text is read strictly (booster_text),
and LightGBM is tried on it in a process of its own (canary). Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from riskscore.errors import ModelError
from riskscore.models import booster_text, boosting, canary
from riskscore.models.calibration import Calibrator
from riskscore.models.labels import ANY, targets
from riskscore.models.scoring import Model
from riskscore.models.severity import Severity
from riskscore.models.trained import Feature, TrainedBooster, TrainedModel, feature_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["FORMAT", "GOLDEN", "MANIFEST", "copy", "digest", "feature_hash", "file_names", "load", "save"]

FORMAT = 2
"""Version of the layout described above."""

MANIFEST, GOLDEN = "model.json", "golden.json"

LARGEST = 2**28
"""Bytes of the largest file that is read: ten times a booster of 1000 trees with 255 leaves."""

# Calibrators use the exponential function of the machine's library, whose last bit is its own.
_SAME_PROBABILITY = 1e-12


def file_names() -> frozenset[str]:
    """Every name that a file of a bundle may have."""
    return frozenset({MANIFEST, GOLDEN, *(f"{target}.txt" for target in targets())})


def save(model: TrainedModel, directory: Path) -> str:
    """Write the bundle and return its digest; the same model gives the same bytes everywhere.

    Raises:
        ModelError: `directory` is there already, or a booster's text is not as this program knows it.
    """
    files = {f"{target}.txt": booster.text.encode() for target, booster in model.boosters.items()}
    files[MANIFEST] = _json(_manifest(model))
    files[GOLDEN] = _json(_golden(model))
    _write(files, directory)
    return _digest(files)


def copy(source: Path, directory: Path) -> None:
    """Copy the files of a bundle, whole or not at all; what they hold is for `load` to verify.

    Raises:
        ModelError: as `digest`, or `directory` is there already.
    """
    _write(_read(source), directory)


def digest(directory: Path) -> str:
    """SHA-256 over the sorted (name, size, SHA-256) of every file.

    Raises:
        ModelError: the directory is absent, lacks model.json, golden.json or any.txt, or holds anything that is not a
            regular file of a bundle: another name, a directory, a link, a file too large.
    """
    return _digest(_read(directory))


def load(directory: Path, expected_digest: str) -> Model:
    """Read a bundle whose digest is `expected_digest`: the very bytes that were verified are then parsed.

    Raises:
        ModelError: as `digest`; another digest; a manifest of another format, or one that does not fit its
            files; a booster that is not LightGBM's text, crashes it, or does not give the recorded golden log-odds.
    """
    files, where = _read(directory), str(directory)
    if (found := _digest(files)) != expected_digest:
        what = f"the model is not the one registered: digest {found[:12]}, expected {expected_digest[:12]}"
        raise ModelError(what, where=where, fix="remove this copy; it is fetched again when needed")
    trained = _trained(files, where)
    for target, booster in trained.boosters.items():
        booster_text.read(booster.text, trained.features, f"{where}, {target}")
    golden, probabilities = _read_golden(files[GOLDEN], where)
    canary.verify({target: booster.text for target, booster in trained.boosters.items()}, golden, where)
    model = Model(trained)
    _require_same(model, golden, probabilities, where)
    return model


def _digest(files: Mapping[str, bytes]) -> str:
    entries = [[name, len(files[name]), hashlib.sha256(files[name]).hexdigest()] for name in sorted(files)]
    return hashlib.sha256(json.dumps(entries, separators=(",", ":")).encode()).hexdigest()


def _json(content: object) -> bytes:
    return f"{json.dumps(content, indent=1, sort_keys=True, allow_nan=False)}\n".encode()


def _write(files: Mapping[str, bytes], directory: Path) -> None:
    if directory.is_symlink() or directory.exists():
        raise ModelError("a bundle is never overwritten", where=str(directory), fix="choose a new directory")
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


def _read(directory: Path) -> dict[str, bytes]:
    try:
        with os.scandir(directory) as entries:
            found = {entry.name: entry.stat(follow_symlinks=False) for entry in entries}
        if strange := sorted(name for name, status in found.items() if not _is_ours(name, status)):
            raise ModelError(f"not a file of a bundle: {strange[0]}", where=str(directory))
        if missing := sorted({MANIFEST, GOLDEN, f"{ANY}.txt"} - set(found)):
            raise ModelError(f"the bundle lacks {', '.join(missing)}", where=str(directory))
        return {name: _content(directory / name) for name in found}
    except OSError as error:
        raise ModelError(f"no bundle: {error.strerror}", where=str(directory)) from None


def _is_ours(name: str, status: os.stat_result) -> bool:
    return name in file_names() and stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST


def _content(path: Path) -> bytes:
    # Should a link or a pipe have taken the file's place by now, it is neither followed nor waited for.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(LARGEST)


class _Entry(BaseModel):
    """JSON of a known form: nothing else, of no other type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _BoosterEntry(_Entry):
    target: str
    file: str
    calibrator: dict[str, Annotated[float, Field(allow_inf_nan=False)]]
    evaluation: dict[str, Any]


class _ManifestEntry(_Entry):
    format: int
    features: tuple[Feature, ...]
    feature_hash: str
    boosters: tuple[_BoosterEntry, ...]
    severity: dict[str, Any] | None
    training: dict[str, Any]


def _manifest(model: TrainedModel) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "features": [asdict(feature) for feature in model.features],
        "feature_hash": model.feature_hash,
        "boosters": [_booster_entry(target, booster) for target, booster in model.boosters.items()],
        "severity": None if model.severity is None else model.severity.as_json(),
        "training": dict(model.training),
    }


def _booster_entry(target: str, booster: TrainedBooster) -> dict[str, Any]:
    return {
        "target": target,
        "file": f"{target}.txt",
        "calibrator": asdict(booster.calibrator),
        "evaluation": dict(booster.evaluation),
    }


def _trained(files: Mapping[str, bytes], where: str) -> TrainedModel:
    """The verified bytes as a model: the digest vouches for the writer, the checks here for its version."""
    try:
        found = json.loads(files[MANIFEST])["format"]
        if found != FORMAT:
            what = f"bundle format {found}, this program reads {FORMAT}"
            raise ModelError(what, where=where, fix="train again, or use the program that made it")
        manifest = _ManifestEntry.model_validate_json(files[MANIFEST])
        boosters = {entry.target: _booster(entry, files) for entry in manifest.boosters}
        severity = None if manifest.severity is None else Severity.of_json(manifest.severity)
        model = TrainedModel(manifest.features, boosters, manifest.training, severity)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        what = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise ModelError(f"the manifest does not fit its files: {what}", where=where) from None
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"the manifest does not fit its files: {error}", where=where) from None
    _require_whole(manifest, model, files, where)
    return model


def _require_whole(manifest: _ManifestEntry, model: TrainedModel, files: Iterable[str], where: str) -> None:
    listed = {MANIFEST, GOLDEN, *(f"{target}.txt" for target in model.boosters)}
    named = [entry.file for entry in manifest.boosters]
    if listed != set(files) or len(named) != len(model.boosters) or manifest.feature_hash != model.feature_hash:
        raise ModelError("the manifest does not fit its files or its features", where=where, fix="train again")


def _booster(entry: _BoosterEntry, files: Mapping[str, bytes]) -> TrainedBooster:
    if entry.file != f"{entry.target}.txt":
        message = f"{entry.file!r} of {entry.target}"
        raise ValueError(message)
    return TrainedBooster(files[entry.file].decode("ascii"), Calibrator(**entry.calibrator), entry.evaluation)


def _golden(model: TrainedModel) -> dict[str, Any]:
    splits = [
        split
        for target, booster in model.boosters.items()
        for split in booster_text.read(booster.text, model.features, target)
    ]
    rows = canary.golden_rows(splits, model.features)
    ready = Model(model)
    log_odds = {target: boosting.log_odds(ready.booster(target), rows, 1) for target in model.boosters}
    return canary.Golden(rows, log_odds).as_json() | {"probabilities": _probabilities(ready, rows).to_dict("list")}


def _probabilities(model: Model, rows: np.ndarray[Any, np.dtype[np.float64]]) -> pd.DataFrame:
    return model.predict(pd.DataFrame(rows, columns=[feature.name for feature in model.features]))


def _read_golden(content: bytes, where: str) -> tuple[canary.Golden, dict[str, Any]]:
    try:
        read = json.loads(content)
        golden, probabilities = canary.Golden.of_json(read), {**read["probabilities"]}
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(f"the golden rows cannot be read: {error!r}", where=where, fix="train again") from None
    return golden, probabilities


def _require_same(model: Model, golden: canary.Golden, probabilities: Mapping[str, Any], where: str) -> None:
    """This process, by the path that scores, gives the recorded probabilities too."""
    try:
        expected = pd.DataFrame(probabilities, columns=list(model.targets), dtype="float64").to_numpy()
        near = np.abs(_probabilities(model, golden.rows).to_numpy() - expected) <= _SAME_PROBABILITY
    except (TypeError, ValueError) as error:
        raise ModelError(f"the golden rows cannot be read: {error}", where=where, fix="train again") from None
    if set(probabilities) != set(model.targets) or not near.all():
        raise ModelError("other probabilities than recorded on the golden rows", where=where, fix="train again")
