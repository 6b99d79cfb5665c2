"""A ledger made by an older version opens, keeps every fact, and knows a row again that it took in then."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import pytest

from riskscore.errors import WorkspaceError
from riskscore.ledger import Ledger, live_on, schema
from riskscore.ledger.schema import hash_of, rows_of
from riskscore.tables import INGESTED, POST_ENTRY, SHIPMENTS
from tests.factories import DAY, append_rows, make_workspace, noon, post_entry, shipments

FIRST_VERSION = """
CREATE TABLE shipments_log (shipment_id VARCHAR, version BIGINT, action VARCHAR, filed_at TIMESTAMP, arrival_date DATE,
    mode VARCHAR, port VARCHAR, entry_type VARCHAR, importer_id VARCHAR, importer_name VARCHAR, consignee_id VARCHAR,
    consignee_name VARCHAR, shipper_id VARCHAR, shipper_name VARCHAR, manufacturer_id VARCHAR,
    manufacturer_name VARCHAR, carrier_id VARCHAR, carrier_name VARCHAR, filer_id VARCHAR, filer_name VARCHAR,
    origin_country VARCHAR, export_country VARCHAR, foreign_port VARCHAR, hts VARCHAR, description VARCHAR,
    value_usd DOUBLE, weight_kg DOUBLE, quantity DOUBLE, quantity_unit VARCHAR, duty_rate_pct DOUBLE,
    duty_regime VARCHAR, container_ids VARCHAR, seal_ids VARCHAR, preference_program VARCHAR, bond_type VARCHAR,
    in_bond BOOLEAN, pga_flags VARCHAR, seq BIGINT NOT NULL, row_digest VARCHAR NOT NULL, filed_day DATE,
    history_day DATE NOT NULL);
CREATE TABLE traders_log (trader_id VARCHAR, name VARCHAR, country VARCHAR, role VARCHAR, ctpat_tier BIGINT,
    ctpat_status VARCHAR, isa_member BOOLEAN, ctpat_trade_compliance BOOLEAN, aeo_programme VARCHAR, center VARCHAR,
    valid_from DATE, valid_to DATE, known_at TIMESTAMP, seq BIGINT NOT NULL, row_digest VARCHAR NOT NULL,
    known_day DATE NOT NULL);
CREATE TABLE outcomes_log (shipment_id VARCHAR, exam_type VARCHAR, exam_date DATE, result VARCHAR, hazard VARCHAR,
    amount_usd DOUBLE, known_at TIMESTAMP, waiver_code VARCHAR, waiver_text VARCHAR, selected_by VARCHAR,
    inclusion_probability DOUBLE, seq BIGINT NOT NULL, row_digest VARCHAR NOT NULL, known_day DATE NOT NULL);
