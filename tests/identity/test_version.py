"""A snapshot made under one VERSION must never meet writings or links made by other rules."""

import hashlib
import json

from benches.firms import filings
from riskscore.identity import VERSION, identity, links, vocabulary

TABLES = ("words", "legal_forms", "units", "markers", "placeholders", "generic_words", "cyrillic")
REMARKS = ("conf", "source")
DIGESTS = {1: "82c9b99a1ebe5d16"}
"""What the rules of each version say. Rules or tables changed: raise VERSION and add a line.

Only when benches/firms.py, which makes the filings, was changed and nothing else, replace the digest.
"""


def test_what_is_said_changes_only_with_the_version():
    filed = filings(300, 6)
    texts = [identity(f.filed_name, f.filed_address) for f in filed]
    rows = [[v for k, v in row.items() if k not in REMARKS] for table in TABLES for row in vocabulary.rows(table)]
    said = [texts, [side.tolist() for side in links(texts)], rows]

    assert hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16] == DIGESTS[VERSION]
