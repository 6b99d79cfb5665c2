"""Tests of riskscore.identity, and a naive oracle of its blocking keys."""
