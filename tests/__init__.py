"""Tests: they mirror the folders they test."""
