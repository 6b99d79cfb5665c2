"""Models of a workspace: what the ledger does not vouch for is not loaded; a registry that is down stops no morning."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from contextlib import closing

import pytest

from riskscore.errors import ModelError
from riskscore.models import bundle
from riskscore.models.card import card
from riskscore.models.registry import RegistryUnreachableError
from riskscore.pipelines.model_store import load_model, point, registry_of
from riskscore.workspace import Workspace
from tests.models.tampering import WAYS
from tests.pipelines.country import SETTINGS, published, run

pytestmark = pytest.mark.xdist_group("mlflow")


def load(workspace, name="champion"):
    with workspace.ledger(read_only=True) as ledger:
        return load_model(workspace, ledger, name)


def artefacts(workspace):
    """The folder in which MLflow keeps the one run's artefacts."""
    (found,) = (workspace.root / "mlartifacts").rglob("model_card.md")
    return found.parent


def set_tag(workspace, digest):
    """As one who may write to MLflow's database, but not to the ledger."""
    with closing(sqlite3.connect(workspace.root / "mlflow.db")) as database, database:
        database.execute("UPDATE model_version_tags SET value = ? WHERE key = 'digest'", [digest])


def test_training_leaves_card_signature_evaluation_and_tags(workspace):
    loaded = load(workspace)
    assert not loaded.offline
    assert loaded.as_record()["registry"] == "ok"
    written = (workspace.models / "1.md").read_text()
    assert written == card(loaded.model.trained, loaded.digest)
    assert (artefacts(workspace) / "model_card.md").read_text() == written
    assert json.loads((artefacts(workspace) / "evaluation.json").read_text())["any"]["rows"] > 0
    inputs = json.loads(json.loads((artefacts(workspace) / "signature.json").read_text())["inputs"])
    assert [column["name"] for column in inputs] == [feature.name for feature in loaded.model.features]
    with closing(sqlite3.connect(workspace.root / "mlflow.db")) as database:
        tags = dict(database.execute("SELECT key, value FROM model_version_tags").fetchall())
    assert tags["digest"] == loaded.digest
    assert tags["as_of"] == loaded.as_of.isoformat()
    assert json.loads((workspace.models / "aliases.json").read_text()) == {"champion": "1"}


