"""Writes into what is built which commit it was built from, where that is known."""

from __future__ import annotations

import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds `vmmaudit/commit.txt` to a wheel or a source distribution, and not to the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the build: ask the one place that knows."""
        known = runpy.run_path(str(Path(self.root, "vmmaudit", "commit.py")))
        commit = known["commit"]()
        if version == "editable" or known["FILE"].exists() or not commit:
            return
        self._folder = tempfile.TemporaryDirectory(prefix="vmmaudit-")
        file = Path(self._folder.name, known["FILE"].name)
        file.write_text(commit + "\n", encoding="ascii", newline="\n")
        build_data["force_include"][str(file)] = f"vmmaudit/{file.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """After it: nothing stays behind."""
        del version, build_data, artifact_path
        if hasattr(self, "_folder"):
            self._folder.cleanup()
