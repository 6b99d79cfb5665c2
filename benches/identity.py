"""Identities: who finds the near-duplicates of a labelled set, at what cost; and how linking grows.

    python benches/identity.py --firms 10000 --texts 200000
    python benches/identity.py --splink

The set is made in benches/firms.py: invented firms filed in several ways, with other firms in the same buildings and
namesakes in other towns. A pair of filings is found when their identities are equal or linked; precision and recall
are over all pairs of filings. `exact` takes equal identities only. Splink (no dependency: install splink and sqlglot
to try it) is trained on the set itself and read at the threshold of its best F1, which favours it.
"""

from __future__ import annotations

import itertools
import logging
import random
import time
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from firms import Filing, coined, filings
from harness import head, parser, save, show

from riskscore.identity import identity, links, name
from riskscore.identity.likeness import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

Pairs = set[tuple[int, int]]

BUILDING = "19545 e business pkwy city of industry ca 91745"
PACKAGES = {"exact": (), "riskscore": ("rapidfuzz",), "splink": ("splink", "sqlglot")}
"""What each method adds to the dependencies."""

NO_SPLINK = "splink is not installed: pip install splink in a scratch environment to compare it"


class Quality(NamedTuple):
    """How a method did on the labelled set."""

    method: str
    precision: float
    recall: float
    cpu_s: float
    added_mb: float


def main() -> None:
    """Print quality of each method, and CPU seconds by size."""
    options = parser(__doc__)
    options.add_argument("--firms", type=int, default=10_000, help="firms of the labelled set")
    options.add_argument("--texts", type=int, default=200_000, help="identities linked with each other")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--splink", action="store_true", help="compare splink, where it is installed")
    chosen = options.parse_args()
    head("identities: near-duplicates found")
    qualities = quality(filings(chosen.firms, chosen.seed), splink=chosen.splink)
    show("labelled set", ["method", "precision", "recall", "CPU-s", "MB added"], [_words(q) for q in qualities])
    growth = speed(chosen.texts, chosen.seed)
    show("linking", ["texts", "new", "links", "CPU-s"], growth)
    save("identity", {"quality": [q._asdict() for q in qualities], "speed": growth})


def quality(filed: Sequence[Filing], *, splink: bool) -> list[Quality]:
    """Precision and recall of each method over all pairs of filings."""
    texts = [identity(f.filed_name, f.filed_address) or "" for f in filed]
    true = _equal([f.firm for f in filed])
    equal = _equal(texts)
    methods: dict[str, Callable[[], Pairs]] = {
        "exact": lambda: equal,
        "riskscore": lambda: equal | set(zip(*(side.tolist() for side in links(texts)), strict=True)),
    }
    if splink and find_spec("splink"):
        methods["splink"] = lambda: equal | by_splink(texts, true)
    elif splink:
        print(NO_SPLINK)
    return [_judged(method, find, true) for method, find in methods.items()]


def _judged(method: str, find: Callable[[], Pairs], true: Pairs) -> Quality:
    found, cpu = _cpu(find)
    right = len(found & true)
    return Quality(method, right / max(1, len(found)), right / len(true), cpu, _megabytes(PACKAGES[method]))


def _equal(values: Iterable[Hashable]) -> Pairs:
    """All pairs of positions with equal values."""
    where = defaultdict(list)
    for position, value in enumerate(values):
        where[value].append(position)
    return {pair for positions in where.values() for pair in itertools.combinations(positions, 2)}


def by_splink(texts: Sequence[str], true: Pairs) -> Pairs:
    """Pairs above the match weight that is best for F1, from a model trained on the set without labels."""
    scored = _splink_scores(texts).sort_by([("match_weight", "descending")])
    sides = (scored[f"unique_id_{side}"].to_pylist() for side in "lr")
    pairs = [(min(pair), max(pair)) for pair in zip(*sides, strict=True)]
    right = np.cumsum([pair in true for pair in pairs])
    best = int(np.argmax(2 * right / (np.arange(1, len(pairs) + 1) + len(true))))
    return set(pairs[: best + 1])


def _splink_scores(texts: Sequence[str]) -> pa.Table:
    import splink.comparison_library as compare
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.disable(logging.WARNING)
    taken = [parts(text) for text in texts]
    columns = {
        column: [getattr(p, column) or None for p in taken] for column in ("words", "core", "street", "house", "postal")
    }
    blocks = [("words",), ("core",), ("house", "substr(core, 1, 4)"),
              ("postal", "substr(core, 1, 4)"), ("postal", "substr(core, -4)")]  # fmt: skip
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            compare.JaroWinklerAtThresholds("words", [0.95, 0.9, 0.8]),
            compare.JaroWinklerAtThresholds("street", [0.95, 0.9, 0.8]),
            compare.LevenshteinAtThresholds("house", 1),
            compare.LevenshteinAtThresholds("postal", 1),
        ],
        blocking_rules_to_generate_predictions=[block_on(*block) for block in blocks],
    )
    api = DuckDBAPI()
    linker = Linker(api.register(pa.table({"unique_id": range(len(texts)), **columns})), settings)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("words"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("house", "postal"))
    found: Any = linker.inference.predict().as_duckdbpyrelation()
    return found.select("unique_id_l, unique_id_r, match_weight").to_arrow_table()


def speed(size: int, seed: int) -> list[tuple[str, int, int, float]]:
    """CPU seconds of linking: all with each other, few with many, and one building full of firms."""
    texts = _identities(size, seed)
    many = [text.replace(" | ", f"{'abcde'[i]} | ", 1) for i in range(5) for text in texts]
    draw = random.Random(seed)  # noqa: S311 - reproducible on purpose
    building = sorted({f"{name(coined(draw))} | {BUILDING}" for _ in range(size // 4)})
    new = texts[: size // 40]
    return [
        _timed(f"{len(texts):,} with each other", texts, 0),
        _timed(f"{len(many):,} known", [*many, *new], len(many)),
        _timed(f"{len(building):,} firms in one building", building, 0),
        _timed(
            f"{len(building):,} numbered firms in one building",
            [f"store {i} | {BUILDING}" for i in range(len(building))],
            0,
        ),
    ]


def _identities(size: int, seed: int) -> list[str]:
    filed = filings(-(-size // 2), seed)[:size]
    return [identity(f.filed_name, f.filed_address) or "" for f in filed]


def _timed(what: str, texts: Sequence[str], since: int) -> tuple[str, int, int, float]:
    found, cpu = _cpu(lambda: links(texts, since))
    return what, len(texts) - since, len(found[0]), round(cpu, 1)


def _cpu(work: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.process_time()
    result = work()
    return result, time.process_time() - begin


def _megabytes(packages: Iterable[str]) -> float:
    return sum(map(_size, packages)) / 1e6


def _size(package: str) -> int:
    try:
        installed = files(package) or []
    except PackageNotFoundError:
        return 0
    return sum(path.stat().st_size for file in installed if (path := file.locate()).is_file())


def _words(q: Quality) -> tuple[str, str, str, str, str]:
    return q.method, f"{q.precision:.4f}", f"{q.recall:.4f}", f"{q.cpu_s:.1f}", f"{q.added_mb:.0f}"


if __name__ == "__main__":
    main()
