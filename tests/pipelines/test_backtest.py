"""The backtest on the small country: what each origin knows, what is made of it, and the page."""

from __future__ import annotations

import dataclasses
import re
from datetime import date, timedelta
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from riskscore.cli.backtest import backtest as backtest_command
from riskscore.errors import RunError
from riskscore.features.builders import standard
from riskscore.frames import as_frame
from riskscore.ledger import live_on
from riskscore.models import segments
from riskscore.models.gate import Finding
from riskscore.models.labels import ANY
from riskscore.pipelines import backtest as backtests
from riskscore.pipelines import train
from riskscore.pipelines.backtest import backtest, figures, gathered, report, rows, run, shuffled, windows
from riskscore.pipelines.past import Past

CHECKS = (Finding("labels", True, "all of them"), Finding("shuffled labels", False, "AUC 0.9"))


@dataclasses.dataclass(frozen=True)
class Made:
    """A backtest, and what it was made of."""

    workspace: object
    plan: tuple
    rows: rows.Rows
    found: rows.Findings
    gathered: gathered.Gathered
    windows: list

    @property
    def to(self):
        return self.plan[-1].until


def make(workspace, plan, scratch):
    """Everything up to the figures."""
    with workspace.ledger() as ledger:
        read = rows.read_rows(workspace, ledger, plan, ledger.position)
        found = rows.findings(workspace, ledger, plan[-1].until, ledger.position)
        past = Past(workspace, ledger)
        everything = gathered.gather(workspace, ledger, past, read, scratch)
    scored = windows.score_windows(workspace, past.builders, everything, found)
    return Made(workspace, plan, read, found, everything, scored)


