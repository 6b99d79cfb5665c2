"""What exams find and what becomes known of it."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskscore import reference, simulator
from riskscore.errors import InputError
from riskscore.readers import number_rows
from riskscore.simulator import exams, lists
from riskscore.simulator.arrays import texts
from riskscore.tables import OUTCOMES, recommendations_schema
from riskscore.validation import validate

ALL_HAZARDS = np.ones((20_000, len(lists.HAZARDS)), dtype=bool)
NAMES = texts([f"S{i}" for i in range(20_000)])


def all_of(exam: str) -> np.ndarray:
    return texts([exam] * len(NAMES))


@pytest.mark.parametrize("exam", reference.exams())
def test_an_exam_finds_what_it_can_see_as_often_as_stated(exam):
    luck = exams.draws(1, NAMES, all_of(exam))
    rate = exams.found(luck, ALL_HAZARDS, all_of(exam)).mean(axis=0)
    stated = np.array([reference.sensitivity()[exam, hazard] for hazard in lists.HAZARDS])

    # Four standard errors of a share of 20,000.
    assert np.abs(rate - stated).max() < 4 * 0.5 / np.sqrt(20_000)
    assert (rate[stated == 0] == 0).all()


def test_luck_depends_on_world_shipment_and_exam_only():
    exam = all_of("nii")
    luck = exams.draws(1, NAMES[:50], exam[:50])

    assert np.array_equal(exams.draws(1, NAMES[:50][::-1], exam[:50])[::-1], luck)
    assert not np.array_equal(exams.draws(2, NAMES[:50], exam[:50]), luck)
    assert not np.array_equal(exams.draws(1, NAMES[:50], all_of("lab")[:50]), luck)


def test_nothing_is_found_where_nothing_is():
    luck = exams.draws(1, NAMES, all_of("intensive"))

    assert not exams.found(luck, ~ALL_HAZARDS, all_of("intensive")).any()


def test_the_best_exam_beats_every_other(country):
    flags = country.truth.loc[country.truth["any"], list(lists.HAZARDS)].to_numpy(dtype=bool)

    def chance(of):
        return 1 - np.prod(1 - flags * exams.sensitivities(of), axis=1)

    best = chance(exams.best_exams(flags))
    for exam in reference.exams():
        assert (best >= chance(texts([exam] * len(flags))) - 1e-12).all()


def test_past_outcomes_say_what_is_true(country):
    found = country.outcomes[country.outcomes["result"].isin(reference.POSITIVE)]
    truth = country.truth.set_index("shipment_id")
    sees = reference.sensitivity()

    assert len(found) > 50
    assert all(truth.loc[row.shipment_id, row.hazard] for row in found.itertuples())
    spoken = country.outcomes.dropna(subset=["hazard"])
    assert all(sees[row.exam_type, row.hazard] > 0 for row in spoken.itertuples())


def test_results_are_clear_positive_pending_or_waived_and_pending_ones_are_decided_later(country):
    rows = country.outcomes
    key = ["shipment_id", "exam_type", "exam_date", "hazard"]
    last = rows.sort_values("known_at").drop_duplicates(key, keep="last")

    assert not rows.duplicated([*key, "known_at"]).any()
    assert (rows["result"] == "detained").any()
    assert "detained" not in set(last["result"])
    assert "not_examined" not in set(rows["result"])
    assert rows.loc[rows["result"] == "released_no_discrepancy", "hazard"].isna().all()


def test_results_become_known_one_to_forty_nine_days_after_the_exam(country):
    rows = country.outcomes
    delay = rows["known_at"].dt.tz_convert(None).dt.normalize() - pd.to_datetime(rows["exam_date"])
    arrival = rows["shipment_id"].map(country.truth.set_index("shipment_id")["arrival_date"])
    wait = pd.to_datetime(rows["exam_date"]) - pd.to_datetime(arrival)

    assert delay.min() >= pd.Timedelta(days=1)
    assert delay.max() <= pd.Timedelta(days=49)
    assert delay.median() <= pd.Timedelta(days=14)
    assert (delay > pd.Timedelta(days=14)).any()
    assert wait.between(pd.Timedelta(0), pd.Timedelta(days=2)).all()


def test_the_random_arm_is_a_sample_of_everybody_at_its_stated_chance(country):
    random = country.outcomes[country.outcomes["selected_by"] == "random"]
    legacy = country.outcomes[country.outcomes["selected_by"] == "legacy"]
    examined = random["shipment_id"].nunique()

    assert set(random["exam_type"]) == {"intensive"}
    assert set(random["inclusion_probability"]) == {0.0075}
    assert set(legacy["inclusion_probability"]) == {1.0}
    assert not random["result"].isin(reference.UNLABELLED).any()
    # 0.0075 of the 95 % that the rules left, less 5 to 15 % whose record was lost.
    assert 0.005 < examined / country.world.shipments < 0.008


def test_a_tenth_of_the_records_is_lost():
    picks = pd.DataFrame({
        "shipment_id": NAMES, "arrival_date": pd.Timestamp(2025, 3, 3), "exam_type": "nii", "selected_by": "random",
        "inclusion_probability": 0.1,
    })  # fmt: skip
    rows = exams.outcomes(1, picks, ~ALL_HAZARDS, np.zeros(len(picks)))

    assert 0.05 < 1 - len(set(rows["shipment_id"].to_pylist())) / len(picks) < 0.15


def publish(folder, truth, exam_type="intensive", **columns):
    """Recommendations as the daily job publishes them: the first rows examined, the others released."""
    examine = np.arange(len(truth)) < len(truth) // 2
    rows = {
        "shipment_id": truth["shipment_id"], "recommendation": np.where(examine, "examine", "release"),
        "exam_type": np.where(examine, exam_type, None), "arm": np.where(examine, "risk", "none"),
        "inclusion_probability": np.where(examine, 0.25, 0.01), **columns,
    }  # fmt: skip
    schema = recommendations_schema()
    empty = schema.empty_table()
    table = pa.table({
        name: pa.array(list(rows[name]), schema.field(name).type) if name in rows
        else pa.nulls(len(truth), schema.field(name).type)
        for name in empty.column_names
    })  # fmt: skip
    path = folder / "run_date=2025-02-03" / "part-0.parquet"
    path.parent.mkdir(parents=True)
    pq.write_table(table, path)
    return path


@pytest.fixture
def examined(country):
    """A hundred hazardous and a hundred other shipments, mixed."""
    truth = country.truth
    return pd.concat([truth[truth["any"]].head(100), truth[~truth["any"]].head(100)]).sample(frac=1, random_state=0)


def test_simulated_exams_become_valid_outcomes_of_the_recommending_arm(country, examined, tmp_path):
    path = publish(tmp_path, examined)

    result = simulator.simulate_exams(country.world.path, path.parent.parent, tmp_path / "found.parquet")
    table = pq.read_table(result.path)

    assert result.exams == 100
    assert result.rows == table.num_rows
    assert validate(number_rows(table), OUTCOMES).quarantined.num_rows == 0
    assert set(table["shipment_id"].to_pylist()) <= set(examined["shipment_id"].head(100))
    assert set(table["selected_by"].to_pylist()) == {"risk"}
    assert set(table["inclusion_probability"].to_pylist()) == {0.25}


def test_a_file_and_its_folder_and_any_row_order_give_the_same_bytes(country, examined, tmp_path):
    path = publish(tmp_path / "a", examined)
    half = examined.head(100)
    turned = publish(tmp_path / "b", pd.concat([half.iloc[::-1], examined.tail(100)]))
    sources = (path, path.parent.parent, turned)

    for at, source in enumerate(sources):
        simulator.simulate_exams(country.world, source, tmp_path / f"{at}.parquet")

    assert len({(tmp_path / f"{at}.parquet").read_bytes() for at in range(len(sources))}) == 1


def test_findings_are_what_simulated_exams_report(country, examined, tmp_path):
    result = simulator.simulate_exams(country.world, publish(tmp_path, examined), tmp_path / "found.parquet")
    picks = examined.head(100).assign(exam_type="intensive")
    found = simulator.findings(country.world, picks)
    reported = pq.read_table(result.path).to_pandas()
    hits = set(reported.loc[reported["result"].isin(reference.POSITIVE), "shipment_id"])

    assert found.index.equals(picks.index)
    assert result.hits == found["any"].sum()
    # Waivers and lost records only take away.
    assert hits <= set(found.loc[found["any"], "shipment_id"])
    assert len(hits) > 0.6 * found["any"].sum()


def test_the_past_and_the_present_share_their_luck(country, tmp_path):
    past = country.outcomes[country.outcomes["selected_by"] == "random"]
    picks = country.truth[country.truth["shipment_id"].isin(past["shipment_id"])]
    picks = pd.concat([picks, country.truth.head(len(picks))])
    path = publish(tmp_path, picks, arm=["random_floor"] * len(picks))

    result = simulator.simulate_exams(country.world, path, tmp_path / "found.parquet")
    again = pq.read_table(result.path).to_pandas()
    columns = ["shipment_id", "exam_type", "exam_date", "hazard", "result", "amount_usd", "known_at"]
    again = again[again["shipment_id"].isin(past["shipment_id"])]

    pd.testing.assert_frame_equal(again[columns].reset_index(drop=True), past[columns].reset_index(drop=True))


def test_what_cannot_be_examined_is_refused_in_one_line(country, examined, tmp_path):
    def run(path):
        simulator.simulate_exams(country.world.path, path, tmp_path / "found.parquet")

    strangers = examined.assign(shipment_id="X" + examined["shipment_id"])
    with pytest.raises(InputError, match="100 shipments are not of this world, such as X"):
        run(publish(tmp_path / "a", strangers))
    with pytest.raises(InputError, match="unknown exam types sniffing"):
        run(publish(tmp_path / "b", examined, exam_type="sniffing"))
    with pytest.raises(InputError, match="cannot read recommendations"):
        run(tmp_path / "nowhere")
    with pytest.raises(InputError, match="cannot read recommendations"):
        run(country.world.traders)
    with pytest.raises(InputError, match="not a simulated world"):
        simulator.simulate_exams(tmp_path, country.world.traders, tmp_path / "found.parquet")
    assert not (tmp_path / "found.parquet").exists()