CREATE TABLE settings (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
CREATE TABLE commands (seq BIGINT PRIMARY KEY, command VARCHAR NOT NULL, version VARCHAR NOT NULL,
    began_at TIMESTAMP NOT NULL);
CREATE TABLE quarantine (seq BIGINT NOT NULL, table_name VARCHAR NOT NULL, source VARCHAR NOT NULL,
    row_number BIGINT NOT NULL, reasons VARCHAR[] NOT NULL, raw VARCHAR NOT NULL);
CREATE TABLE models (seq BIGINT NOT NULL, version VARCHAR PRIMARY KEY, digest VARCHAR NOT NULL, as_of DATE NOT NULL,
    feature_hash VARCHAR NOT NULL);
CREATE TABLE runs (seq BIGINT NOT NULL, run_date DATE NOT NULL, run_id VARCHAR NOT NULL, position BIGINT NOT NULL,
    parquet_sha256 VARCHAR NOT NULL, record VARCHAR NOT NULL);
CREATE TABLE recommendations (run_id VARCHAR, shipment_id VARCHAR);
INSERT INTO settings VALUES ('timezone', 'UTC');
INSERT INTO commands VALUES (1, 'ingest manifest', '0.1.0', '2026-03-05 08:00:00');
INSERT INTO shipments_log BY NAME SELECT 'MAEU123456789' AS shipment_id, 0 AS version, 'new' AS action,
    TIMESTAMP '2026-03-01 12:00:00' AS filed_at, DATE '2026-03-02' AS arrival_date, 'ocean' AS mode, '2704' AS port,
    'IMP1' AS importer_id, 'Ärger, Ltd' AS importer_name, '6109100012' AS hts, 1250.5 AS value_usd, 100.0 AS weight_kg,
    'MSKU1234565' AS container_ids, false AS in_bond, 1 AS seq, DATE '2026-03-01' AS filed_day,
    DATE '2026-03-02' AS history_day, '8b37eef4aedb76ae340c66f1475bf58a974b6570687fd9811723506d87734f22' AS row_digest;
INSERT INTO shipments_log BY NAME SELECT 'LX000000018CN' AS shipment_id, 0 AS version, 'new' AS action,
    DATE '2026-03-02' AS arrival_date, 'mail' AS mode, '2720' AS port, 1 AS seq, DATE '2026-03-02' AS history_day,
    '8f38264be6fd72e2d78e36c1afd61d1890b7f426aa63633c4a343bdfaa4e0f90' AS row_digest;
INSERT INTO traders_log BY NAME SELECT 'IMP1' AS trader_id, 'Ärger, Ltd' AS name, 2 AS ctpat_tier, true AS isa_member,
    DATE '2025-01-01' AS valid_from, TIMESTAMP '2025-01-02 12:00:00' AS known_at, 1 AS seq,
    DATE '2025-01-02' AS known_day, 'e981a98177ce13635efcbb1f48f9c26f7a59c6d104d9a25d5b83cfb88998b6ec' AS row_digest;
INSERT INTO outcomes_log BY NAME SELECT 'MAEU123456789' AS shipment_id, 'document' AS exam_type,
    DATE '2026-03-02' AS exam_date, 'released_no_discrepancy' AS result, TIMESTAMP '2026-03-05 08:00:00' AS known_at,
    1 AS seq, DATE '2026-03-05' AS known_day,
    '207ab0122264444b232030bbc168e217baf29802a5384fe4669d47e87060ac2b' AS row_digest;
"""
"""The tables of version 0.1.0, and rows with the digests that it gave them."""

SHIPMENT = {"shipment_id": "MAEU123456789", "version": 0, "action": "new", "filed_at": datetime(2026, 3, 1, 12),  # noqa: DTZ001
            "arrival_date": date(2026, 3, 2), "mode": "ocean", "port": "2704", "importer_id": "IMP1",
            "importer_name": "Ärger, Ltd", "hts": "6109100012", "value_usd": 1250.5, "weight_kg": 100.0,
            "container_ids": "MSKU1234565", "in_bond": False}  # fmt: skip
PARCEL = {"shipment_id": "LX000000018CN", "arrival_date": date(2026, 3, 2), "mode": "mail", "port": "2720"}
TRADER = {"trader_id": "IMP1", "name": "Ärger, Ltd", "ctpat_tier": 2, "isa_member": True,
          "valid_from": date(2025, 1, 1), "known_at": datetime(2025, 1, 2, 12)}  # fmt: skip # noqa: DTZ001
OUTCOME = {"shipment_id": "MAEU123456789", "exam_type": "document", "exam_date": date(2026, 3, 2),
           "result": "released_no_discrepancy"}  # fmt: skip


@pytest.fixture
def old(tmp_path):
    """A workspace whose ledger version 0.1.0 made."""
    workspace = make_workspace(tmp_path / "ws")
    path = workspace.root / "ledger.duckdb"
    path.unlink()
    with duckdb.connect(str(path)) as connection:
        connection.execute(FIRST_VERSION)
    return workspace


def contents(ledger):
    """Every table with its columns, and every row of the tables of the first version but for the settings."""
    shape = ledger.connection.execute("SELECT table_name, column_name, data_type FROM duckdb_columns()").fetchall()
    rows = {table.name: ledger.connection.execute(f"SELECT {', '.join(table.names)} FROM {table.name}_log").fetchall()
            for table in INGESTED.values()}  # fmt: skip
    return sorted(shape), rows


def test_the_golden_ledger_is_not_of_today(old):
    with duckdb.connect(str(old.root / "ledger.duckdb")) as connection:
        names = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert "post_entry_log" not in names
    assert "migrations" not in names


@pytest.mark.parametrize("read_only", [True, False])
def test_an_old_ledger_opens_with_todays_tables_and_its_own_facts(old, tmp_path, read_only):
    with old.ledger(read_only=read_only) as ledger, make_workspace(tmp_path / "new").ledger() as fresh:
        tables = {name for name, _, _ in contents(fresh)[0]} - {"recommendations"}
        assert [column for column in contents(ledger)[0] if column[0] in tables] == [
            column for column in contents(fresh)[0] if column[0] in tables
        ]
        assert ledger.position == 1
        assert live_on(ledger.connection, DAY, 1)["shipment_id"].to_pylist() == ["LX000000018CN", "MAEU123456789"]
        [(unhashed,)] = ledger.connection.execute(
            f"SELECT count(*) FROM shipments_log WHERE shipment_hash IS DISTINCT FROM {hash_of('shipment_id')}"
        ).fetchall()
        assert unhashed == 0


def test_identical_rows_are_duplicates_across_the_migration(old):
    with old.writing() as ledger:
        before = contents(ledger)
        found = append_rows(old, ledger, shipments=[PARCEL, SHIPMENT], traders=[TRADER], outcomes=[OUTCOME])
        assert {name: list(fates.fates["fate"]) for name, fates in found.items()} == {
            "shipments": ["duplicate"] * 2, "traders": ["duplicate"], "outcomes": ["duplicate"]}  # fmt: skip
        assert contents(ledger) == before


ADDED = [name for name in SHIPMENTS.names if name not in FIRST_VERSION]


def test_a_stated_new_column_makes_another_row(old):
    values = {"text": "1 Harbour Road", "timestamp": noon(DAY), "bool": False}
    stated = [{column: values[SHIPMENTS[column].type]} for column in ADDED]
    assert len(stated) == 8
    later = [SHIPMENT | one | {"filed_at": noon(DAY, n)} for n, one in enumerate(stated, 1)]
    with old.writing() as ledger:
        for one in stated:
            assert append_rows(old, ledger, shipments=[SHIPMENT | one])["shipments"].count("conflict") == 1
        assert set(append_rows(old, ledger, shipments=later)["shipments"].fates["fate"]) == {"new", "superseded"}
        assert append_rows(old, ledger, shipments=later)["shipments"].count("duplicate") == len(later)


def test_the_name_of_a_new_column_is_part_of_the_digest(old):
    rows = [SHIPMENT | {"shipment_id": "S9", "filed_at": noon(DAY, -n), column: "1 Harbour Road"}
            for n, column in enumerate(("importer_address", "shipper_address"))]  # fmt: skip
    rows.append(rows[0] | {"importer_address": None, "shipper_address": "1 Harbour Road"})
    with old.writing() as ledger:
        append_rows(old, ledger, shipments=rows[:2])
        assert append_rows(old, ledger, shipments=[rows[2]])["shipments"].count("conflict") == 1


def test_a_migration_is_recorded_and_happens_once(old):
    with old.ledger() as ledger:
        identity = ledger.identity
        rows = ledger.connection.execute("SELECT position, statement FROM migrations").fetchall()
    statements = [statement for _, statement in rows]
    assert {position for position, _ in rows} == {1}
    assert sum(statement.startswith("ALTER TABLE shipments_log ADD COLUMN") for statement in statements) == 9
    assert any("CREATE TABLE post_entry_log" in statement for statement in statements)
    with old.ledger() as ledger:
        assert ledger.identity == identity
        assert ledger.connection.execute("SELECT count(*) FROM migrations").fetchall() == [(len(rows),)]
        assert ledger.position == 1


def test_a_migration_that_fails_changes_nothing(old, monkeypatch):
    path = old.root / "ledger.duckdb"
    monkeypatch.setattr("riskscore.ledger.migration.new_identity", lambda: "INSERT INTO nowhere VALUES (1)")
    with pytest.raises(WorkspaceError, match=r"does not open.*nowhere.*ledger\.duckdb"):
        Ledger(path)
    with duckdb.connect(str(path)) as connection:
        names = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        columns = [name for name, *_ in connection.execute("DESCRIBE shipments_log").fetchall()]
    assert "migrations" not in names
    assert set(ADDED).isdisjoint(columns)


def test_a_ledger_of_a_newer_version_is_refused(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    with workspace.ledger() as ledger:
        ledger.connection.execute("ALTER TABLE traders_log ADD COLUMN score DOUBLE")
    with pytest.raises(WorkspaceError, match=r"traders_log has columns.*score.*ledger\.duckdb.*upgrade"):
        workspace.ledger()


def test_a_new_ledger_needs_no_migration(tmp_path):
    with make_workspace(tmp_path / "ws").ledger(read_only=True) as ledger:
        assert ledger.connection.execute("SELECT count(*) FROM migrations").fetchall() == [(0,)]
    assert list(schema.log_columns(POST_ENTRY)) == [*POST_ENTRY.names, "seq", "row_digest", "known_day"]


def test_each_ledger_has_an_identity_that_its_copies_share(tmp_path):
    paths = [tmp_path / f"{n}.duckdb" for n in range(2)]
    for path in paths:
        Ledger.create(path, "UTC")
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(paths[0].read_bytes())
    found = []
    for path in (*paths, copy):
        with Ledger(path, read_only=True) as ledger:
            found.append(ledger.identity)
    assert found[0] == found[2] != found[1]


def test_rows_of_shipments_are_exact_whatever_their_hashes(tmp_path):
    """With all hashes equal every row passes the first comparison; the ids must still decide."""
    workspace = make_workspace(tmp_path / "ws")
    rows = shipments(*({"shipment_id": f"S{n % 5}", "version": n // 5} for n in range(20)))
    wanted = "(SELECT 'S1' AS shipment_id, CAST(0 AS UBIGINT) AS shipment_hash)"
    with workspace.ledger() as ledger:
        append_rows(workspace, ledger, shipments=rows, post_entry=post_entry({}))
        ledger.connection.execute("UPDATE shipments_log SET shipment_hash = 0")
        found = ledger.connection.execute(f"SELECT shipment_id, version FROM {rows_of(wanted)} ORDER BY 2").fetchall()
    assert found == [("S1", version) for version in range(4)]
