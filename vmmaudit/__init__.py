"""Audit the prerequisites of shared ISO images in System Center VMM."""

from __future__ import annotations

from importlib.metadata import version as _version

__version__ = _version("vmmaudit")
