"""Features in an analyst's words: a sentence with the fact in it, for every feature of the catalogue and any value.

    first shipment from the shipper
    the importer turned to this filer 3 days ago
    4.1 USD/kg where peers of the same goods run about 11 to 19

Families of features (hits of a party, first days of a pairing, places among peers) and flags have words of their own;
anything else, a user's own features too, is said in the words of its catalogue entry. A feature's name is never shown.
"""

from riskscore.features.wording.sentences import Facts, sentence, topic

__all__ = ["Facts", "sentence", "topic"]
