"""A scope in the notebook: it is collected now, and every target shows how far it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import log_on
from tests.live.test_whole_run import written
from vmmaudit.runner import execute

pytestmark = pytest.mark.live


def test_a_scope_is_collected_in_the_notebook(lab: Lab, tmp_path: Path):
    world = worlds.conforming()
    apply(lab, world)
    log_on(lab, "auditadmin")
    scope = written(tmp_path, world)
    done = json.loads(execute("explore", {"scope": scope.name, "language": "de"}, tmp_path))
    shown = {
        "".join(cell["source"]).splitlines()[-1]: "".join(
            "".join(output.get("data", {}).get("text/html", "")) for output in cell["outputs"]
        )
        for cell in done["cells"]
        if cell["cell_type"] == "code"
    }
    progress = shown["audit"]
    assert "Es wird gelesen und nichts verändert" in progress
    assert "library01.contoso.com" in progress
    assert "<progress" in progress
    assert "0 von 14 Kombinationen aus Host und SMB-Freigabe sind nicht bereit." in progress
    assert r"CONTOSO\GG_HyperV_Hosts" in shown["audit.groups"]
    assert "<svg" in shown["audit.explain()"]
