"""What lies on disk: files, columns, keys, times, damage."""

import hashlib
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from stdnum import imo, iso6346

from riskscore import reference, simulator
from riskscore.errors import InputError
from riskscore.identity import place
from riskscore.readers import number_rows
from riskscore.reference import manufacturers
from riskscore.simulator import addresses
from riskscore.simulator.filings import DAMAGES
from riskscore.tables import OUTCOMES, POST_ENTRY, POST_ENTRY_EVENTS, SHIPMENTS, TRADERS
from riskscore.validation import validate
from tests.simulator.conftest import frame

ARROW = {
    "text": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(), "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}  # fmt: skip


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def simulate(folder: Path, **changes) -> simulator.SimulatedWorld:
    return simulator.simulate(folder, **{"weeks": 2, "per_day": 15, "seed": 5, **changes})


def test_equal_arguments_give_equal_bytes_and_another_seed_another_country(tmp_path):
    first, again, other = (simulate(tmp_path / name, seed=seed).path for name, seed in (("a", 5), ("b", 5), ("c", 6)))

    assert digests(first) == digests(again)
    assert digests(first)["truth.parquet"] != digests(other)["truth.parquet"]


@pytest.mark.parametrize("scenario", ["steady", "break", "stealth"])
def test_a_world_opens_as_it_was_made(tmp_path, scenario):
    world = simulate(tmp_path / "world", scenario=scenario)

    assert simulator.open_world(world.path) == world
    assert world.last_day == world.first_day + timedelta(days=13)
    assert (world.break_day is None) == (scenario == "steady")


@pytest.mark.parametrize("scenario", ["steady", "break", "stealth"])
def test_the_smallest_world_is_a_world(tmp_path, scenario):
    world = simulate(tmp_path / "world", weeks=1, per_day=1, scenario=scenario)

    assert len(simulator.truth(world)) == 7
    assert len(list(world.manifests.glob("*/*.parquet"))) == 7
    assert world.break_day is None


def test_progress_is_told_once_a_day(tmp_path):
    told = []

    simulate(tmp_path / "world", progress=lambda done, total: told.append((done, total)))

    assert told == [(day, 14) for day in range(1, 15)]


def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(InputError, match="expected a new or empty folder"):
        simulate(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weeks": 0}, "weeks between 1 and"),
        ({"per_day": 0}, "per_day between 1 and"),
        ({"seed": -1}, "seed between 0 and"),
        ({"census": 1.0}, "census of at least 0 and below 1"),
        ({"scenario": "calm"}, "unknown scenario 'calm'.*steady, break, stealth"),
    ],
)
def test_parameters_out_of_range_are_refused_before_anything_is_written(tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        simulate(tmp_path / "world", **changes)
    assert not (tmp_path / "world").exists()


def test_a_folder_that_is_no_world_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a simulated world"):
        simulator.open_world(tmp_path)
    with pytest.raises(InputError, match=r"no truth\.parquet"):
        simulator.truth(tmp_path)


def test_columns_and_types_are_those_declared(small):
    for table, path in (
        (SHIPMENTS, small.world.manifest(small.world.first_day)),
        (TRADERS, small.world.traders),
        (OUTCOMES, small.world.outcomes),
        (POST_ENTRY, small.world.post_entry),
    ):
        expected = pa.schema([(column.name, ARROW[column.type]) for column in table.columns])
        assert pq.read_schema(path).equals(expected)


def test_there_is_one_manifest_for_every_day(small):
    days = [small.world.first_day + timedelta(days=day) for day in range(42)]

    assert sorted(small.world.manifests.glob("date=*/*")) == [small.world.manifest(day) for day in days]


def test_rows_stand_in_the_file_of_their_day(small):
    for day in (small.world.first_day + timedelta(days=23), small.world.last_day):
        rows = frame(pq.read_table(small.world.manifest(day)))
        morning = pd.Timestamp(day)
        rows = rows[rows["arrival_date"].notna()]
        today = rows["arrival_date"] == morning
        late = rows[~today]

        assert (rows.loc[today, "filed_at"].isna() | (rows.loc[today, "filed_at"] < morning)).all()
        assert len(late) > 0
        assert (late["arrival_date"] < morning).all()
        assert (late["filed_at"].dt.normalize() == morning).all()
        assert late["action"].isin(["amended", "deleted"]).all()


def test_versions_count_up_in_order_of_filing(small):
    rows = frame(small.rows)
    rows = rows[rows["shipment_id"].isin(small.truth["shipment_id"])].drop_duplicates()
    rows = rows.sort_values(["shipment_id", "version"])
    same = rows["shipment_id"] == rows["shipment_id"].shift()

    assert not rows.duplicated(["shipment_id", "version"]).any()
    assert (rows["version"].diff()[same] == 1).all()
    assert not (rows["filed_at"].diff()[same] <= pd.Timedelta(0)).any()
    assert (rows.loc[~same, "action"] == "new").all()
    assert (rows["action"].shift()[same] != "deleted").all()


def test_truth_names_every_shipment_once_and_agrees_with_itself(small):
    truth = small.truth
    hazards = truth[list(reference.hazards())]
    first = frame(small.rows.filter(pc.equal(small.rows["version"], 0)))

    assert len(truth) == small.world.shipments == 42 * 100
    assert truth["shipment_id"].is_unique
    assert set(truth["shipment_id"]) <= set(first["shipment_id"])
    assert (hazards.any(axis=1) == truth["any"]).all()
    assert ((truth["harm_usd"] > 0) == truth["any"]).all()


def test_validation_quarantines_the_damaged_lines_and_nothing_else(small):
    validated = validate(number_rows(small.rows), SHIPMENTS)
    accepted = frame(validated.accepted)

    assert validated.quarantined.num_rows + len(accepted) == small.rows.num_rows
    assert 0 < validated.quarantined.num_rows <= 0.01 * small.rows.num_rows
    assert set(accepted["shipment_id"]) == set(small.truth["shipment_id"])
    assert validated.findings == {}


def test_every_kind_of_damage_occurs(small):
    reasons = validate(number_rows(small.rows), SHIPMENTS).quarantined["reasons"].to_pylist()

    assert len({reason for row in reasons for reason in row}) >= len(DAMAGES) - 2


def test_traders_outcomes_and_post_entry_events_are_valid_as_they_stand(small):
    world = small.world
    for table, path in ((TRADERS, world.traders), (OUTCOMES, world.outcomes), (POST_ENTRY, world.post_entry)):
        validated = validate(number_rows(pq.read_table(path)), table)

        assert validated.quarantined.num_rows == 0
        assert validated.findings == {}


def test_every_party_of_a_shipment_is_in_the_traders_table(small):
    live, known = small.live(), set(small.traders["trader_id"])

    for role in ("importer", "consignee", "shipper", "manufacturer", "carrier", "filer"):
        assert set(live[f"{role}_id"].dropna()) <= known


def test_shares_of_what_goes_wrong_are_lifelike(country):
    rows = frame(country.rows)
    shipments = country.world.shipments

    assert 0.035 < (rows["version"] == 1).sum() / shipments < 0.08
    assert 0 < (rows["version"] == 2).sum() / shipments < 0.01
    assert 0.004 < (rows["action"] == "deleted").sum() / shipments < 0.01
    assert 0 < rows.duplicated().sum() / len(rows) < 0.002


def test_what_is_missing_is_missing_at_lifelike_rates(country):
    live = country.live()
    missing = live.isna().mean()

    assert 0.12 < live.loc[live["mode"] == "ocean", "hts"].isna().mean() < 0.3
    for column, low, high in (("value_usd", 0.02, 0.08), ("importer_name", 0.03, 0.09), ("manufacturer_id", 0.05, 0.2)):
        assert low < missing[column] < high
    assert missing[["importer_id", "shipper_id", "origin_country", "mode", "port"]].sum() == 0


def test_containers_are_real_numbers_save_a_few_with_a_seal_each(country):
    live = country.live()
    boxed = live[live["container_ids"].notna()]
    numbers = boxed["container_ids"].str.split(";")
    sealed = boxed["seal_ids"].notna()
    checks = numbers.map(lambda row: all(iso6346.is_valid(number) for number in row))

    assert set(boxed["mode"]) == {"ocean", "rail"}
    assert 0.98 < checks.mean() < 1
    assert (numbers[sealed].str.len() == boxed.loc[sealed, "seal_ids"].str.split(";").str.len()).all()


def test_trucks_cross_the_border_they_come_from(country):
    trucks = country.live().query("mode == 'truck' and origin_country == export_country")

    assert set(trucks.loc[trucks["origin_country"] == "MX", "port"]) == {"2304", "2402"}
    assert set(trucks.loc[trucks["origin_country"] == "CA", "port"]) == {"3801", "0901"}


def test_preferences_fit_the_origin(country):
    claimed = country.live().dropna(subset=["preference_program", "origin_country"])

    assert set(claimed.loc[claimed["origin_country"].isin(["MX", "CA"]), "preference_program"]) == {"S", "S+"}
    assert set(claimed.loc[claimed["origin_country"] == "KR", "preference_program"]) == {"KR"}
    # Save the planted claims of a programme that the origin has not.
    assert claimed["origin_country"].isin(["CN", "VN", "IN"]).mean() < 0.03


def test_de_minimis_entries_end_when_the_law_does(tmp_path):
    world = simulate(tmp_path / "world", weeks=3, per_day=300, start=date(2025, 8, 18))
    rows = frame(pa.concat_tables(pq.read_table(path) for path in sorted(world.manifests.glob("*/*.parquet"))))
    days = rows.loc[rows["entry_type"] == "86", "arrival_date"].dropna()

    assert len(days) > 0
    assert days.max() < pd.Timestamp(2025, 8, 29)


def test_companies_keep_their_address_and_spell_it_in_a_few_ways(country):
    live = country.live().dropna(subset=["importer_address"])
    spellings = live.groupby("importer_id")["importer_address"].nunique()
    places = live["importer_address"].map(place).groupby(live["importer_id"]).nunique()
    sharing = live.groupby(live["importer_address"].map(place))["importer_id"].nunique()

    assert spellings.max() == addresses.SPELLINGS
    assert (places == 1).all()
    assert 0.02 < (sharing > 1).mean() < 0.2


def test_a_manufacturer_is_numbered_by_its_name_and_address(country):
    live = country.live().dropna(subset=["manufacturer_id"]).drop_duplicates("manufacturer_id")

    assert (manufacturers.plausible(live["manufacturer_id"]) == 1).all()
    assert (manufacturers.names(live["manufacturer_id"], live["manufacturer_name"]) == 1).all()
    line = live["manufacturer_address"].str.split(",").str[0]
    given = live["manufacturer_address"].str.contains(",", na=False)  # one spelling in four has no commas
    numbers = [manufacturers.number_part(text) for text in line[given]]
    assert all(number in mid for number, mid in zip(numbers, live.loc[given, "manufacturer_id"], strict=True))


def test_by_sea_one_sails_on_a_real_hull_and_is_filed_a_day_before_lading_mostly(country):
    live = country.live()
    sea = live["mode"] == "ocean"
    stated = live[sea].dropna(subset=["isf_filed_at", "laden_at"])
    ahead = stated["laden_at"] - stated["isf_filed_at"]
    dated = live[["isf_filed_at", "laden_at"]]

    assert all(imo.is_valid(number) for number in live.loc[sea, "conveyance_id"].unique())
    assert not live.loc[~sea, "conveyance_id"].dropna().map(imo.is_valid).any()
    assert dated[~sea].isna().all(axis=None)
    assert dated.max().max() < live["arrival_date"].max()
    assert all((dated[name].dropna() < live["arrival_date"][dated[name].notna()]).all() for name in dated)
    assert 0.9 < (ahead >= pd.Timedelta(hours=24)).mean() < 0.98


def test_events_after_release_follow_weeks_later_are_known_late_and_some_end(country):
    events = pq.read_table(country.world.post_entry).to_pandas()
    arrival = pd.to_datetime(events["shipment_id"].map(country.truth.set_index("shipment_id")["arrival_date"]))
    day, known = pd.to_datetime(events["event_date"]), events["known_at"].dt.tz_convert(None)

    # Ten weeks are too short for a protest.
    assert set(events["event"]) >= set(POST_ENTRY_EVENTS) - {"protest"}
    assert set(events["status"]) == {"open", "closed", "withdrawn"}
    assert ((day - arrival) >= pd.Timedelta(0)).all()
    assert (day - arrival).median() > pd.Timedelta(days=10)
    assert (known > day).all()
    assert known.max() < pd.Timestamp(country.world.last_day) + pd.Timedelta(days=1)
    assert not events.duplicated(["shipment_id", "event", "event_date", "status"]).any()


def test_a_census_examines_its_share_fully_and_changes_nothing_else(tmp_path):
    plain, counted = (simulate(tmp_path / name, per_day=60, census=share) for name, share in (("a", 0.0), ("b", 0.5)))
    outcomes = pq.read_table(counted.outcomes).to_pandas()
    census = outcomes[outcomes["selected_by"] == "census"]
    truth = simulator.truth(counted).set_index("shipment_id")
    found = census.dropna(subset=["hazard"])
    there = truth.loc[census["shipment_id"].unique(), list(reference.hazards())].sum().sum()

    assert {name: digest for name, digest in digests(plain.path).items() if name != "outcomes.parquet"} == {
        name: digest for name, digest in digests(counted.path).items() if name != "outcomes.parquet"
    }
    assert 0.4 < census["shipment_id"].nunique() / len(truth) < 0.55
    assert set(census["inclusion_probability"]) == {0.5}
    assert set(census["exam_type"]) == {"intensive", "document"}
    # Of what is there only lost records are missing.
    assert len(found.drop_duplicates(["shipment_id", "hazard"])) > 0.85 * there
