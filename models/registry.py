"""The model registry: versions, aliases and figures in MLflow; bundles as plain files.

Only MLflow's client API for files is used: models are never logged or loaded through its flavours, which
unpickle. What may be scored with is decided by the digest, kept as a tag of the version, and verified by
`bundle.load`.

A workspace may be copied or moved whole. MLflow keeps absolute artefact locations, so runs go to an
experiment whose location is this workspace's (a new experiment when an old one points elsewhere), and
downloads look first where this workspace keeps the run.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskscore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from riskscore import config

CHAMPION, CHALLENGER = "champion", "challenger"

_BUNDLE = "bundle"
_DIGEST_TAG = "digest"
_SQLITE = "sqlite:///"

# MLflow's messages hold whole stack traces and tables of supported schemes; the cause stands at the start.
_LONGEST = 200

# Read by MLflow from the environment; a value the user has set stands. It would ask its vendor for a telemetry
# configuration, draw progress bars, and try a server that is down for four minutes before it gives up.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}


def alias_of_new_version(aliases: Mapping[str, str]) -> str:
    """The first version becomes champion; later ones are challengers until promoted.

    >>> alias_of_new_version({}), alias_of_new_version({"champion": "1"})
    ('champion', 'challenger')
    """
    return CHALLENGER if CHAMPION in aliases else CHAMPION


class Registry:
    """Versions of one registered model.

    Args:
        tracking_uri: MLflow tracking and registry URI.
        artifact_root: directory for the artefacts of new runs; None leaves the place to the server.
        model_name: name of the registered model, and of the experiment.
    """

    def __init__(self, tracking_uri: str, artifact_root: Path | None, model_name: str) -> None:
        self.tracking_uri, self.artifact_root, self.model_name = tracking_uri, artifact_root, model_name

    @classmethod
    def of(cls, workspace: Path, settings: config.Registry) -> Registry:
        """The registry of a workspace: `mlflow.db` and `mlartifacts/`, or the server of the settings."""
        if settings.tracking_uri:
            return cls(settings.tracking_uri, None, settings.model_name)
        home = workspace.resolve()
        return cls(f"{_SQLITE}{home / 'mlflow.db'}", home / "mlartifacts", settings.model_name)

    def register(
        self,
        bundle_dir: Path,
        digest: str,
        metrics: Mapping[str, float],
        params: Mapping[str, Any],
        tags: Mapping[str, str],
    ) -> str:
        """Log files, figures, parameters and tags as a run, and make a version of it, without an alias.

        Returns:
            The version, such as "1".

        Raises:
            ModelError: MLflow refuses or cannot be reached.
        """
        with self._mlflow() as client:
            run = client.create_run(self._experiment(client), run_name=digest[:12], tags=dict(tags))
            run_id = run.info.run_id
            _log(client, run_id, metrics, params)
            client.log_artifacts(run_id, str(bundle_dir), _BUNDLE)
            client.set_terminated(run_id)
            if not client.search_registered_models(f"name = '{self.model_name}'"):
                client.create_registered_model(self.model_name)
            source = f"{run.info.artifact_uri}/{_BUNDLE}"
            version_tags = {**tags, _DIGEST_TAG: digest}
            made = client.create_model_version(self.model_name, source, run_id, tags=version_tags)
            return str(made.version)

    def adopt(self, version: str, known: Collection[str]) -> str:
        """Give a new version its alias, see `alias_of_new_version`.

        Args:
            version: as given by `register`.
            known: versions that may be used; a champion that is none of them (its training was cut off before it was
                recorded) is replaced.

        Returns:
            The alias.

        Raises:
            ModelError: there is no such version, or MLflow cannot be reached.
        """
        usable = {alias: holder for alias, holder in self.aliases().items() if holder in known}
        alias = alias_of_new_version(usable)
        self.set_alias(version, alias)
        return alias

    def resolve(self, alias_or_version: str) -> tuple[str, str]:
        """Version and digest of an alias ("champion") or version ("3").

        Raises:
            ModelError: there is no such version, or MLflow cannot be reached.
        """
        with self._mlflow(existing=True) as client:
            found = self._find(client, alias_or_version)
            return str(found.version), str(found.tags.get(_DIGEST_TAG, ""))

    def aliases(self) -> dict[str, str]:
        """Version by alias; empty when nothing is registered."""
        if self._is_absent():
            return {}
        with self._mlflow() as client:
            return self._aliases(client)

    def set_alias(self, version: str, alias: str) -> None:
        """Point `alias` at `version`, taking it from the version that had it.

        Raises:
            ModelError: there is no such version.
        """
        with self._mlflow(existing=True) as client:
            self._find(client, version)
            client.set_registered_model_alias(self.model_name, alias, version)

    def download(self, version: str, to_dir: Path) -> Path:
        """Copy the bundle of `version` to `to_dir`, which must not exist. Verifying it is for `bundle.load`.

        Raises:
            ModelError: there is no such version, its files are gone, or `to_dir` exists.
        """
        if to_dir.exists():
            raise ModelError("the place for the download is taken", where=str(to_dir))
        with self._mlflow(existing=True) as client:
            found = self._find(client, version)
            moved = self.artifact_root and self.artifact_root / str(found.run_id) / "artifacts" / _BUNDLE
            if moved and moved.is_dir():
                shutil.copytree(moved, to_dir, symlinks=True)
            else:
                _fetch(client, str(found.run_id), to_dir)
        return to_dir

    def _experiment(self, client: MlflowClient) -> str:
        """Experiment of this workspace; one of the plain name may belong to the place it was copied from."""
        if self.artifact_root is None:
            found = client.get_experiment_by_name(self.model_name)
            return str(found.experiment_id) if found else str(client.create_experiment(self.model_name))
        location = self.artifact_root.as_uri()
        suffix = hashlib.sha256(location.encode()).hexdigest()[:8]
        for name in (self.model_name, f"{self.model_name}-{suffix}"):
            found = client.get_experiment_by_name(name)
            if found is None:
                return str(client.create_experiment(name, artifact_location=location))
            if found.artifact_location == location:
                return str(found.experiment_id)
        raise ModelError(f"experiment {name} keeps its artefacts elsewhere", where=self.tracking_uri)

    def _find(self, client: MlflowClient, alias_or_version: str) -> ModelVersion:
        aliases = self._aliases(client)
        version = aliases.get(alias_or_version, alias_or_version)
        if not version.isdecimal():
            what = f"no version of {self.model_name} is called {alias_or_version!r}"
            fix = f"choose {', '.join(aliases)} or a version number" if aliases else "run riskscore train"
            raise ModelError(what, where=self.tracking_uri, fix=fix)
        return client.get_model_version(self.model_name, version)

    def _aliases(self, client: MlflowClient) -> dict[str, str]:
        found = client.search_registered_models(f"name = '{self.model_name}'")
        return {alias: str(version) for model in found for alias, version in sorted(model.aliases.items())}

    def _is_absent(self) -> bool:
        """No database file yet: asking MLflow would create one."""
        return self.tracking_uri.startswith(_SQLITE) and not Path(self.tracking_uri.removeprefix(_SQLITE)).is_file()

    @contextmanager
    def _mlflow(self, *, existing: bool = False) -> Iterator[MlflowClient]:
        """The client, imported on first use, with MLflow's failures as ModelError."""
        if existing and self._is_absent():
            raise ModelError("no model is registered", where=self.tracking_uri, fix="run riskscore train")
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield _client(self.tracking_uri)
        except (MlflowException, SQLAlchemyError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ModelError(f"the model registry failed: {reason[:_LONGEST]}", where=self.tracking_uri) from error


def _client(tracking_uri: str) -> MlflowClient:
    with warnings.catch_warnings():
        # MLflow 3.17's own mapping of its tables, on SQLAlchemy 2.1; nothing a user could change.
        warnings.filterwarnings("ignore", message=r"The ``noload`` loader strategy", category=DeprecationWarning)
        from mlflow import MlflowClient

        # Two lines about creating its tables, on the first use of a workspace.
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
        return MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)


def _log(client: MlflowClient, run_id: str, metrics: Mapping[str, float], params: Mapping[str, Any]) -> None:
    from mlflow.entities import Metric, Param

    client.log_batch(
        run_id,
        metrics=[Metric(name, value, 0, 0) for name, value in sorted(metrics.items())],
        params=[Param(name, str(value)) for name, value in sorted(params.items())],
    )


def _fetch(client: MlflowClient, run_id: str, to_dir: Path) -> None:
    import tempfile

    to_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to_dir.parent, prefix=".download-") as aside:
        shutil.move(client.download_artifacts(run_id, _BUNDLE, aside), to_dir)
