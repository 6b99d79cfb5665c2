"""Every slip is one clear line: exit 1 or 2, nothing half-written."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from riskscore.workspace import Workspace
from tests.factories import make_workspace, outcomes, shipments
from tests.pipelines.country import position, sha256, write_csv

ROOT = Path(__file__).parents[2]


def files_of(folder):
    return {p.relative_to(folder): sha256(p) for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


@pytest.fixture
def slip(riskscore, workspace):
    """Call with the trained workspace; the answer must be an error in one line that changes no file."""

    def call(*arguments, code=1):
        before = files_of(workspace.root)
        said = riskscore("--workspace", workspace.root, *arguments)
        assert said.code == code, said.out + said.err
        assert files_of(workspace.root) == before
        return said.line

    return call


def test_missing_file(slip, country, tmp_path):
    for command in (("ingest", "manifest"), ("score",)):
        assert "absent.parquet" in slip(*command, tmp_path / "absent.parquet")
    assert "absent" in slip("score", country.manifest, tmp_path / "absent", "--date", country.day)


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "02/03/2026", "20260302", ""])
def test_wrong_date(slip, country, text):
    assert "2026-01-31" in slip("score", country.manifest, "--date", text, code=2)
    assert "2026-01-31" in slip("train", "--as-of", text, code=2)


def test_manifest_of_another_day(slip, country):
    line = slip("score", country.manifest, "--date", "2031-05-05")
    assert "2031-05-05" in line
    assert str(country.manifest) in line


def test_unknown_column(slip, tmp_path):
    (tmp_path / "day.csv").write_text("shipment_id,arrival_date,mode,port,importer_ids\n")
    assert "did you mean 'importer_id'" in slip("ingest", "manifest", tmp_path / "day.csv")
    assert "importer_ids" in slip("score", tmp_path / "day.csv")


def test_file_that_is_no_manifest(slip, country, tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    assert "x.parquet" in slip("ingest", "manifest", tmp_path / "x.parquet")
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    assert "x.csv" in slip("score", tmp_path / "x.csv")
    assert "truth" in slip("ingest", "manifest", country.world.path / "truth.parquet")
    assert "--format" in slip("ingest", "manifest", ROOT / "LICENSE")


def test_unknown_feed_format_and_option(slip, country):
    assert "manifest" in slip("ingest", "manifests", country.manifest, code=2)
    assert "kcs" in slip("ingest", "manifest", country.manifest, "--format", "xml", code=2)
    assert "--dat" in slip("score", country.manifest, "--dat", "2026-01-01", code=2)
    assert "FILE" in slip("score", code=2)


def test_unknown_model(slip, country):
    assert "'best'" in slip("score", country.manifest, "--date", country.day, "--model", "best")
    assert "99" in slip("score", country.manifest, "--date", country.day, "--model", "99")


def test_day_before_the_models(slip, country):
    day = country.day - timedelta(3)
    assert "--allow-future-model" in slip("score", country.world.manifest(day), "--date", day)


def test_no_model(riskscore, tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    path = write_csv(tmp_path / "day.csv", shipments({}))
    said = riskscore("--workspace", workspace.root, "score", path)
    assert said.code == 1
    assert "riskscore train" in said.line
    assert position(workspace) == 0
    assert not (workspace.root / "mlflow.db").exists()


def test_locked_workspace(riskscore, workspace, country):
    with Workspace.open(workspace.root).writing():
        for command in (("score", country.manifest, "--date", country.day), ("train",),
                        ("ingest", "traders", country.world.traders)):  # fmt: skip
            said = riskscore("--workspace", workspace.root, *command)
            assert said.code == 1
            assert "another riskscore command is using this workspace" in said.line


@pytest.mark.parametrize("command", [("train",), ("score", "day.csv"), ("ingest", "traders", "t.csv")])
def test_no_workspace(riskscore, tmp_path, command):
    said = riskscore("--workspace", tmp_path / "none", *command)
    assert said.code == 1
    assert "init" in said.line
    assert not (tmp_path / "none").exists()


def test_workspace_exists_already(slip, workspace):
    assert str(workspace.root) in slip("init")


def test_workspace_is_a_file(riskscore, tmp_path):
    (tmp_path / "file").touch()
    said = riskscore("--workspace", tmp_path / "file", "init")
    assert said.code == 1
    assert "file" in said.line


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("[capacity", "TOML"),
        ("[capacity]\ndefault_shar = 0.1", "capacity.default_shar"),
        ("[capacity]\ndefault_share = 2", "capacity.default_share"),
        ("timezone = 'Mars/Olympus'", "Mars/Olympus"),
        ("[selection]\nfloor_share = 0", "selection.floor_share"),
        ("[[must_exam]]\nid = 'x'", "must_exam"),
        ("\x00", "TOML"),
        ("timezone = 'Asia/Seoul'", "UTC"),
    ],
)
def test_broken_configuration(slip, workspace, country, toml, says):
    (workspace.root / "riskscore.toml").write_text(toml)
    for command in (("train",), ("score", country.manifest, "--date", country.day)):
        line = slip(*command)
        assert says in line
        assert "riskscore.toml" in line


def test_rule_on_a_column_that_does_not_exist(slip, workspace, country):
    rule = """[[must_exam]]
id = "r"
exam = "nii"
owner = "me"
reason = "why"
where = [{ column = "importer", op = "eq", value = "x" }]
"""
    (workspace.root / "riskscore.toml").write_text(rule)
    assert "importer_id" in slip("score", country.manifest, "--date", country.day)


def test_missing_configuration(riskscore, workspace):
    (workspace.root / "riskscore.toml").unlink()
    said = riskscore("--workspace", workspace.root, "train")
    assert said.code == 1
    assert "riskscore.toml" in said.line


def test_nothing_to_train_on(riskscore, tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    said = riskscore("--workspace", workspace.root, "train")
    assert said.code == 1
    assert "ingest manifest" in said.line
    riskscore("--workspace", workspace.root, "ingest", "manifest", write_csv(tmp_path / "m.csv", shipments({}, {})))
    riskscore("--workspace", workspace.root, "ingest", "outcomes", *[_outcomes(tmp_path)])
    said = riskscore("--workspace", workspace.root, "train")
    assert said.code == 1
    assert re.search(r"\b[012]\b", said.line), "it says how many labels there are"


def _outcomes(folder):
    import pyarrow as pa

    pq.write_table(pa.Table.from_pylist(outcomes({"exam_type": "intensive"})), folder / "o.parquet")
    return folder / "o.parquet"


@pytest.mark.parametrize("damage", ["header", "truncated", "blocks", "empty", "another database"])
def test_damaged_ledger(riskscore, workspace, country, damage):
    path = workspace.root / "ledger.duckdb"
    whole = path.read_bytes()
    if damage == "another database":
        path.unlink()
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE mine (x INTEGER)")
    else:
        path.write_bytes({"header": b"\x00" * 4096 + whole[4096:], "truncated": whole[: len(whole) // 2], "empty": b"",
                          "blocks": whole[:20_000] + b"\xff" * (len(whole) - 20_000)}[damage])  # fmt: skip
    said = riskscore("--workspace", workspace.root, "score", country.manifest, "--date", country.day)
    assert said.code == 1
    assert "ledger" in said.line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_without_permission(riskscore, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    said = riskscore("--workspace", tmp_path / "closed" / "ws", "init")
    assert said.code == 1
    assert "ws" in said.line
