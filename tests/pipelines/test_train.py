"""Training: registered under a digest, the first version champion, nothing on refusal, the same model every time."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskscore.errors import LockedError, ModelError, RunError
from riskscore.ledger import exam_chances
from riskscore.models import bundle, tuning
from riskscore.pipelines.ingest import ingest
from riskscore.pipelines.model_store import load_model, registry_of
from riskscore.pipelines.score import score
from riskscore.pipelines.train import train
from riskscore.tables import SHIPMENTS
from riskscore.workspace import Workspace
from tests.factories import DAY, make_workspace, noon, outcomes, shipments
from tests.pipelines.country import SETTINGS, position, published


def write(path, rows):
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_the_first_version_is_champion_and_known_to_the_ledger(country):
    workspace = Workspace.open(country.root)
    with workspace.ledger(read_only=True) as ledger:
        loaded = load_model(workspace, ledger)
    assert (loaded.version, loaded.as_of) == ("1", country.day)
    assert loaded.digest == bundle.digest(workspace.models / "1")
    assert registry_of(workspace).resolve("champion") == ("1", loaded.digest)


def test_training_again_gives_the_same_model_as_a_challenger(country, workspace):
    with workspace.ledger(read_only=True) as ledger:
        first = load_model(workspace, ledger)
    again = train(Workspace.open(workspace.root, threads=2), country.day)
    assert (again.version, again.alias) == ("2", "challenger")
    for path in (workspace.models / "1").glob("*.txt"):
        assert (workspace.models / "2" / path.name).read_bytes() == path.read_bytes()
    with workspace.ledger(read_only=True) as ledger:
        assert load_model(workspace, ledger).version == first.version


def test_facts_of_the_as_of_day_and_later_teach_nothing(country, workspace, tmp_path):
    for n in range(3):
        ingest(workspace, "manifest", [country.world.manifest(country.day + timedelta(n))])
    names = country.rows()[:40]
    late = outcomes(*[{"shipment_id": row["shipment_id"], "exam_type": "intensive", "result": "seized",
                       "hazard": "narcotics", "exam_date": country.day, "known_at": noon(country.day)}
                      for row in names if row["shipment_id"]])  # fmt: skip
    ingest(workspace, "outcomes", [write(tmp_path / "late.parquet", late)])
    again = train(workspace, country.day)
    for path in (workspace.models / "1").glob("*.txt"):
        assert (workspace.models / again.version / path.name).read_bytes() == path.read_bytes()


def test_an_empty_ledger(tmp_path):
    workspace = make_workspace(tmp_path / "ws")
    with pytest.raises(RunError, match=r"the ledger holds no shipment.*ingest manifest"):
        train(workspace)
    assert position(workspace) == 0
    assert not (workspace.root / "mlflow.db").exists()


@pytest.mark.parametrize("results", [[], ["released_no_discrepancy"] * 30, ["not_examined"] * 30, ["detained"] * 30,
                                     ["released_no_discrepancy"] * 20 + ["seized"] * 3])  # fmt: skip
def test_too_few_labels(tmp_path, results):
    workspace = make_workspace(tmp_path / "ws")
    rows = shipments(*[{"shipment_id": f"S{n}"} for n in range(30)])
    ingest(workspace, "manifest", [write(tmp_path / "m.parquet", rows)])
    if results:
        found = outcomes(
            *[{"shipment_id": f"S{n}", "result": r, "exam_type": "intensive"} for n, r in enumerate(results)]
        )
        ingest(workspace, "outcomes", [write(tmp_path / "o.parquet", found)])
    before = position(workspace)
    with pytest.raises(ModelError, match=r"\d|no "):
        train(workspace, DAY + timedelta(30))
    assert position(workspace) == before
    assert not workspace.models.exists() or not list(workspace.models.iterdir())


def test_as_of_before_any_fact(country, workspace):
    with pytest.raises((ModelError, RunError), match=r"label|case|shipment"):
        train(workspace, country.world.first_day)


def test_a_locked_workspace(workspace):
    with workspace.writing(), pytest.raises(LockedError, match="another riskscore command"):
        train(Workspace.open(workspace.root))


def test_no_shipments_column_is_forgotten_by_the_ledger(workspace):
    with workspace.ledger(read_only=True) as ledger:
        columns = [name for name, *_ in ledger.connection.execute("DESCRIBE shipments_log").fetchall()]
    assert columns[: len(SHIPMENTS.names)] == list(SHIPMENTS.names)


def test_tuned_settings_are_those_of_the_model(country, tmp_path, monkeypatch):
    """One origin: the small country has too few findings for the usual three."""
    monkeypatch.setattr(tuning, "tune", partial(tuning.tune, origins=1))
    workspace = country.copy(tmp_path / "ws", f"{SETTINGS}settled_after_days = 4\n")
    made = train(workspace, country.day, trials=2)
    assert len(made.tuned.trials) == 2
    with workspace.ledger(read_only=True) as ledger:
        model = load_model(workspace, ledger, made.version).model
    assert model.training["settings"] == made.tuned.settings.model_dump(mode="json")
    assert train(workspace, country.day).tuned is None


def test_chances_are_those_of_the_run_that_ordered_the_exam(country, tmp_path):
    """A refresh with other slots, after the results are in, ordered nothing."""
    workspace = country.copy(tmp_path / "ws")
    score(workspace, [country.manifest], country.day)
    ordered = pq.read_table(published(workspace, country.day)).to_pandas().set_index("shipment_id")
    examined = ordered.index[ordered["recommendation"] == "examine"]
    found = outcomes(*({"shipment_id": name, "exam_date": country.day} for name in examined))
    ingest(workspace, "outcomes", [write(tmp_path / "found.parquet", found)])
    (workspace.root / "riskscore.toml").write_text(f"{SETTINGS}[capacity]\ndefault_share = 0.5\n", encoding="utf-8")
    wider = Workspace.open(workspace.root)
    score(wider, [country.manifest], country.day, refresh=True)
    with wider.ledger(read_only=True) as ledger:
        asked = pa.array(ordered.index, pa.string())
        chances = exam_chances(ledger.connection, asked, country.day + timedelta(30), ledger.position).to_pylist()
    assert {row["shipment_id"] for row in chances} == set(examined)
    for row in chances:
        name = row.pop("shipment_id")
        assert row == ordered.at[name, "exam_probabilities"]
    refreshed = pq.read_table(published(wider, country.day)).to_pandas().set_index("shipment_id")
    assert not refreshed["exam_probabilities"].equals(ordered["exam_probabilities"].loc[refreshed.index])
