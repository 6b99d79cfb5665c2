"""Tests of the reference facts: what the tables say, day by day."""
