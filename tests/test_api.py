"""The library, from outside: frames in, frames out, nothing kept, nothing heavy imported."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import riskscore
from riskscore.errors import ConfigError, InputError, ModelError, WorkspaceError
from riskscore.features import BUILDERS
from tests.pipelines import country as countries
from tests.pipelines.country import position, run

ROOT = Path(__file__).parents[1]
TEN_LINES = """
import pandas as pd
import riskscore
workspace = riskscore.open_workspace({workspace!r})
frame = pd.DataFrame({{
    "shipment_id": ["A1", "A2", "A3"], "arrival_date": "{day}", "mode": "ocean", "port": "2704",
    "importer_id": ["X", None, "Y"], "value_usd": [1000, 5.5, None], "hts": ["850110", "610910", None],
}})
recommendations = riskscore.recommend(workspace, frame, "{day}")
print(recommendations.to_string())
"""


@pytest.fixture(scope="module")
def country(tmp_path_factory):
    return countries.country(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def workspace(country, tmp_path_factory):
    return country.copy(tmp_path_factory.mktemp("api") / "ws")


@pytest.fixture(scope="module")
def today(country):
    """The live shipments of the day, as a frame of the shipments columns."""
    rows = riskscore.read_table(country.manifest).accepted.to_pandas()
    rows = rows[rows["arrival_date"] == country.day].sort_values(["shipment_id", "version"])
    latest = rows.groupby("shipment_id").tail(1).drop(columns="_row")
    return latest[latest["action"] != "deleted"]


def script(text, cwd):
    env = {name: value for name, value in os.environ.items() if name != "RISKSCORE_WORKSPACE"}
    return subprocess.run([sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, cwd=cwd,
                          env=env | {"PYTHONPATH": str(ROOT)}, check=False)  # fmt: skip


def test_ten_lines_from_an_empty_folder(country, workspace, tmp_path):
    before = position(workspace)
    done = script(TEN_LINES.format(workspace=str(workspace.root), day=country.day), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("A1", "A2", "A3", "examine", "inclusion_probability", "reason"):
        assert word in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert position(workspace) == before


def test_importing_costs_nothing(tmp_path):
    heavy = ("mlflow", "pandas", "lightgbm", "duckdb", "sklearn", "pyarrow", "numpy", "scipy", "typer", "rich")
    done = script(f"import sys, riskscore; print([m for m in {heavy} if m in sys.modules])", tmp_path)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_the_command_line_starts_without_the_heavy_parts(tmp_path):
    done = script(
        "import sys, riskscore.cli; print([m for m in ('mlflow', 'lightgbm', 'sklearn') if m in sys.modules])", tmp_path
    )
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_public_names_are_documented():
    assert len(riskscore.__all__) <= 12
    for name in riskscore.__all__:
        assert getattr(riskscore, name).__doc__, name
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = riskscore.no_such_name


def test_the_library_agrees_with_the_daily_job(country, workspace, today, tmp_path):
    said = riskscore.recommend(workspace, today, country.day).set_index("shipment_id").sort_index()
    result = run(country.copy(tmp_path / "ws"), country.manifest, country.day)
    job = result.recommendations.to_pandas().set_index("shipment_id").sort_index()
    assert list(said.index) == list(job.index)
    for name in ("port", "recommendation", "exam_type", "arm", "inclusion_probability", "risk_score", "priority"):
        pd.testing.assert_series_equal(said[name], job[name], check_dtype=False)


def test_the_same_kind_out_as_in(country, workspace, today):
    frame = riskscore.recommend(workspace, today, str(country.day))
    table = riskscore.recommend(workspace, pa.Table.from_pandas(today, preserve_index=False), country.day)
    assert isinstance(frame, pd.DataFrame)
    assert isinstance(table, pa.Table)
    assert (
        table.to_pandas()
        .astype(object)
        .where(lambda t: t.notna(), None)
        .equals(frame.astype(object).where(lambda t: t.notna(), None))
    )


def test_order_of_rows_does_not_matter(country, workspace, today):
    once = riskscore.recommend(workspace, today, country.day)
    again = riskscore.recommend(workspace, today.sample(frac=1, random_state=1), country.day)
    pd.testing.assert_frame_equal(once, again)


def scores_of(workspace, shipments, day):
    return riskscore.score(riskscore.load_model(workspace), riskscore.build_features(workspace, shipments, day))


def test_accepted_rows_can_be_scored_as_they_are(country, workspace):
    accepted = riskscore.read_table(country.manifest).accepted.to_pandas()
    accepted = accepted[accepted["arrival_date"] == country.day].drop_duplicates("shipment_id", keep="last")
    accepted = accepted[accepted["action"] != "deleted"]
    assert "_row" in accepted.columns
    assert len(scores_of(workspace, accepted, country.day)) == len(accepted)


def test_the_steps_are_the_whole(country, workspace, today):
    features = riskscore.build_features(workspace, today, country.day)
    scores = riskscore.score(riskscore.load_model(workspace), features)
    assert scores["any"].between(0, 1).all()
    assert list(scores.index) == sorted(today["shipment_id"])
    chosen = riskscore.select(workspace, today, features, scores, country.day)
    whole = riskscore.recommend(workspace, today, country.day).set_index("shipment_id")
    assert chosen.frame["recommendation"].to_dict() == whole["recommendation"].to_dict()
    assert whole["risk_score"].to_dict() == scores["any"].to_dict()


def test_a_builder_is_added_by_passing_it(country, workspace, today):
    class Constant:
        name = "constant"
        features = BUILDERS[0].features[:0]

        def build(self, shipments, history):
            return pd.DataFrame(index=shipments.index)

    added = riskscore.build_features(workspace, today, country.day, (*BUILDERS, Constant()))
    pd.testing.assert_frame_equal(added, riskscore.build_features(workspace, today, country.day))


def test_what_is_refused(country, workspace, today, tmp_path):
    with pytest.raises(WorkspaceError, match="no workspace here"):
        riskscore.open_workspace(tmp_path / "none")
    with pytest.raises(InputError, match="DataFrame"):
        riskscore.recommend(workspace, [{"shipment_id": "A"}], country.day)
    with pytest.raises(InputError, match="2026-01-31"):
        riskscore.recommend(workspace, today, "soon")
    with pytest.raises(InputError, match="is live and arrives on"):
        riskscore.recommend(workspace, today, country.day + timedelta(1))
    with pytest.raises(InputError, match="given twice"):
        riskscore.recommend(workspace, pd.concat([today, today.assign(description="other")]), country.day)
    with pytest.raises(InputError, match=r"not valid shipments.*mode: expected one of"):
        riskscore.recommend(workspace, today.assign(mode="boat"), country.day)
    with pytest.raises(InputError, match="unknown column 'modes'"):
        riskscore.recommend(workspace, today.rename(columns={"mode": "modes"}), country.day)
    with pytest.raises(InputError, match="unknown table 'manifest'"):
        riskscore.read_table(country.manifest, "manifest")
    with pytest.raises(ModelError, match="'best'"):
        riskscore.recommend(workspace, today, country.day, model="best")
    earlier = country.day - timedelta(9)
    with pytest.raises(ModelError, match="after"):
        riskscore.recommend(workspace, today.assign(arrival_date=earlier), earlier)
    with pytest.raises(ModelError, match="features"):
        riskscore.score(riskscore.load_model(workspace), pd.DataFrame({"x": [1.0]}))


def test_versions_and_deletions_are_resolved_as_in_the_daily_job(country, workspace, today):
    base = scores_of(workspace, today, country.day)
    first = today.iloc[0]
    overtaken = today.iloc[:1].assign(
        version=first["version"] - 1 if first["version"] else 0, value_usd=first["value_usd"]
    )
    gone = today.iloc[1:2].assign(version=99, action="deleted")
    late = today.iloc[2:3].assign(version=99, filed_at=pd.Timestamp(country.day, tz="UTC"), value_usd=1.0)
    other_day = today.iloc[3:4].assign(shipment_id="elsewhere", arrival_date=country.day + timedelta(1))
    more = pd.concat([today, overtaken, gone, late, other_day], ignore_index=True)

    pd.testing.assert_frame_equal(
        scores_of(workspace, more, country.day), base.drop(index=today.iloc[1]["shipment_id"])
    )


def test_no_rows_in_no_rows_out(country, workspace, today):
    assert len(riskscore.recommend(workspace, today.iloc[:0], country.day)) == 0


def test_columns_in_the_types_people_have(country, workspace, today):
    base = scores_of(workspace, today, country.day)
    as_text = today.astype(str).where(today.notna(), None)
    as_times = today.assign(arrival_date=pd.to_datetime(today["arrival_date"]), mode=today["mode"].astype("category"))
    for other in (as_text, as_times, today.astype(object), today.convert_dtypes()):
        pd.testing.assert_frame_equal(scores_of(workspace, other, country.day), base)


@pytest.mark.slow
def test_reading_a_locked_workspace_reads_or_says_so(country, today, tmp_path):
    workspace = country.copy(tmp_path / "ws")
    with workspace.writing():
        text = f"""
