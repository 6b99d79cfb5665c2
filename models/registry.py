"""The model registry: versions, aliases and figures in MLflow; bundles as plain files.

Only MLflow's client API for files is used: models are never logged or loaded through its flavours, which
unpickle. What may be scored with is decided by the digest, kept as a tag of the version, and verified by
`bundle.load`. Of what stands in a version's folder, only files named like those of a bundle are fetched.

A registry that is down must not stop a morning: it is given up after seconds, with an error of its own
(`RegistryUnreachableError`), so that a verified local copy may be used instead.

A workspace may be copied or moved whole. MLflow keeps absolute artefact locations, so runs go to an
experiment whose location is this workspace's (a new experiment when an old one points elsewhere), and
downloads look first where this workspace keeps the run.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import warnings
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskscore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

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
# configuration, draw progress bars, print addresses of runs, wait two minutes for each answer, and try a server that
# is down eight times.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}

# Seconds to wait for another process that holds mlflow.db. MLflow itself would try a database that it cannot open
# ten times, for a minute and a half.
_LOCKED = 5.0

# What MLflow says when it has looked and the answer is no; anything else means that it could not look.
_ANSWERS = {"RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS", "INVALID_PARAMETER_VALUE"}

# A version is ready when it is made: there is nothing to wait for, and nothing to log about waiting.
_AT_ONCE = 0

# MLflow's limits on one request.
_METRICS, _PARAMS = 1000, 100


class RegistryUnreachableError(ModelError):
    """The registry gives no answer: the server is down, or the database is missing, locked or damaged."""


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
        artefacts: Mapping[str, str] | None = None,
    ) -> str:
        """Log files, figures, parameters and tags as a run, and make a version of it, without an alias.

        Args:
            bundle_dir: the bundle, as written by `bundle.save`.
            digest: its digest.
            metrics: figures by name, finite.
            params: settings by name.
            tags: of the run and of the version.
            artefacts: text files kept beside the bundle, by name, such as the model card; they are for people, and
                nothing is ever read from them.

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
            _attach(client, run_id, artefacts or {}, None)
            client.set_terminated(run_id)
            if not client.search_registered_models(f"name = '{self.model_name}'"):
                client.create_registered_model(self.model_name)
            source = f"{run.info.artifact_uri}/{_BUNDLE}"
            version_tags = {**tags, _DIGEST_TAG: digest}
            made = client.create_model_version(
                self.model_name, source, run_id, tags=version_tags, await_creation_for=_AT_ONCE
            )
            return str(made.version)

    def attach(self, version: str, artefacts: Mapping[str, str]) -> None:
        """Keep text files with the run of a version, such as a backtest's report; none of a bundle's is touched.

        Raises:
            ModelError: there is no such version, a name is that of the bundle, or MLflow cannot be reached.
        """
        with self._mlflow(existing=True) as client:
            run_id = str(self._find(client, version).run_id)
            _attach(client, run_id, artefacts, self._here(run_id))

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
            RegistryUnreachableError: MLflow cannot be reached, or nothing was ever registered.
            ModelError: there is no such version.
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
            ModelError: there is no such version, its files are gone or are not a bundle's, or `to_dir` exists.
        """
        from riskscore.models import bundle

        if to_dir.exists():
            raise ModelError("the place for the download is taken", where=str(to_dir))
        with self._mlflow(existing=True) as client:
            run_id = str(self._find(client, version).run_id)
            if here := self._here(run_id):
                bundle.copy(here / _BUNDLE, to_dir)
            else:
                _fetch(client, run_id, to_dir, bundle.file_names())
        return to_dir

    def _here(self, run_id: str) -> Path | None:
        """The folder of a run's artefacts in this workspace, wherever it was when the run was made."""
        folder = self.artifact_root and self.artifact_root / run_id / "artifacts"
        return folder if folder and folder.is_dir() else None

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

    @property
    def _database(self) -> Path | None:
        """The file of an sqlite registry."""
        if not self.tracking_uri.startswith(_SQLITE):
            return None
        return Path(self.tracking_uri.removeprefix(_SQLITE)).absolute()

    def _is_absent(self) -> bool:
        """No database file yet: asking MLflow would create one."""
        return self._database is not None and not self._database.is_file()

    def _require_readable(self) -> None:
        if self._database is None or self._is_absent():
            return
        try:
            with closing(sqlite3.connect(f"{self._database.as_uri()}?mode=ro", uri=True, timeout=_LOCKED)) as database:
                database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            raise self._unreachable(str(error)) from error

    def _unreachable(self, reason: str) -> RegistryUnreachableError:
        return RegistryUnreachableError(f"the model registry failed: {reason}", where=self.tracking_uri)

    @contextmanager
    def _mlflow(self, *, existing: bool = False) -> Iterator[MlflowClient]:
        """The client, imported on first use, with MLflow's failures as ModelError."""
        if existing and self._is_absent():
            what = "no model is registered"
            raise RegistryUnreachableError(what, where=self.tracking_uri, fix="run riskscore train")
        self._require_readable()
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield _client(self.tracking_uri)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:_LONGEST]
            if getattr(error, "error_code", None) in _ANSWERS:
                raise ModelError(f"the model registry refuses: {reason}", where=self.tracking_uri) from error
            raise self._unreachable(reason) from error


def signature(inputs: Sequence[str], outputs: Sequence[str]) -> str:
    """MLflow's model signature as JSON: what goes in, null or not, and what comes out; all double.

    MLflow shows it; nothing is loaded by it.
    """
    from mlflow.models.signature import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    made = ModelSignature(
        inputs=Schema([ColSpec("double", name, required=False) for name in inputs]),
        outputs=Schema([ColSpec("double", name) for name in outputs]),
    )
    return json.dumps(made.to_dict(), indent=1)


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

    figures = [Metric(name, value, 0, 0) for name, value in sorted(metrics.items())]
    settings = [Param(name, str(value)) for name, value in sorted(params.items())]
    for start in range(0, len(figures), _METRICS):
        client.log_batch(run_id, metrics=figures[start : start + _METRICS])
    for start in range(0, len(settings), _PARAMS):
        client.log_batch(run_id, params=settings[start : start + _PARAMS])


def _attach(client: MlflowClient, run_id: str, artefacts: Mapping[str, str], here: Path | None) -> None:
    if taken := [name for name in artefacts if name.split("/")[0] == _BUNDLE]:
        raise ModelError("the bundle of a version is never changed", where=taken[0])
    for name, content in sorted(artefacts.items()):
        if here is None:
            client.log_text(run_id, content, name)
        else:
            (here / name).parent.mkdir(parents=True, exist_ok=True)
            (here / name).write_text(content, encoding="utf-8")


def _fetch(client: MlflowClient, run_id: str, to_dir: Path, names: Collection[str]) -> None:
    """Fetch by name: what else the server's folder holds stays there, and decides no path."""
    import shutil
    import tempfile

    from riskscore.models import bundle

    listed = {Path(found.path).name for found in client.list_artifacts(run_id, _BUNDLE) if not found.is_dir}
    if strange := sorted(listed - set(names)):
        raise ModelError(f"not a file of a bundle: {strange[0]}", where=f"run {run_id}")
    to_dir.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to_dir.parent, prefix=".download-") as aside:
        whole, fetched = Path(aside, "whole"), Path(aside, "fetched")
        whole.mkdir()
        fetched.mkdir()
        for name in sorted(listed):
            # Where below `fetched` a file comes to lie depends on the kind of server.
            shutil.move(client.download_artifacts(run_id, f"{_BUNDLE}/{name}", str(fetched)), whole / name)
        bundle.copy(whole, to_dir)
