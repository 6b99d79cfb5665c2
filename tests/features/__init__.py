"""Tests of the feature builders."""
