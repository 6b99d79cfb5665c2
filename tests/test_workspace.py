"""A workspace is one folder: made whole or refused, opened only where there is one."""

from __future__ import annotations

import pytest

from riskscore.config import Config
from riskscore.errors import ConfigError, WorkspaceError
from riskscore.ledger import Ledger
from riskscore.workspace import Workspace


def test_a_new_workspace_has_defaults_and_an_empty_ledger(tmp_path):
    made = Workspace.create(tmp_path / "deep" / "down")
    assert made.config == Config()
    assert sorted(path.name for path in made.root.iterdir()) == ["ledger.duckdb", "riskscore.toml"]
    with Workspace.open(made.root).writing() as ledger:
        assert ledger.position == 0
        assert ledger.runs() == []
        assert ledger.last_arrival() is None


def test_a_workspace_is_not_overwritten(tmp_path):
    Workspace.create(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(WorkspaceError, match="workspace already"):
        Workspace.create(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(("lost", "kept"), [("riskscore.toml", "ledger.duckdb"), ("ledger.duckdb", "riskscore.toml")])
def test_what_is_missing_is_made_again_and_the_rest_kept(tmp_path, lost, kept):
    Workspace.create(tmp_path)
    (tmp_path / lost).unlink()
    before = (tmp_path / kept).read_bytes()
    Workspace.create(tmp_path)
    assert (tmp_path / kept).read_bytes() == before
    with Workspace.open(tmp_path).writing() as ledger:
        assert ledger.position == 0


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WorkspaceError, match="cannot make this folder"):
        Workspace.create(tmp_path / "file")


def test_no_workspace_names_the_command_that_makes_one(tmp_path):
    with pytest.raises(WorkspaceError, match=rf"no workspace here: {tmp_path}.*init"):
        Workspace.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_ledger_keeps_the_zone_it_was_made_with(tmp_path):
    made = Workspace.create(tmp_path / "ws")
    (made.root / "riskscore.toml").write_text("timezone = 'America/Chicago'")
    with pytest.raises(ConfigError, match=r"timezone is 'America/Chicago'.*'UTC'"), Workspace.open(made.root).writing():
        pass


def test_a_ledger_is_never_made_twice(tmp_path):
    Ledger.create(tmp_path / "ledger.duckdb", "UTC")
    with pytest.raises(WorkspaceError, match="ledger already"):
        Ledger.create(tmp_path / "ledger.duckdb", "UTC")


def test_readers_share(tmp_path):
    made = Workspace.create(tmp_path / "ws")
    with made.ledger(read_only=True) as one, Workspace.open(made.root).ledger(read_only=True) as two:
        assert one.position == two.position == 0


def test_readers_cannot_write(tmp_path):
    import duckdb

    made = Workspace.create(tmp_path / "ws")
    with made.ledger(read_only=True) as ledger, pytest.raises(duckdb.Error, match="read-only"):
        ledger.connection.execute("DELETE FROM commands")
