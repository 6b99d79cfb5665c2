"""Strategies for a day at several ports and what a unit configures for it; and all that is said of its shipments."""

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from riskscore.config import Capacity, Selection

# A day takes some 10 ms; the arithmetic has its hundreds of examples in test_design.py.
few = hypothesis_settings(max_examples=20, deadline=None)

capacities = st.builds(
    Capacity,
    default_share=st.floats(0, 0.5),
    ports=st.dictionaries(st.sampled_from("ABCD"), st.integers(0, 50)),
)
settings = st.builds(Selection, seed=st.integers(), floor_share=st.floats(0, 1, exclude_min=True))


def days_of(make_day):
    """Days that `make_day` makes of a seed and a number of shipments per port, at up to four ports."""
    return st.builds(
        lambda seed, counts: make_day(seed, dict(zip("ABCD", counts, strict=False))),
        seed=st.integers(0, 2**32 - 1),
        counts=st.lists(st.integers(1, 25), min_size=1, max_size=4),
    )


def published(result):
    """All that is said about each shipment, by name."""
    return result.frame.join(result.exam_probabilities).sort_index()
