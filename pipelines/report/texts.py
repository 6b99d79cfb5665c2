"""Making texts of unknown origin harmless to read: no hidden characters, no formulas."""

from __future__ import annotations

import re

# Controls; zero-width and direction marks; line and paragraph separators; interlinear marks; tags. Joiners (200C, 200D)
# stay: some scripts are not readable without them.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_BREAKS = re.compile("[\t\n\r\x0b\x0c]+")

# OWASP, CSV Injection; the full-width forms are formulas to spreadsheets set to East Asian languages.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - these very letters


def visible(text: str) -> str:
    r"""`text` on one line, with every character that hides or turns others round shown by its number.

    >>> visible("photo\u202egnp.exe,\n  by mail")
    'photo\\u202Egnp.exe,   by mail'
    """
    if text.isascii() and text.isprintable():  # nearly all of them, and much faster
        return text
    return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04X}", _BREAKS.sub(" ", text))


def no_formula(text: str) -> str:
    """`text`, quoted with ' where a spreadsheet that opens a CSV file would take it for a formula.

    >>> no_formula("=cmd|' /C calc'!A0"), no_formula("plain"), no_formula("  -1")
    ("'=cmd|' /C calc'!A0", 'plain', "'  -1")
    """
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text
