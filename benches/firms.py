"""Invented firms and the ways in which the same firm is filed, with the truth beside: a labelled set for linking.

Firms: one or two coined words, a trade, a legal form; an address in one of a few towns, so that streets and postal
codes are shared. Hard negatives are planted: buildings of many firms, some of them with a word of the name in
common, and firms of the same name in another town. Each firm is filed once cleanly and a few times varied.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


START = _listed(
    "bar|ben|bel|cal|cor|dan|del|far|fen|gal|gor|hal|han|jor|kal|kem|lar|lum|mar|mel|nor|nov|or|pal|per|quan|ral|ros|"
    "sal|sel|sun|tal|tor|val|ver|wes|win|xin|yor|zen|zhong"
)
END = _listed(
    "adel|aris|den|dale|ett|field|ford|garen|grove|ian|ick|ina|ing|ison|land|lex|line|low|mark|mere|mont|more|nex|ola|"
    "onic|ora|oro|stead|ston|tex|thane|tron|ula|vale|view|ville|wick|win|wood|worth|yu"
)
TRADES = _listed(
    "Trading|Imports|Import Export|International|Industries|Foods|Garments|Logistics|Electronics|Tools|Furniture|"
    "Auto Parts|Medical Supplies|Lighting|Textiles|Plastics|Steel|Toys|Seafood|Footwear|International Trading|"
    "Global Sourcing|Home Products|Manufacturing"
)
FORMS = _listed("Inc|Inc.|LLC|L.L.C.|Corp|Corporation|Co.|Company|Ltd|Limited|Co., Ltd.|GmbH|S.A.|Pvt Ltd")
STREETS = _listed(
    "Main|Oak|Harbor|Lincoln|Washington|Cedar|Industrial|Commerce|River|Hill|Airport|Market|Park|Mission|Valley View|"
    "Santa Fe|Jackson|Madison|Lakeshore|Peachtree|Broad|Union|Franklin|Spring"
)
KINDS = _listed("Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Drive|Dr|Parkway|Pkwy")
"""Every other one is the abbreviation of the one before."""

TOWNS = _listed(
    "Houston,Texas,TX,770|Los Angeles,California,CA,900|City of Industry,California,CA,917|Newark,New Jersey,NJ,071|"
    "New York,New York,NY,100|Miami,Florida,FL,331|Savannah,Georgia,GA,314|Chicago,Illinois,IL,606|"
    "Seattle,Washington,WA,981|Dayton,Ohio,OH,454|Laredo,Texas,TX,780|Memphis,Tennessee,TN,381"
)
"""Town, state, its code, first digits of the ZIP codes."""

ROADS = _listed("Zhongshan|Renmin|Jiefang|Huaihai|Beijing|Nanjing|Xinhua|Shennan|Binhai|Yanan")
CITIES = _listed("Shenzhen,Guangdong,518|Ningbo,Zhejiang,315|Shanghai,Shanghai,200|Yiwu,Zhejiang,322")

Edit: TypeAlias = "Callable[[Filing, random.Random], Filing]"


class Filing(NamedTuple):
    """A trader as filed, and which firm it is."""

    firm: int
    name: str
    form: str
    number: str
    street: str
    kind: int
    unit: str
    town: str
    region: str
    code: str
    postal: str

    @property
    def filed_name(self) -> str:
        """Name with legal form."""
        return f"{self.name} {self.form}".strip()

    @property
    def filed_address(self) -> str:
        """The address in one line, abroad without a kind of street."""
        street = f"{self.number} {self.street}{f' {KINDS[self.kind]}' if self.kind >= 0 else ''}"
        return ", ".join(filter(None, [street, self.unit, self.town, f"{self.region} {self.postal}".strip()]))


def filings(firms: int, seed: int = 0) -> list[Filing]:
    """Clean and varied filings of so many firms, in random order."""
    draw = random.Random(seed)  # noqa: S311 - reproducible on purpose
    clean: list[Filing] = []
    while len(clean) < firms:
        clean.append(_firm(len(clean), clean, draw))
    varied = [_varied(firm, draw) for firm in clean for _ in range(draw.choice((1, 1, 2, 3)))]
    everything = clean + varied
    draw.shuffle(everything)
    return everything


def _firm(number: int, others: list[Filing], draw: random.Random) -> Filing:
    """A firm on its own, or a hard negative to one that exists."""
    own = _abroad(number, draw) if draw.random() < 0.25 else _at_home(number, draw)
    luck = draw.random()
    if luck < 0.4 and others:
        host = draw.choice(others[: max(1, len(others) // 10)])
        first = host.name.split()[0]
        name = own.name if luck > 0.1 else f"{first} {_word(draw)} {draw.choice(TRADES)}"
        name = f"{first} {draw.choice(TRADES)}" if luck < 0.03 else name
        return host._replace(firm=number, name=name, form=own.form, unit=_unit(draw))
    if luck < 0.5 and others:
        return own._replace(name=draw.choice(others).name)
    return own


def _word(draw: random.Random) -> str:
    return (draw.choice(START) + draw.choice(("", "a", "e", "i", "o")) + draw.choice(END)).capitalize()


def coined(draw: random.Random) -> str:
    """The name of a firm without its legal form."""
    words = " ".join(_word(draw) for _ in range(draw.choice((1, 1, 2, 2, 2, 3))))
    return f"{words} {draw.choice(TRADES)}" if draw.random() < 0.85 else words


def _unit(draw: random.Random) -> str:
    return f"{draw.choice(('Suite', 'Unit', 'Room', 'Floor'))} {draw.randint(1, 99)}"


def _at_home(number: int, draw: random.Random) -> Filing:
    town, region, code, postal = draw.choice(TOWNS).split(",")
    unit = _unit(draw) if draw.random() < 0.5 else ""
    street, kind = f"{draw.choice(('', '', 'North ', 'E '))}{draw.choice(STREETS)}", 2 * draw.randrange(len(KINDS) // 2)
    zip5 = f"{postal}{draw.randint(1, 20):02}"
    form = draw.choice(FORMS)
    return Filing(number, coined(draw), form, str(draw.randint(1, 9999)), street, kind, unit, town, region, code, zip5)


def _abroad(number: int, draw: random.Random) -> Filing:
    city, province, postal = draw.choice(CITIES).split(",")
    street = f"{draw.choice(ROADS)} {draw.choice(('Road', 'East Road', 'Middle Road'))}"
    code = f"{postal}{draw.randint(0, 30) * 10:03}"
    place = ("No. " + str(draw.randint(1, 999)), street, -1, _unit(draw), city, f"{province}, China", "CN", code)
    return Filing(number, coined(draw), draw.choice(FORMS), *place)


def _varied(firm: Filing, draw: random.Random) -> Filing:
    varied = firm
    for edit in draw.sample(list(EDITS.values()), draw.choice((1, 1, 2, 2, 3))):
        varied = edit(varied, draw)
    return varied


def misspelled(text: str, draw: random.Random) -> str:
    """A text with one letter changed, added, lost, or swapped with the next."""
    at = draw.randrange(len(text) - 1) if len(text) > 1 else 0
    letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
    middle = draw.choice((letter, letter + text[at], "", text[at : at + 2][::-1]))
    return text[:at] + middle + text[at + (2 if len(middle) == 2 and middle[0] != letter else 1) :]


def _order(name: str) -> str:
    words = name.split()
    return " ".join([*words[1:], words[0]])


_SHORT = (("International", "Intl"), ("Trading", "Trdg"), ("Manufacturing", "Mfg"), ("Industries", "Inds"),
          ("Products", "Prods"), ("Electronics", "Elec"), ("Supplies", "Supply"), ("Logistics", "Log"))  # fmt: skip
_LETTERS = (("ue", "ü"), ("oe", "ö"), ("a", "á"), ("o", "ó"), ("x", "ks"), ("zh", "j"), ("w", "v"), ("k", "c"))


def _replaced_first(text: str, pairs: tuple[tuple[str, str], ...]) -> str:
    for old, new in pairs:
        if old in text:
            return text.replace(old, new, 1)
    return text


EDITS: dict[str, Edit] = {
    "misspelled name": lambda f, d: f._replace(name=misspelled(f.name, d)),
    "misspelled street": lambda f, d: f._replace(street=misspelled(f.street, d)),
    "misspelled town": lambda f, d: f._replace(town=misspelled(f.town, d)),
    "mistyped house number": lambda f, d: f._replace(number=f.number[:-1] + str(d.randint(0, 9))),
    "mistyped postal code": lambda f, d: f._replace(postal=f.postal[:-1] + str(d.randint(0, 9))),
    "no postal code": lambda f, _: f._replace(postal=""),
    "abbreviated name": lambda f, _: f._replace(name=_replaced_first(f.name, _SHORT)),
    "abbreviated address": lambda f, _: f._replace(kind=f.kind | 1, region=f.code),
    "word order": lambda f, _: f._replace(name=_order(f.name)),
    "another legal form": lambda f, d: f._replace(form=d.choice((*FORMS, ""))),
    "another unit": lambda f, d: f._replace(unit=_unit(d)),
    "no unit": lambda f, _: f._replace(unit=""),
    "transliterated": lambda f, _: f._replace(name=_replaced_first(f.name, _LETTERS)),
    "another trade name": lambda f, d: f._replace(form=f"{f.form} DBA {_word(d)} {d.choice(TRADES)}"),
    "no trade": lambda f, _: f._replace(name=f.name.rsplit(" ", 1)[0]),
    "shouted": lambda f, _: f._replace(name=f.name.upper(), street=f.street.upper().replace(" ", "  ")),
}
"""Ways of filing the same firm otherwise, by name."""
