"""docs/own-features.md is run as it stands: the builder and the entity kind of a user."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from riskscore.features import BUILDERS, catalogue
from riskscore.pipelines.past import Past
from riskscore.workspace import Workspace
from tests.pipelines import country as countries

PAGE = Path(__file__).parents[1] / "docs" / "own-features.md"
LINES = 20


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """What the page's program leaves behind, run in a folder with a workspace and a world."""
    country = countries.country(tmp_path_factory.getbasetemp())
    folder = tmp_path_factory.mktemp("own")
    country.copy(folder / "port-ops")
    (folder / "world").symlink_to(country.world.path)
    [program] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(compile(program.replace("2025-07-01", country.day.isoformat()), str(PAGE), "exec"), names)  # noqa: S102
    # The page opens the workspace by a relative path; the tests look at it from elsewhere.
    return country, program, names | {"workspace": Workspace.open(folder / "port-ops")}


def test_the_example_is_as_short_as_promised(example):
    _, program, _ = example
    definition = program[program.index("class ") : program.index("workspace =")]
    assert len([line for line in definition.splitlines() if line.strip()]) <= LINES


def test_a_model_learned_from_the_users_feature(example):
    _, _, names = example
    assert "carrier_x_port_hits" in {feature.name for feature in catalogue(names["builders"])}
    loaded = names["riskscore"].load_model(names["workspace"], names["model"].version)
    assert [feature.name for feature in loaded.model.features][-1] == "carrier_x_port_hits"


def test_the_users_kind_has_the_record_that_sums_over_ports_to_the_carriers(example):
    """Hits of a carrier are its hits at all its ports: an independent way to the user's numbers."""
    country, _, names = example
    workspace, today = names["workspace"], names["today"]
    today = today[today["arrival_date"] == country.day].drop_duplicates("shipment_id")
    built = names["riskscore"].build_features(workspace, today.drop(columns="_row"), country.day, names["builders"])
    with workspace.ledger(read_only=True) as ledger:
        rows = ledger.connection.sql("SELECT DISTINCT carrier_id, port FROM shipments_log").fetchall()
        frame = today.set_index("shipment_id").loc[built.index]
        past = Past(workspace, ledger, names["builders"])
        history = past.of_morning(frame, country.day, ledger.position)
    assert set(zip(frame["carrier_id"], frame["port"], strict=True)) & set(rows)
    of_carrier = history.tracks["carrier"].count("hits")
    own = built["carrier_x_port_hits"].to_numpy()
    assert (own <= of_carrier).all()
    assert own.sum() > 0


def test_the_standard_builders_stay_as_they_are(example):
    _, _, names = example
    assert names["builders"][:-1] == BUILDERS
