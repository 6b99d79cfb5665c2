"""Tests of history: the fold and the replay, against a loop over the events."""
