"""Fixtures for all tests."""

from tests.lab.fixtures import lab

pytest_plugins = ["tests.outcomes"]
__all__ = ["lab"]
