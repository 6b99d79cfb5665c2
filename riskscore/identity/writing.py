"""One canonical writing of a name, of an address, and of both together."""

from __future__ import annotations

from riskscore.identity import vocabulary
from riskscore.identity.letters import words
from riskscore.identity.units import UNITS, split_units

BETWEEN = " | "
"""Stands between name and place in an identity; neither can contain it."""

_NAME_LENGTH = 120
_PLACE_LENGTH = 200
# A US address without its country is the rule in the feeds; other countries are stated.
_IMPLICIT = "us"


def name(text: str | None) -> str | None:
    """The canonical writing of a firm's or a person's name.

    Case, accents, punctuation, legal forms and articles are dropped and common words abbreviated; initials are
    joined; of several names (DBA, C/O) the first that names somebody stays. The order of words is kept.

    Args:
        text: the name as filed; null = not stated.

    Returns:
        Lower-case words joined by single blanks, at most 120 characters. None when not stated, or when nobody is
        named: a placeholder (identity/data/placeholders.csv), digits only, a single letter, a mere legal form.

    >>> name("The A.B.C. Trading Co., Ltd."), name("ACME Imports, L.L.C. d/b/a Best Buys")
    ('abc trad', 'acme imp')
    >>> name("TO ORDER OF BANK OF CHINA") is None
    True
    """
    if text is None:
        return None
    read = vocabulary.abbreviated(_unglued([w for w in words(text) if w != "#"]), "name")
    read = vocabulary.abbreviated(_joined_initials(read), "name")
    for part in _parts(vocabulary.phrases("name").replaced(read)):
        bare = _without_legal_forms(_cut(part, _NAME_LENGTH))
        if bare and _names_somebody(bare, "name"):
            return " ".join(bare)
    return None


def place(address: str | None) -> str | None:
    """The canonical writing of a postal address.

    As `name`, for the words of addresses (USPS Publication 28); ordinals lose their ending, ZIP+4 its last four
    digits, a country that is the United States is left out. Parts of a building follow at the end after #, in a
    fixed order. Care-of and attention lines are dropped.

    Args:
        address: the address as filed, in one text; null = not stated.

    Returns:
        Lower-case words joined by single blanks. None when not stated, a placeholder, or digits only.

    >>> place("Suite #500, 12 North Main Street, 2nd Floor, New York, N.Y. 10001-2345, USA")
    '12 n main st ny ny 10001 # fl 2 unit 500'
    >>> place("12 N. MAIN ST STE 500 FL 2 NEW YORK NY 10001") == _
    True
    >>> place("N/A") is None
    True
    """
    if address is None:
        return None
    read = vocabulary.abbreviated(_without_care_of(words(address)), "address")
    base, units = split_units(read)
    base = _without_end(_cut(vocabulary.phrases("address").replaced(base), _PLACE_LENGTH))
    if not base or not _names_somebody(base, "address"):
        return None
    return " ".join([*base, UNITS, *units] if units else base)


def identity(name: str | None, address: str | None) -> str | None:
    """Name and place in one text: a trader as it presents itself.

    Args:
        name: the name as filed; null = not stated.
        address: the address as filed; null = not stated.

    Returns:
        `name` and `place`, with a bar between them; None unless both say something.

    >>> identity("ACME Inc.", "12 Main Street, Springfield IL 62704")
    'acme | 12 main st springfield il 62704'
    >>> identity("ACME Inc.", "unknown") is None
    True
    """
    return joined(_name(name), place(address))


def joined(written_name: str | None, written_place: str | None) -> str | None:
    """An identity from its two canonical parts."""
    if written_name is None or written_place is None:
        return None
    return f"{written_name}{BETWEEN}{written_place}"


_name = name


def _parts(read: list[str]) -> list[list[str]]:
    """The names in a text, in the order in which markers separate them."""
    markers = list(vocabulary.markers("name").found(read))
    starts, ends = [0, *(end for _, end in markers)], [*(start for start, _ in markers), len(read)]
    return [read[start:end] for start, end in zip(starts, ends, strict=True)]


def _joined_initials(read: list[str]) -> list[str]:
    """Runs of single Latin letters as one word: A B C is ABC."""
    done: list[str] = []
    run = False
    for word in read:
        single = len(word) == 1 and word.isascii() and word.isalpha()
        if single and run:
            done[-1] += word
        else:
            done.append(word)
        run = single
    return done


def _cut(read: list[str], length: int) -> list[str]:
    """The first words that fit."""
    if sum(map(len, read)) + len(read) - 1 <= length:
        return read
    kept: list[str] = []
    for word in read:
        length -= len(word) + 1
        if length < -1:
            return kept or [word[: length + len(word) + 1]]
        kept.append(word)
    return kept


def _without_legal_forms(read: list[str]) -> list[str]:
    """The words before and after which no legal form stands any more."""
    bare = read
    while bare:
        end, start = _form_at_end(bare), _form_at_start(bare)
        if not end and not start:
            return bare
        bare = bare[start : len(bare) - end] if start + end <= len(bare) else []
    return bare


def _form_at_end(read: list[str]) -> int:
    forms = vocabulary.legal_forms("end").get(read[-1], ())
    return next((len(form) for form in forms if tuple(read[-len(form) :]) == form), 0)


def _form_at_start(read: list[str]) -> int:
    forms = vocabulary.legal_forms("start").get(read[0], ())
    return next((len(form) for form in forms if tuple(read[: len(form)]) == form), 0)


def _unglued(read: list[str]) -> list[str]:
    """Words of scripts without blanks, rid of the legal forms at their ends."""
    if all(map(str.isascii, read)):
        return read
    bare = list(read)
    for form in vocabulary.glued_forms():
        bare = [word.removesuffix(form).removeprefix(form) for word in bare]
    return bare if bare == read else _unglued([word for word in bare if word])


def _names_somebody(read: list[str], field: vocabulary.Field) -> bool:
    whole, beginnings = vocabulary.placeholders(field)
    text = "".join(read)
    if len(text) < 2 or text.isdigit() or (len(text) > 2 and len(set(text)) == 1):
        return False
    return tuple(read) not in whole and beginnings.at(read, 0) is None


def _without_care_of(read: list[str]) -> list[str]:
    """Drop who the mail is for: from the marker to the next word with a digit, or to the end when none follows."""
    kept: list[str] = []
    after = 0
    for start, end in vocabulary.markers("address").found(read):
        kept += read[after:start]
        numbered = (i for i in range(end, len(read)) if any(map(str.isdigit, read[i])))
        after = max(after, next(numbered, len(read)))
    return [*kept, *read[after:]] if after else read


def _without_end(base: list[str]) -> list[str]:
    """Drop the implicit country, and designators that nothing follows."""
    while base and (base[-1] == _IMPLICIT or base[-1] in vocabulary.designators()):
        base = base[:-1]
    return base