import pyarrow.parquet as pq, riskscore
try:
    workspace = riskscore.open_workspace({str(workspace.root)!r})
    print(len(riskscore.recommend(workspace, pq.ParquetFile({str(tmp_path / "t.parquet")!r}).read(), "{country.day}")))
except riskscore.RiskscoreError as error:
    print(type(error).__name__)
"""
        pq.write_table(pa.Table.from_pandas(today, preserve_index=False), tmp_path / "t.parquet")
        done = script(text, tmp_path)
    assert done.stdout.strip() in {str(len(today)), "WorkspaceError", "LockedError"}, done.stderr


def test_explain_says_for_every_shipment_what_moves_its_score(workspace, today, country):
    model = riskscore.load_model(workspace)
    frame = riskscore.build_features(workspace, today, country.day)
    told = riskscore.explain(model, frame)
    assert told.index.equals(frame.index)
    assert all(reason["text"] and reason["direction"] in ("raises", "lowers") for row in told for reason in row)
    # The strongest reasons explain who scores high: those of the riskiest shipment raise, more than anybody else's.
    scores = riskscore.score(model, frame)["any"]
    raised = pd.Series([sum(reason["contribution"] for reason in row) for row in told], index=told.index)
    assert raised[scores.idxmax()] > raised.median()


def test_an_objective_that_weighs_harm_needs_the_model(country, today, tmp_path):
    workspace = country.copy(tmp_path / "ws", '[selection]\nobjective = "harm"\n')
    model = riskscore.load_model(workspace)
    frame = riskscore.build_features(workspace, today, country.day)
    scores = riskscore.score(model, frame)
    with pytest.raises(ConfigError, match="objective 'harm' needs the harm"):
        riskscore.select(workspace, today, frame, scores, country.day)
    chosen = riskscore.select(workspace, today, frame, scores, country.day, model)
    assert chosen.frame["recommendation"].eq("examine").any()
