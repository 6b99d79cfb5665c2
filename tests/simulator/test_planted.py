"""What is planted: as much as stated, never a proof, and told by what its concept's features read."""

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from stdnum import iso6346

from riskscore.identity import identity, links
from riskscore.simulator import lists, planted
from riskscore.simulator.cargo import VAGUE
from riskscore.simulator.legacy import dated, standings


@pytest.fixture(scope="session")
def live(country):
    """Live shipments with their truth, `planted` empty where nothing is."""
    rows = country.live().merge(country.truth.drop(columns="arrival_date"), on="shipment_id", validate="one_to_one")
    return rows.assign(planted=rows["planted"].fillna(""))


def test_hazards_and_effects_are_declared_alike():
    shares = lists.planted().sum(axis=0)

    assert sorted(pattern.concept for pattern in planted.PATTERNS) == sorted(lists.PATTERNS)
    assert (shares < 0.85).all()
    assert len(set(lists.CONCEPTS)) == 14


@pytest.mark.parametrize("concept", lists.PATTERNS)
def test_each_effect_carries_about_a_twentieth_of_all_hazards(concept):
    prevalence = lists.numbers("hazards", "prevalence")
    share = (lists.planted()[lists.PATTERNS.index(concept)] * prevalence).sum() / prevalence.sum()

    assert 0.04 <= share <= 0.06


@pytest.mark.parametrize("concept", lists.PATTERNS)
def test_the_country_holds_it(country, concept):
    truth = country.truth

    assert 0.02 < (truth["planted"] == concept).sum() / truth["any"].sum() < 0.08


def test_every_cause_is_that_of_a_hazard(country):
    truth = country.truth

    assert set(truth["planted"].dropna()) == set(lists.CONCEPTS)
    assert truth.loc[truth["planted"].notna(), "any"].all()
    assert truth.loc[truth["any"], "planted"].isna().mean() < 0.2


def known_tiers(country, live):
    """Whether each importer has lost its tier, as known on the morning."""
    traders = dated(country.traders[country.traders["role"] == "importer"])
    lost = []
    for day, rows in live.groupby("arrival_date"):
        known = standings(traders, pd.Timestamp(day))
        had = traders[traders["ctpat_tier"] > 0]["trader_id"].unique()
        now = known["ctpat_tier"].reindex(rows["importer_id"]).to_numpy()
        lost.append(pd.Series(rows["importer_id"].isin(had).to_numpy() & (now == 0), rows.index))
    return pd.concat(lost).reindex(live.index)


def asked_about(country, live):
    """CF-28 and CF-29 about the importer known before each morning."""
    events = pq.read_table(country.world.post_entry).to_pandas()
    events = events[events["event"].isin(["cf28", "cf29"]) & (events["status"] == "open")]
    importer = events["shipment_id"].map(live.set_index("shipment_id")["importer_id"])
    days = {name: np.sort(rows.to_numpy()) for name, rows in events["known_at"].dt.tz_convert(None).groupby(importer)}
    return pd.Series(
        [
            len(days.get(name, ())) and np.searchsorted(days[name], np.datetime64(day))
            for name, day in zip(live["importer_id"], live["arrival_date"], strict=True)
        ],
        live.index,
    )


def resembles_another(live):
    """Another importer's name and address, nearly or to the letter, were filed before."""
    given = live.dropna(subset=["importer_name", "importer_address"])
    texts = [identity(*row) for row in zip(given["importer_name"], given["importer_address"], strict=True)]
    whole = pd.Series(texts, given.index).reindex(live.index)
    distinct = sorted(whole.dropna().unique())
    near = {distinct[position] for pair in links(distinct) for position in pair}
    shared = live.groupby(whole)["importer_id"].nunique()
    return whole.isin(near | set(shared[shared > 1].index))


def below_peers(live):
    """A sixth of the value per kilogram of its peers, or less."""
    price = live["value_usd"] / live["weight_kg"]
    return price / price.groupby([live["hts"].str[:6], live["origin_country"]]).transform("median") < 1 / 3


def unlike_its_goods(live):
    """Words that nearly always stand for goods of another heading."""
    heading = live["hts"].str[:4]
    with_words = live.groupby([live["description"], heading])["shipment_id"].transform("size")
    return (with_words / live.groupby("description")["shipment_id"].transform("size") < 0.2) & ~live[
        "description"
    ].isin(VAGUE)


def false_papers(live):
    """At least two of: a container number that does not check, a late ISF, no seal."""
    boxes = live["container_ids"].fillna("").str.split(";")
    bad = boxes.map(lambda row: any(number and not iso6346.is_valid(number) for number in row))
    late = live["laden_at"] - live["isf_filed_at"] < pd.Timedelta(hours=24)
    return (bad.astype(int) + late + (live["container_ids"].notna() & live["seal_ids"].isna())) >= 2


def of_an_amending_importer(country, live):
    """A fifth of the importer's filings are amended, and three at least."""
    amended = set(country.rows.filter(pc.greater(country.rows["version"], 0))["shipment_id"].to_pylist())
    share = live["shipment_id"].isin(amended).groupby(live["importer_id"]).agg(["mean", "sum"])
    return live["importer_id"].isin(share[(share["mean"] > 0.2) & (share["sum"] >= 3)].index)


TELLS = {
    "programme and trust": lambda live, country: known_tiers(country, live),
    "valuation": lambda live, _: below_peers(live),
    "commodity": lambda live, _: unlike_its_goods(live),
    "route": lambda live, _: live.groupby(["origin_country", "export_country"])["shipment_id"].transform("size") < 12,
    "parties and network": lambda live, _: resembles_another(live),
    "e-commerce": lambda live, _: (
        live.groupby(["arrival_date", "consignee_id"])["shipment_id"].transform("size") >= 4
    ) & live["mode"].isin(["mail", "express"]),
    "documentation": lambda live, _: false_papers(live),
    "post-entry": lambda live, country: asked_about(country, live) >= 2,
    "forced labour": lambda live, _: live["manufacturer_address"].str.contains(
        "urumqi|korla|aksu|shihezi|kashgar", case=False, na=False
    ),
    "agriculture and partner agencies": lambda live, _: live["wood_packaging"].eq(True) & live["pga_flags"].isna(),
    "preference claims": lambda live, _: (
        live["preference_program"].notna() & live["origin_country"].isin(_WITHOUT_PROGRAMME)
    ),
    "trust erosion": lambda live, country: of_an_amending_importer(country, live),
}  # fmt: skip
_WITHOUT_PROGRAMME = [row["country"] for row in lists.table("countries") if not row["spi"]]


@pytest.mark.parametrize("concept", lists.PATTERNS)
def test_a_planted_hazard_shows_in_its_concept_but_so_do_innocent_shipments(country, live, concept):
    tell = TELLS[concept](live, country).astype(bool)
    planted_here, others = live["planted"] == concept, live["planted"] != concept

    assert tell[planted_here].mean() > 0.3
    assert tell[planted_here].mean() > 3 * tell[others].mean()
    assert tell[~live["any"]].sum() > 0.3 * tell[planted_here].sum()


def test_no_pattern_is_a_proof():
    lure = np.abs(np.random.default_rng(1).normal(size=(50, 3)))
    chance = planted._fitted(lure, np.array([400.0, 1.0, 0.0]))

    assert chance.sum(axis=1).max() <= planted.CAP + 1e-12
    assert (chance[:, 2] == 0).all()