def test_a_missing_copy_is_fetched_and_verified(workspace):
    before = bundle.digest(workspace.models / "1")
    shutil.rmtree(workspace.models / "1")
    assert load(workspace).digest == before == bundle.digest(workspace.models / "1")
    assert [path.name for path in workspace.models.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("attacked", ["ledger alone", "ledger and MLflow disagree"])
def test_a_tampered_registry_gives_nothing_to_load(workspace, tmp_path, attacked):
    """Whoever may write to MLflow, its artefacts and its digest, still has the ledger against him."""
    mark, kept = tmp_path / "ran", artefacts(workspace) / "bundle"
    whole = shutil.copytree(kept, tmp_path / "whole")
    recorded = load(workspace).digest
    shutil.rmtree(workspace.models / "1")
    for way, tamper in WAYS.items():
        tamper(kept, mark)
        if attacked != "ledger alone":
            set_tag(workspace, "0" * 64 if way in ("a pipe", "a huge file") else digest_of(kept))
        with pytest.raises(ModelError):
            load(workspace)
        assert not mark.exists(), way
        assert not (workspace.models / "1").exists(), way
        shutil.rmtree(kept)
        shutil.copytree(whole, kept)
        set_tag(workspace, recorded)
    assert load(workspace).digest == recorded


def digest_of(folder):
    """The digest of a tampered folder, where it has one."""
    try:
        return bundle.digest(folder)
    except ModelError:
        return "0" * 64


def test_both_the_ledger_and_mlflow_must_agree(workspace):
    recorded = load(workspace).digest
    set_tag(workspace, "0" * 64)
    with pytest.raises(ModelError, match="version 1 is not one that this workspace's ledger knows"):
        load(workspace)
    set_tag(workspace, recorded)
    with workspace.writing() as ledger:
        ledger.connection.execute("UPDATE models SET digest = reverse(digest)")
        ledger.connection.execute("CHECKPOINT")
    with pytest.raises(ModelError, match="version 1 is not one that this workspace's ledger knows"):
        load(workspace)


def test_a_consistently_forged_registry_and_copy_are_refused(workspace):
    """A forged bundle with its digest everywhere but in the ledger."""
    for folder in (workspace.models / "1", artefacts(workspace) / "bundle"):
        manifest = json.loads((folder / "model.json").read_bytes())
        manifest["boosters"][0]["calibrator"]["slope"] = 0.0
        (folder / "model.json").write_text(json.dumps(manifest))
    set_tag(workspace, bundle.digest(workspace.models / "1"))
    with pytest.raises(ModelError, match="not one that this workspace's ledger knows"):
        load(workspace)
    (workspace.root / "mlflow.db").unlink()
    with pytest.raises(ModelError, match="not the one registered"):
        load(workspace)


def test_a_day_is_scored_alike_with_the_registry_gone(country, scored, workspace):
    online, result = scored
    (workspace.root / "mlflow.db").unlink()
    again = run(workspace, country.manifest, country.day)
    assert again.run.run_id == result.run.run_id
    assert published(workspace, country.day).read_bytes() == published(online, country.day).read_bytes()
    assert result.run.record["model"]["registry"] == "ok"
    assert again.run.record["model"] == {
        **result.run.record["model"],
        "registry": "unreachable: no model is registered",
    }
    assert run(workspace, country.manifest, country.day).replayed
    assert not (workspace.root / "mlflow.db").exists()


def test_a_locked_or_damaged_database_costs_seconds(workspace, monkeypatch):
    monkeypatch.setattr("riskscore.models.registry._LOCKED", 0.2)
    begin = time.monotonic()
    with closing(sqlite3.connect(workspace.root / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        locked = load(workspace)
    assert (locked.version, locked.unreachable) == ("1", "the model registry failed: database is locked")
    (workspace.root / "mlflow.db").write_bytes(b"not a database" * 100)
    assert load(workspace, "1").as_record()["registry"].endswith("failed: file is not a database")
    assert time.monotonic() - begin < 20


def test_a_server_that_is_down_costs_seconds(country, tmp_path):
    workspace = country.copy(tmp_path / "ws", f'{SETTINGS}[registry]\ntracking_uri = "http://127.0.0.1:9"\n')
    begin = time.monotonic()
    loaded = load(workspace)
    assert (loaded.version, loaded.offline) == ("1", True)
    assert "\n" not in loaded.unreachable
    assert time.monotonic() - begin < 20


def forget(workspace):
    (workspace.models / "aliases.json").unlink()


def misremember(content):
    return lambda workspace: (workspace.models / "aliases.json").write_text(content)


@pytest.mark.parametrize(
    "change",
    [forget, misremember("{"), misremember("[]"), misremember('{"champion": "9"}'), misremember('{"champion": "../1"}'),
     misremember('{"champion": ["1"]}'), lambda workspace: shutil.rmtree(workspace.models / "1")],
)  # fmt: skip
def test_without_a_known_version_and_its_copy_the_first_error_stands(workspace, change):
    change(workspace)
    (workspace.root / "mlflow.db").unlink()
    with pytest.raises(RegistryUnreachableError, match=r"no model is registered.*run riskscore train"):
        load(workspace)


def test_a_copy_is_verified_offline_too(workspace):
    (workspace.root / "mlflow.db").unlink()
    with (workspace.models / "1" / "any.txt").open("a") as text:
        text.write("\n")
    with pytest.raises(ModelError, match="not the one registered"):
        load(workspace)


def test_an_answer_that_there_is_no_such_model_is_final(workspace):
    misremember('{"champion": "1", "challenger": "1"}')(workspace)
    with pytest.raises(ModelError, match="is called 'challenger'") as caught:
        load(workspace, "challenger")
    assert not isinstance(caught.value, RegistryUnreachableError)


def test_an_alias_is_remembered_when_it_is_given_or_resolved(workspace):
    point(workspace, "1", "challenger")
    assert load(workspace, "challenger").version == "1"
    forget(workspace)
    load(workspace)
    (workspace.root / "mlflow.db").unlink()
    assert load(workspace).offline
    with pytest.raises(RegistryUnreachableError):
        load(workspace, "challenger")


def test_a_workspace_that_may_not_be_written_loads_all_the_same(workspace, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    forget(workspace)
    monkeypatch.setattr("riskscore.pipelines.model_store.write_bytes", refuse)
    assert load(workspace).version == "1"


def test_the_registry_of_a_workspace_is_its_own(workspace):
    assert registry_of(Workspace.open(workspace.root)).resolve("champion")[0] == "1"
