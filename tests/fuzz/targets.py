"""All readers under attack, in one list."""

from __future__ import annotations

from tests.fuzz import files, formats, site, wire

TARGETS = (*formats.TARGETS, *files.TARGETS, *wire.TARGETS, *site.TARGETS)
BY_NAME = {target.name: target for target in TARGETS}
