from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import FileInfo

from riskscore.config import Registry as Settings
from riskscore.errors import ModelError
from riskscore.models import bundle
from riskscore.models.registry import Registry, RegistryUnreachableError, signature

pytestmark = pytest.mark.xdist_group("mlflow")


def registry(workspace):
    return Registry.of(workspace, Settings())


ARTEFACTS = {"model_card.md": "# Card", "evaluation.json": "{}"}


def files(folder, content):
    """Files named like a bundle's; what they hold is none of the registry's business."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("any.txt", "golden.json", "model.json"):
        (folder / name).write_text(content)
    return folder


def register(workspace, digest="d1"):
    source = files(workspace / "models" / "new", digest)
    made = registry(workspace)
    version = made.register(source, digest, {"any.auc": 0.8}, {"trees": 200}, {"as_of": "2026-01-01"}, ARTEFACTS)
    made.adopt(version, known={"1", "2", "3"})
    return version


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A workspace with one registered version, in a folder whose name needs quoting in a URI."""
    home = tmp_path_factory.mktemp("registry") / "work space #1"
    home.mkdir()
    register(home)
    return home


@pytest.fixture
def workspace(template, tmp_path):
    """The same workspace, copied whole to another place."""
    return shutil.copytree(template, tmp_path / "copied 100%")


def test_first_is_champion_and_later_ones_challenge(workspace):
    assert registry(workspace).resolve("champion") == ("1", "d1")
    assert register(workspace, "d2") == "2"
    assert registry(workspace).aliases() == {"champion": "1", "challenger": "2"}
    assert registry(workspace).resolve("challenger") == registry(workspace).resolve("2") == ("2", "d2")
    registry(workspace).set_alias("2", "champion")
    assert registry(workspace).resolve("champion") == ("2", "d2")


def test_a_champion_that_was_never_recorded_gives_way(workspace):
    version = registry(workspace).register(workspace / "models" / "new", "d2", {}, {}, {})

    assert registry(workspace).adopt(version, known={version}) == "champion"
    assert registry(workspace).resolve("champion") == (version, "d2")


def test_a_copied_workspace_leaves_the_original_alone(template, workspace):
    before = sorted(template.rglob("*"))
    assert register(workspace, "d2") == "2"
    registry(workspace).download("2", workspace / "models" / "2")
    assert (workspace / "models" / "2" / "model.json").read_text() == "d2"
    assert sorted(template.rglob("*")) == before
    assert len(list((workspace / "mlartifacts").rglob("model.json"))) == 2


def test_a_moved_workspace_finds_its_own_artefacts(workspace, tmp_path):
    moved = workspace.rename(tmp_path / "moved")
    (artefact,) = (moved / "mlartifacts").rglob("model.json")
    artefact.write_text("its own")
    assert registry(moved).resolve("champion") == ("1", "d1")
    registry(moved).download("1", moved / "models" / "1")
    assert (moved / "models" / "1" / "model.json").read_text() == "its own"


def test_what_is_downloaded_is_what_was_saved(workspace, trained):
    digest = bundle.save(trained, workspace / "models" / "aside")
    version = registry(workspace).register(
        workspace / "models" / "aside", digest, trained.metrics(), trained.training["settings"], {}
    )
    copy = registry(workspace).download(version, workspace / "models" / version)
    assert bundle.load(copy, registry(workspace).resolve(version)[1]).trained == trained
    with pytest.raises(ModelError, match="place for the download is taken"):
        registry(workspace).download(version, copy)


def client(workspace):
    return MlflowClient(tracking_uri=registry(workspace).tracking_uri)


def test_a_run_keeps_figures_settings_tags_and_artefacts(workspace, tmp_path):
    known = client(workspace)
    version = known.get_model_version("riskscore", "1")
    run = known.get_run(version.run_id)
    assert (run.data.metrics, run.data.params) == ({"any.auc": 0.8}, {"trees": "200"})
    assert version.tags == {"as_of": "2026-01-01", "digest": "d1"}
    assert run.data.tags["as_of"] == "2026-01-01"
    registry(workspace).attach("1", {"backtest/report.html": "<p>late</p>"})
    kept = next((workspace / "mlartifacts").rglob("model_card.md")).parent
    assert (kept / "model_card.md").read_text() == "# Card"
    assert (kept / "backtest" / "report.html").read_text() == "<p>late</p>"
    with pytest.raises(ModelError, match="bundle of a version is never changed: bundle/any"):
        registry(workspace).attach("1", {"bundle/any.txt": "x"})
    assert (kept / "bundle" / "any.txt").read_text() == "d1"


def test_more_figures_than_one_request_holds(workspace):
    figures = {f"f{n}": float(n) for n in range(1001)}
    settings = {f"p{n}": n for n in range(101)}
    version = registry(workspace).register(workspace / "models" / "new", "d2", figures, settings, {})
    run = client(workspace).get_run(client(workspace).get_model_version("riskscore", version).run_id)
    assert run.data.metrics == figures
    assert len(run.data.params) == 101


def test_the_signature_is_one_that_mlflow_reads():
    from mlflow.models.signature import ModelSignature

    read = ModelSignature.from_dict(json.loads(signature(["a", "b"], ["any"])))
    assert [(column.name, column.type.name, column.required) for column in read.inputs] == [
        ("a", "double", False),
        ("b", "double", False),
    ]
    assert read.outputs.input_names() == ["any"]


