"""Near-duplicates: the predicate, and that all pairs found are exactly those that satisfy it."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskscore.identity import linked, linking, links
from tests.identity.oracle import share_a_key

NAMES = (
    "acme", "acmee", "acme imp", "acme exp", "acme bolt", "bolt acme", "acme bolt tools", "acme bolt toolz", "3 acme",
    "global trad", "trad", "ünal", "深圳市华为技术", "acmewood", "acmewod", "akmewood",
)  # fmt: skip
PLACES = (
    "12 main st dayton oh 45402", "12 main st dayton oh 45402 # unit 5", "12 main st dayton oh",
    "13 main st dayton oh 45402", "12 mian st dayton oh 45402", "no 7 renmin rd shenzhen cn 518000",
    "renmin rd shenzhen cn", "70 oak ave dayton oh 45402",
)  # fmt: skip
DRAWN = st.builds("{} | {}".format, st.sampled_from(NAMES), st.sampled_from(PLACES))
TEXTS = st.lists(DRAWN | st.text(alphabet="ab1 |#é", max_size=12), max_size=12)
HERE = "12 main st dayton oh 45402"


judged = cache(linked)


def brute_force(texts, since=0):
    return [(i, j) for i, j in combinations(range(len(texts)), 2) if j >= since and judged(texts[i], texts[j])]


def pairs(found):
    return list(zip(*(side.tolist() for side in found), strict=True))


@given(TEXTS, st.integers(-2, 16))
def test_links_are_all_pairs_that_are_linked(texts, since):
    assert pairs(links(texts, since)) == brute_force(texts, since)


@given(TEXTS, st.randoms(use_true_random=False))
def test_links_do_not_depend_on_order(texts, draw):
    order = list(range(len(texts)))
    draw.shuffle(order)

    again = {tuple(sorted((order[i], order[j]))) for i, j in pairs(links([texts[i] for i in order]))}

    assert again == set(pairs(links(texts)))


@given(TEXTS, st.integers(1, 40), st.integers(1, 9))
def test_links_do_not_depend_on_the_portions(texts, candidates, chunk):
    whole = pairs(links(texts, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linking, "_CANDIDATES_AT_ONCE", candidates)
        patch.setattr(linking, "_TEXTS_AT_ONCE", chunk)

        assert pairs(links(texts, 3)) == whole


@given(DRAWN, DRAWN)
def test_linked_is_symmetric_and_never_of_equals(a, b):
    assert linked(a, b) == linked(b, a)
    assert not linked(a, a)


def test_keys_are_those_of_the_oracle():
    texts = [f"{name} | {place}" for name in NAMES if name.isascii() for place in PLACES]
    candidates = {pair for part in linking._candidates(texts, 0) for pair in pairs(part)}

    assert candidates == {(i, j) for i, j in combinations(range(len(texts)), 2) if share_a_key(texts[i], texts[j])}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (f"acme imp | {HERE}", f"acme imp | {HERE} # unit 5"),
        (f"benofield | {HERE}", f"benofeild | {HERE}"),
        (f"benofield | {HERE}", f"benofield foods | {HERE}"),
        (f"bolt benofield imp | {HERE}", f"benofield imp bolt | {HERE}"),
        (f"benofield imp | {HERE}", "benofield imp | 12 main st dayton oh"),
        (f"benofield imp | {HERE}", "benofield imp | 13 main st dyaton oh 45402"),
    ],
)
def test_near_duplicates_are_linked(a, b):
    assert linked(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (f"benofield imp | {HERE}", "benofield imp | 700 pine ave austin tx 78701"),
        (f"benofield imp | {HERE}", f"talgrove imp | {HERE}"),
        (f"benofield imp | {HERE}", f"benofield talgrove imp | {HERE}"),
        (f"store 12 benofield | {HERE}", f"store 13 benofield | {HERE}"),
        (f"shenzhen anbeichang tech | {HERE}", f"shenzhen anbeida tech | {HERE}"),
        (f"benofield tex | {HERE}", f"benofield seafood | {HERE}"),
        ("benofield", "benofeild"),
        ("", " | "),
    ],
)
def test_others_are_not(a, b):
    assert not linked(a, b)


def test_a_building_of_numbered_firms_and_of_equal_ones_stays_cheap():
    numbered = [f"store {i} | {HERE}" for i in range(30_000)]

    assert len(links(numbered)[0]) == len(links(numbered[:1] * 30_000)[0]) == 0


def test_equal_texts_are_linked_to_the_same_others():
    texts = [f"benofield | {HERE}", f"benofeild | {HERE}", f"benofield | {HERE}"]

    left, right = links(texts)

    assert (left.tolist(), right.tolist()) == ([0, 1], [1, 2])
    assert left.dtype == right.dtype == np.int64
