"""Blocking keys as sets of plain tuples, one text at a time, from the words of riskscore.identity.keys."""

from riskscore.identity.vocabulary import generic_words


def share_a_key(a, b):
    return bool(keys(a) & keys(b))


def keys(text):
    name, bar, place = text.partition(" | ")
    if not bar:
        return set()
    digits = "".join(c for c in name if c.isascii() and c.isdigit())
    base = place.partition(" # ")[0].split()
    return {(reading, anchor, digits) for reading in _readings(name.split()) for anchor in _anchors(base)}


def _readings(words):
    core = [w for w in words if not _digits(w)]
    core = [w for w in core if not _generic(w)] or core
    first = [("first", w[: _half(w)]) for w in core]
    found = {tuple(sorted(first)), tuple(sorted(("outer", w[:3], w[-3:]) for w in core))}
    for i, word in enumerate(core):
        others = first[:i] + first[i + 1 :]
        found.add(tuple(sorted(others if len(core) > 2 else [*others, ("last", word[-_half(word) :])])))
    return found


def _generic(word):
    trades = [w for w in generic_words("trade") if len(w) > 5]
    return word in generic_words() or any(word[:4] == w[:4] or word[-5:] == w[-5:] for w in trades)


def _anchors(base):
    codes = [w for w in base if _digits(w) and len(w) >= 4]
    if codes:
        yield "postal", codes[-1]
    numbered = [i for i, w in enumerate(base) if any(map(str.isdigit, w))]
    if numbered:
        yield "house", base[numbered[0]], "".join(base[numbered[0] + 1 : numbered[0] + 2])[:3]
    if long := [w[:3] for w in base if len(w) >= 4 and not any(map(str.isdigit, w))]:
        yield "words", tuple(sorted(long))


def _digits(word):
    return word.isdigit()


def _half(word):
    return min(len(word), max(4, len(word) // 4 * 2))