@pytest.mark.parametrize("name", ["python_model.pkl", "MLmodel", "ANY.txt"])
def test_only_files_of_a_bundle_are_fetched(template, workspace, tmp_path, name):
    (artefact,) = (workspace / "mlartifacts").rglob("model.json")
    (artefact.parent / name).write_text("x")
    with pytest.raises(ModelError, match=f"not a file of a bundle: {name}"):
        registry(workspace).download("1", tmp_path / "1")
    assert not (tmp_path / "1").exists()


@pytest.mark.parametrize("name", ["MLmodel", "../any.txt", "any.txt"])
def test_a_server_decides_no_path(template, tmp_path, monkeypatch, name):
    """What a server lists is fetched by the names of a bundle, or not at all."""
    asked = []

    def fetch(self, run_id, path, to):
        asked.append(path)
        return str(files(Path(to), "d1") / Path(path).name)

    listed = [FileInfo(f"bundle/{one}", is_dir=False, file_size=1) for one in ("model.json", name)]
    monkeypatch.setattr("mlflow.MlflowClient.list_artifacts", lambda *_: [*listed, FileInfo("bundle/x", True, None)])
    monkeypatch.setattr("mlflow.MlflowClient.download_artifacts", fetch)
    remote = Registry(registry(template).tracking_uri, None, "riskscore")
    if name == "MLmodel":
        with pytest.raises(ModelError, match="not a file of a bundle: MLmodel"):
            remote.download("1", tmp_path / "1")
    else:
        with pytest.raises(ModelError, match=r"the bundle lacks golden\.json"):
            remote.download("1", tmp_path / "1")
    assert set(asked) <= {"bundle/model.json", "bundle/any.txt"}


@pytest.mark.parametrize(
    ("name", "message"),
    [("9", "Model Version .*not found"), ("nobody", "is called 'nobody'.*choose champion or a version number")],
)
def test_unknown_versions_are_refused_in_one_line(workspace, name, message):
    with pytest.raises(ModelError, match=message) as caught:
        registry(workspace).resolve(name)
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match=message):
        registry(workspace).set_alias(name, "champion")


def test_a_damaged_database_is_unreachable_in_one_line_at_once(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"not a database" * 100)
    begin = time.monotonic()
    with pytest.raises(RegistryUnreachableError, match=r"the model registry failed: file is not a database") as caught:
        registry(tmp_path).resolve("champion")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begin < 2


def test_a_locked_database_is_unreachable_after_seconds(workspace, monkeypatch):
    monkeypatch.setattr("riskscore.models.registry._LOCKED", 0.2)
    with closing(sqlite3.connect(workspace / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RegistryUnreachableError, match="the model registry failed: database is locked"):
            registry(workspace).resolve("champion")
    assert registry(workspace).resolve("champion") == ("1", "d1")


@pytest.mark.parametrize("answers", [False, True], ids=["nobody listens", "nobody answers"])
def test_a_server_that_is_down_is_unreachable_after_seconds(monkeypatch, answers):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if answers:
            server.listen()
            monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        uri = f"http://127.0.0.1:{server.getsockname()[1]}"
        begin = time.monotonic()
        with pytest.raises(RegistryUnreachableError, match="the model registry failed: ") as caught:
            Registry(uri, None, "riskscore").resolve("champion")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begin < 15


def test_waiting_is_short_unless_the_user_says_otherwise(template, monkeypatch):
    for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "33")
    registry(template).aliases()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "33"
    assert int(os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]) <= 2


def test_asking_an_empty_workspace_makes_nothing(tmp_path):
    assert registry(tmp_path).aliases() == {}
    with pytest.raises(ModelError, match=r"no model is registered.*run riskscore train"):
        registry(tmp_path).resolve("champion")
    assert list(tmp_path.iterdir()) == []


def test_without_a_root_mlflow_knows_where_the_files_are(template, tmp_path):
    remote = Registry(registry(template).tracking_uri, None, "riskscore")
    assert (remote.download("1", tmp_path / "models" / "1") / "model.json").read_text() == "d1"
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["1"]


def test_a_server_in_the_settings_keeps_its_own_artefacts():
    made = Registry.of(os.curdir, Settings(tracking_uri="http://mlflow.example", model_name="m"))
    assert (made.tracking_uri, made.artifact_root, made.model_name) == ("http://mlflow.example", None, "m")


SILENT = """
import socket, sys
from pathlib import Path
def refuse(*_):
    raise AssertionError("network")
socket.socket.connect = refuse
from riskscore.config import Registry as Settings
from riskscore.models.registry import Registry
assert "mlflow" not in sys.modules
home = Path(sys.argv[1])
(home / "b").mkdir()
(home / "b" / "model.json").write_text("x")
registry = Registry.of(home, Settings())
registry.adopt(registry.register(home / "b", "d", {"a": 1.0}, {}, {}), known={"1"})
assert registry.resolve("champion") == ("1", "d")
assert "mlflow.pyfunc" not in sys.modules
"""


def test_silent_and_offline_with_warnings_as_errors(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", SILENT, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
