"""Decisions about models: kept as they were made, one below the other, also in a ledger that is older than they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import duckdb
import pytest

from riskscore.ledger import DecisionRecord, Ledger
from tests.factories import make_workspace

DECISION = DecisionRecord(
    seq=0,
    version="2",
    alias="champion",
    against="1",
    accepted=False,
    manner="gate",
    reasons=("log loss: worse", 'a "quoted" one; and more'),
    stated="",
    decided_by="Ärger, O'Neill",
    decided_at=datetime(2026, 3, 2, 8),  # noqa: DTZ001 - UTC throughout
    position=0,
    evidence={"checks": [{"name": "log loss", "figures": {"low": 0.1, "high": None}}], "notes": []},
)


def recorded(workspace, *decisions):
    with workspace.writing() as ledger:
        for decision in decisions:
            with ledger.transaction("promote") as transaction:
                transaction.record_decision(replace(decision, seq=transaction.seq))
    with workspace.ledger(read_only=True) as ledger:
        return ledger.decisions()


def test_decisions_are_read_as_they_were_recorded(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    accepted = replace(DECISION, accepted=True, against=None, stated="newer", manner="override")
    assert recorded(workspace, DECISION, accepted) == [replace(DECISION, seq=1), replace(accepted, seq=2)]


def interrupted(ledger):
    with ledger.transaction("promote") as transaction:
        transaction.record_decision(DECISION)
        raise RuntimeError("no power")


def test_a_decision_of_a_transaction_that_fails_is_none(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    with workspace.writing() as ledger:
        with pytest.raises(RuntimeError, match="no power"):
            interrupted(ledger)
        assert ledger.decisions() == []
        assert ledger.position == 0


@pytest.mark.parametrize("read_only", [True, False])
def test_a_ledger_without_the_table_gets_it(tmp_path, read_only):
    workspace = make_workspace(tmp_path / "ws")
    path = workspace.root / "ledger.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE decisions")
    with Ledger(path, read_only=read_only) as ledger:
        assert ledger.decisions() == []
        [(statement,)] = ledger.connection.execute("SELECT statement FROM migrations").fetchall()
    assert statement.startswith("CREATE TABLE decisions")
    assert len(recorded(workspace, DECISION)) == 1
