"""One module per builder: its features again, from their descriptions, for one shipment at a time in plain Python.

Each module has `of(row, past)`: the features of one shipments row by name, None = null. Nothing is shared with the
builders; the past comes from tests.history.oracle.
"""
