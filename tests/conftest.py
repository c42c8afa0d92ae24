"""Fixtures for all tests."""

from tests.lab.fixtures import lab

__all__ = ["lab"]