@pytest.fixture(scope="module")
def made(country, tmp_path_factory):
    workspace = country.copy(tmp_path_factory.mktemp("backtest") / "ws")
    plan = rows.origins(country.day - timedelta(21), country.day, 14)
    return make(workspace, plan, tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def table(made):
    return figures.figures(made.windows)


@pytest.fixture(scope="module")
def origins(made):
    return run.origins_table(made.windows, made.to, made.found.slow_days)


@pytest.fixture(scope="module")
def page(made, table, origins):
    return render(made, table, origins)


def render(made, table, origins):
    facts = {"to": made.to, "step_days": 14, "position": 4, "config_digest": "ab" * 32, "slow_days": 34}
    return report.render(table, origins, CHECKS, facts)


# What is known when.


def test_windows_follow_one_another(made, country):
    first, last = made.plan
    assert (first.day, first.until) == (country.day - timedelta(21), country.day - timedelta(7))
    assert (last.day, last.until) == (country.day - timedelta(7), country.day)


@pytest.mark.parametrize(("days", "step"), [(0, 14), (-3, 14), (10, 0)])
def test_no_days_to_backtest(days, step):
    with pytest.raises(RunError, match="no days to backtest from 2026-01-01"):
        rows.origins(date(2026, 1, 1), date(2026, 1, 1) + timedelta(days), step)


def test_each_origin_trains_the_very_model_that_train_makes(made):
    """One replay for all origins, and labels as each morning knew them: the same boosters to the last bit."""
    with made.workspace.ledger() as ledger:
        for window in made.windows:
            day, position = window.origin.day, ledger.position
            shipments, labels = train.read_labelled(made.workspace, ledger, day, position)
            own = train.fit(made.workspace, Past(made.workspace, ledger), shipments, labels, day, position)
            assert window.trained.boosters == own.boosters


def test_features_of_the_one_replay_are_those_of_the_daily_job(made):
    window = made.windows[1]
    with made.workspace.ledger() as ledger:
        for day in (window.origin.day, window.origin.day + timedelta(3)):
            standing = as_frame(live_on(ledger.connection, day, ledger.position), index="shipment_id")
            live = standing[standing["action"] != "deleted"]
            past = Past(made.workspace, ledger)
            frame = past.build(live, past.of_morning(live, day, ledger.position))
            scores = windows.predict(window.trained, frame, 1)
            ours = window.live[window.live["arrival_date"] == pd.Timestamp(day)]
            assert ours.index.tolist() == live.index.tolist()
            assert (ours[f"score_{ANY}"].to_numpy() == scores[ANY].to_numpy()).all()


def test_a_result_that_came_later_is_not_learned_from(made):
    for origin, (numbers, labels) in made.rows.known.items():
        mornings = made.rows.shipments["arrival_date"].iloc[numbers]
        assert (mornings < pd.Timestamp(origin.day)).all()
        assert len(labels) < len(made.found.labels)


def test_examined_rows_are_the_labelled_live_ones(made):
    together = pd.concat([window.examined for window in made.windows])
    days = made.found.labels.index.get_level_values("arrival_date")
    expected = made.found.labels[(days >= pd.Timestamp(made.plan[0].day)) & (days < pd.Timestamp(made.to))]
    assert sorted(together.index) == sorted(expected.index.get_level_values("shipment_id"))
    assert together["drawn"].any()
    assert (together.loc[together[f"label_{ANY}"] == 0, "amount_usd"] == 0).all()


def test_an_unexamined_shipment_has_no_label(made):
    window = made.windows[0]
    assert len(window.examined) < len(window.live) / 3
    assert not set(window.examined.index) - set(window.live.index)


def test_weights_say_how_many_a_row_stands_for(made):
    examined = pd.concat([window.examined for window in made.windows])
    known = examined[examined[f"weight_{ANY}"].notna()]
    assert (known.loc[known[f"certain_{ANY}"] & ~known["drawn"], f"weight_{ANY}"] < 3).all()
    assert (known.loc[known["drawn"], f"weight_{ANY}"] > 20).all()


def test_shipments_of_the_year_before_by_hand(made, country):
    day = country.day - timedelta(7)
    with made.workspace.ledger() as ledger:
        counts, covered = rows.imported_before(ledger, day, ledger.position)
        query = "SELECT DISTINCT importer_id, shipment_id, arrival_date, filed_day FROM shipments_log"
        log = ledger.connection.execute(query).df()
    earlier = log[(log["arrival_date"] < pd.Timestamp(day)) & ~(log["filed_day"] >= pd.Timestamp(day))]
    expected = earlier.groupby("importer_id")["shipment_id"].nunique()
    assert counts.to_dict() == expected.to_dict()
    assert covered == (pd.Timestamp(day) - log["arrival_date"].min()).days


def test_parts_change_nothing(made, table, monkeypatch, tmp_path):
    monkeypatch.setattr(gathered, "PART_ROWS", 1)
    monkeypatch.setattr(windows, "SCORED_TOGETHER", 100)
    again = make(made.workspace, made.plan, tmp_path)
    assert figures.figures(again.windows).equals(table)


def test_an_origin_with_too_little_to_learn_from_says_so(made):
    """The first origin knows three labels only; the second is as it was."""
    early, late = made.plan
    numbers, labels = made.rows.known[early]
    known = {early: (numbers[:3], labels.iloc[:3]), late: made.rows.known[late]}
    poor = dataclasses.replace(made.gathered, rows=dataclasses.replace(made.rows, known=known))
    refused, trained = windows.score_windows(made.workspace, standard(), poor, made.found)
    assert refused.trained is None
    assert trained.trained.boosters == made.windows[1].trained.boosters
    assert "before" not in trained.live
    row, _ = run.origins_table([refused, trained], made.to, 10).to_pylist()
    assert (row["trained"], row["training_rows"], row["refusal"]) == (False, None, refused.refusal)
    assert "labelled shipments" in row["refusal"]
    assert figures.figures([refused, trained]).num_rows


def test_no_origin_can_be_trained(made):
    known = {origin: (numbers[:3], labels.iloc[:3]) for origin, (numbers, labels) in made.rows.known.items()}
    poor = dataclasses.replace(made.gathered, rows=dataclasses.replace(made.rows, known=known))
    with pytest.raises(RunError, match=r"no origin has enough to learn from: .* labelled shipments"):
        windows.score_windows(made.workspace, standard(), poor, made.found)


def test_the_slow_days_are_those_of_finds():
    outcomes = pd.DataFrame({
        "result": ["released_no_discrepancy"] * 90 + ["seized"] * 10 + ["detained"],
        "exam_date": pd.Timestamp(2026, 1, 1),
        "known_at": pd.Timestamp(2026, 1, 1) + pd.to_timedelta([1] * 90 + [30] * 10 + [300], "D"),
    })  # fmt: skip
    assert rows.slow_days(outcomes) == 30
    assert rows.slow_days(outcomes[:90]) == 1
    assert rows.slow_days(outcomes[:0]) == 0


# Figures.


def values(table, figure, **place):
    found = [
        row
        for row in table.to_pylist()
        if row["figure"] == figure and all(row[name] == value for name, value in place.items())
    ]
    assert found, figure
    return found


def test_every_figure_has_rows_and_an_undefined_one_is_null(table):
    assert table.schema == figures.SCHEMA
    frame = table.to_pandas()
    undefined = frame["value"].isna()
    assert undefined.any()
    assert frame.loc[undefined, ["low", "high"]].isna().all(axis=None)
    assert (frame.loc[~undefined & ~frame["figure"].str.contains("live|predicted|noise"), "rows"] > 0).all()
    held = frame.dropna(subset=["value", "low", "high"])
    assert (held["low"] <= held["value"] + 1e-9).all()
    assert (held["value"] <= held["high"] + 1e-9).all()
    assert not frame.duplicated(["origin", "segment_kind", "segment", "target", "figure"]).any()


def test_certain_exams_that_are_too_early_to_tell_are_spoken_for_by_their_like(made):
    window = made.windows[0]
    rows_ = window.examined.sort_index()
    certain = rows_[f"certain_{ANY}"] & rows_[f"weight_{ANY}"].notna() & ~rows_["uncorrected"]
    early = certain & (np.arange(len(rows_)) % 2 == 0)
    late = dataclasses.replace(window, examined=rows_.assign(**{f"weight_{ANY}": rows_[f"weight_{ANY}"].mask(early)}))
    whole, part = (figures.View((one,), ANY, "population").sample for one in (window, late))

    assert 0 < early.sum() < certain.sum()
    assert len(part) == len(whole) - early.sum()
    assert part.weights[part.certain].sum() == pytest.approx(certain.sum())
    # Random exams stand for as many as before.
    assert part.weights[~part.certain].sum() == pytest.approx(whole.weights[~whole.certain].sum())


def test_recall_without_findings_is_null(table):
    without = [row for row in table.to_pylist() if row["figure"].startswith("examined.") and "recall" in row["figure"]]
    silent = [row for row in without if row["segment_kind"] != "hazard" and row["rows"] == 0]
    assert silent
    assert all(row["value"] is None for row in silent)


def test_counts_by_hand(made, table):
    window = made.windows[0]
    [live] = values(table, "live", origin=window.origin.day, target=ANY)
    assert live["value"] == len(window.live)
    labelled = window.examined[window.examined[f"label_{ANY}"].notna()]
    [rate] = values(table, "examined.base_rate", origin=window.origin.day, target=ANY)
    assert rate["value"] == pytest.approx(labelled[f"label_{ANY}"].mean())
    assert (rate["rows"], rate["positives"]) == (len(labelled), labelled[f"label_{ANY}"].sum())


def test_segments_add_up(made, table):
    everybody = sum(len(window.live) for window in made.windows)
    for kind in gathered.GROUPS:
        parts = values(table, "examined.share", segment_kind=kind)
        assert sum(row["rows"] for row in parts) == everybody
        chosen = values(table, f"population.{figures.TOP}.share_of_traffic_chosen", segment_kind=kind)
        slots = sum(row["value"] * row["rows"] for row in chosen)
        assert slots == pytest.approx(0.05 * everybody, abs=2)


def test_burden_by_hand(made, table):
    live = pd.concat([window.live for window in made.windows])
    small = live["importer_size"].isin(segments.SMALL)
    [row] = values(table, f"population.{figures.TOP}.share_of_traffic", segment="small")
    assert row["value"] == pytest.approx(small.mean())


def test_stability_compares_two_models_on_the_same_shipments(made, table):
    last = made.windows[1]
    assert "before" not in made.windows[0].live
    [row] = values(table, f"stability.{figures.TOP}.overlap", origin=last.origin.day)
    slots = round(0.05 * len(last.live))
    tops = [set(last.live[name].nlargest(slots).index) for name in (f"score_{ANY}", "before")]
    if last.live[f"score_{ANY}"].is_unique and last.live["before"].is_unique:
        assert row["value"] == pytest.approx(len(tops[0] & tops[1]) / slots)
    assert row["rows"] == slots


def test_without_random_exams_nothing_is_said_of_everybody(made):
    blind = [dataclasses.replace(w, examined=w.examined[~w.examined["drawn"]].copy()) for w in made.windows]
    made_of = figures.figures(blind).to_pandas()
    about = made_of["figure"].str.startswith(("population.prevalence", "population.calib", "random_floor"))
    assert not about.any()


# Shuffled labels.


def test_shuffled_labels_pass(made):
    finding = shuffled.shuffled_labels(made.workspace, made.gathered, made.plan[-1])
    assert finding.passed, finding.detail
    assert re.search(r"AUC 0\.\d+ on \d+ held-out rows with \d+ positives; 0\.5 is expected", finding.detail)


def test_shuffled_labels_find_a_leak(made, monkeypatch):
    """Planted: a training that tells dealt-out labels apart on held-out days, as if it had been fitted on them."""
    _, labels, _ = made.gathered.sample(made.plan[-1])

    booster = SimpleNamespace(evaluation={"rows": 200, "positives": 40, "auc": 0.93})
    knowing = SimpleNamespace(boosters={ANY: booster})
    monkeypatch.setattr("riskscore.pipelines.backtest.shuffled.models.train", lambda *_, **__: knowing)
    finding = shuffled.shuffled_labels(made.workspace, made.gathered, made.plan[-1])
    assert not finding.passed
    assert "AUC 0.930" in finding.detail
    dealt = shuffled.dealt(labels)
    assert dealt[ANY].sum() == labels[ANY].sum()
    assert (dealt[ANY] != labels[ANY]).any()


# The page.


class Reader(HTMLParser):
    """Tags, attributes and identifiers of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.links, self.ids, self.text = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), f"{tag} {name}"
            if name in {"href", "src", "xlink:href", "action"}:
                self.links.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_loads_and_runs_nothing(page):
    read = Reader(page)
    assert not {"script", "iframe", "object", "embed", "form", "base"} & set(read.tags)
    assert all(link.startswith(("#", "data:")) for link in read.links)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
    assert not re.search(r"@import|url\((?!#)", page)


def test_identifiers_of_the_pictures_are_unique(page):
    read = Reader(page)
    assert len(set(read.ids)) == len(read.ids)
    assert {link[1:] for link in read.links if link.startswith("#")} <= set(read.ids)
    assert all(f'"#{found}"' not in page for found in set(read.ids) if not found)


def test_the_page_answers_what_an_audit_office_asks(page):
    text = " ".join("".join(Reader(page).text).split())
    for question in ("Does it work?", "How sure are we?", "On whom does it fall?", "What could not be measured?"):
        assert question in text
    assert "FAILED: shuffled labels" in text
    assert "95 % intervals" in text.replace("\xa0", " ")
    assert "nan" not in re.split(r"\W+", text.lower())
    assert "none" not in re.split(r"\W+", text.replace("none in the year before", "").replace(": none;", ""))


def test_pictures_take_the_colours_of_the_page(page):
    assert not re.search(r"#0[1-6]0[1-6]0[1-6]", page)
    assert "var(--first)" in page
    assert "<metadata" not in page


HOSTILE = (
    '<script>alert("1")</script>',
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} {% raw %}",
    "$\\frac{1}{0}$ & ' \" ]]> -->",
    "</svg></style><b>",
    "港口\u202e\x07\nzwei Zeilen",
)


def test_hostile_names_are_text(made, table, origins, page):
    ports = sorted({row["segment"] for row in table.to_pylist() if row["segment_kind"] == "port"})
    renamed = dict(zip(ports, HOSTILE, strict=False))
    changed = [row | {"segment": renamed.get(row["segment"], row["segment"])} for row in table.to_pylist()]
    hostile = Reader(render(made, pa.Table.from_pylist(changed, figures.SCHEMA), origins))
    clean = Reader(page)
    # Longer names leave room for fewer ticks; nothing else may change.
    drawn = {"g", "path", "use", "text", "tspan"}
    assert [tag for tag in hostile.tags if tag not in drawn] == [tag for tag in clean.tags if tag not in drawn]
    said = "".join("".join(hostile.text).split())
    assert all("".join(name.split()) in said for name in HOSTILE)


def test_a_hostile_refusal_is_text(made, table, origins):
    told = [row | {"trained": False, "refusal": HOSTILE[0]} for row in origins.to_pylist()]
    said = Reader(render(made, table, pa.Table.from_pylist(told, run.ORIGINS)))
    assert "script" not in said.tags
    assert HOSTILE[0] in "".join(said.text)


# From end to end.


def test_from_end_to_end(country, tmp_path):
    workspace = country.copy(tmp_path / "ws")
    stages = []
    result = backtest(workspace, country.day - timedelta(7), country.day, report=lambda stage, *_: stages.append(stage))
    name = f"{country.day - timedelta(7)}_{country.day}"
    assert result.folder == workspace.out / "backtests" / name
    assert pq.ParquetFile(result.folder / "figures.parquet").read().equals(result.figures)
    assert pq.ParquetFile(result.folder / "origins.parquet").read().equals(result.origins)
    assert "Backtest" in (result.folder / "report.html").read_text(encoding="utf-8")
    assert result.checks[-1].name == "shuffled labels"
    assert all(check.passed for check in result.checks), result.checks
    assert stages[0] == "replaying history"
    assert stages[-1] == "done"


@pytest.mark.slow
def test_the_same_backtest_has_the_same_bytes(country, tmp_path):
    workspace = country.copy(tmp_path / "ws")
    days = country.day - timedelta(7), country.day
    one, two = (backtest(workspace, *days, out=tmp_path / name) for name in "ab")
    for name in ("figures.parquet", "origins.parquet", "report.html"):
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


# The command.


@pytest.fixture
def command(made):
    app = typer.Typer()
    app.callback()(lambda: None)
    app.command()(backtest_command)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, ["backtest", *arguments], obj=(made.workspace.root, 1))


def test_the_command_says_where_the_report_is(made, command, monkeypatch, tmp_path, origins):
    asked = {}

    def answer(workspace, first, to, **options):
        asked.update(options, first=first, to=to)
        return backtests.Backtest(tmp_path, None, origins, CHECKS)

    monkeypatch.setattr("riskscore.pipelines.backtest.backtest", answer)
    said = command("--from", "2026-01-05", "--to", "2026-03-02", "--step-days", "7", "--out", str(tmp_path))
    assert said.exit_code == 0, said.output
    assert (asked["first"], asked["to"]) == (date(2026, 1, 5), date(2026, 3, 2))
    assert (asked["step_days"], asked["out"]) == (7, tmp_path)
    assert f"report: {tmp_path / 'report.html'}" in said.output
    assert "WARNING shuffled labels: AUC 0.9" in said.output
    assert "leakage checks passed: 1 of 2" in said.output
    assert made.plan[0].day.isoformat() in said.output


def test_the_command_wants_dates(command):
    assert command("--from", "yesterday", "--to", "2026-03-02").exit_code == 2
    assert command("--to", "2026-03-02").exit_code == 2
