"""Tests of history: the log, the fold and the replay, against a loop over the events."""
