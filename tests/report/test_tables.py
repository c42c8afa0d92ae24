"""Tables made by processes of their own are the same files, and no folder can meddle."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from vmmaudit import audit
from vmmaudit.report import tables


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_LARGE", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def books(found: audit.Audit) -> dict[str, bytes]:
    return {
        name: data
        for name, data in found.files(["de", "en"]).items()
        if name.endswith((".xlsx", ".csv"))
    }


def in_process(*_: Any) -> bytes:
    raise AssertionError("it was made in this process")


def test_the_same_bytes(apart: None, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as small:
        small.setattr(tables, "_LARGE", 10**9)
        expected = books(audit.demo())
    with monkeypatch.context() as context:
        context.setattr(tables, "render_xlsx", in_process)
        assert books(audit.demo()) == expected
    assert len(expected) == 4


def test_a_module_in_the_folder_is_not_run(
    apart: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "pickle.py").write_text("open('ran', 'w')\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert books(audit.demo())
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("broken", ["nowhere", "false"])
def test_where_no_process_can_be_started_this_one_does_it(
    apart: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
):
    program = tmp_path / broken
    if broken == "false":
        program.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    assert all(data.startswith((b"PK", b"\xef\xbb\xbf")) for data in books(audit.demo()).values())


def test_a_small_site_needs_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", "/nowhere")
    assert books(audit.demo())
