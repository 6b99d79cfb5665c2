"""Who a name and an address speak of, as one text; and which of those texts are near-duplicates of each other.

Three steps, each a pure function of the text alone, so that a snapshot never depends on what else was seen:

- **writing** (`name`, `place`, `identity`): a canonical writing. Equal writings are one entity of the kind
  `importer_identity`. Legal forms are left out, so a writing is no legal person: the same words may be filed by
  several importers of record, and each of them keeps a history of its own.
- **linking** (`linked`, `links`): whether two different writings are near-duplicates. A link is evidence (a
  feature), never an equation: nothing is merged, and links are not followed on to further links.
- **tables** (identity/data/*.csv): abbreviations, legal forms, designators, generic words and placeholders,
  each row with `conf` (S seen in a public document, M from memory) and `source`.
"""

from riskscore.identity.columns import identities, places
from riskscore.identity.linking import linked, links
from riskscore.identity.writing import identity, name, place

VERSION = 1
"""Changes whenever a writing or a link may change: with the tables, the rules and the thresholds of this package.

Snapshots of history hold writings and links, and are rebuilt under another version.
"""

__all__ = ["VERSION", "identities", "identity", "linked", "links", "name", "place", "places"]
