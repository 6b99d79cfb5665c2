from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from riskscore.config import Registry as Settings
from riskscore.errors import ModelError
from riskscore.models import bundle
from riskscore.models.registry import Registry

pytestmark = pytest.mark.xdist_group("mlflow")


def registry(workspace):
    return Registry.of(workspace, Settings())


def register(workspace, digest="d1"):
    source = workspace / "models" / "new"
    source.mkdir(parents=True, exist_ok=True)
    (source / "model.json").write_text(digest)
    made = registry(workspace)
    version = made.register(source, digest, {"any.auc": 0.8}, {"trees": 200}, {"as_of": "2026-01-01"})
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


def test_a_damaged_database_is_an_error_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 0)
    (tmp_path / "mlflow.db").write_bytes(b"not a database" * 100)
    with pytest.raises(ModelError, match=r"the model registry failed: .*file is not a database") as caught:
        registry(tmp_path).resolve("champion")
    assert "\n" not in str(caught.value)


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
