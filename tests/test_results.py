"""Every result is a table for code and a page for eyes, and what others wrote is only seen.

A result is what the façade, the workbench and the commands' functions return. A new one that
lacks one of the two, or is not listed here, fails.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pandas as pd
import pytest

import vmmaudit
from tests import worlds
from tests.simulate import scope_text, simulate
from vmmaudit import audit as facade
from vmmaudit import explore, planned
from vmmaudit.assessment import Assessment
from vmmaudit.audit import Audit, diagnosed
from vmmaudit.collect.discovery import Discovery, Found
from vmmaudit.collect.doctor import Check, Examination
from vmmaudit.compare import compare
from vmmaudit.controls.texts import Texts
from vmmaudit.explore import Exploration
from vmmaudit.explore.matrix import Matrix
from vmmaudit.explore.shown import Table, table
from vmmaudit.pack import Pack
from vmmaudit.proven import ChangeProof
from vmmaudit.scope import Domain, Role, parse
from vmmaudit.seal import verify as sealing
from vmmaudit.seal.verification import Verification
from vmmaudit.trend import Development, point

HOSTILE = "<img src=x onerror=alert(1)>\u202e$a$b"
LANGUAGES = ("de", "en")
ENGLISH = {"Verification", "Examination", "Discovery"}
"""Sentences of the command line, which speaks English."""
NAMES_ONLY = {"Evidence", "Assessment", "EvidenceSummary", "Pack"}
"""Shown with the names of their file formats; an audit shows the same in words."""


WITHOUT_NAMES = {"PlannedChange"}
"""Counts alone."""


def renamed(found: worlds.World) -> worlds.World:
    """The world in which the group of the hosts has a hostile name."""
    groups = tuple(
        replace(
            group,
            name=HOSTILE if group.name == "GG_HyperV_Hosts" else group.name,
            members=tuple(HOSTILE if m == "GG_HyperV_Hosts" else m for m in group.members),
        )
        for group in found.groups
    )
    return replace(found, groups=groups)


def world(*, without: int = 0) -> worlds.World:
    """A world with hostile names, whose first hosts are not in their group."""
    found = renamed(worlds.conforming())
    server, share = found.libraries[0], found.libraries[0].shares[0]
    items = tuple(
        replace(item, path=rf"ISOs\{HOSTILE}.iso") if item.path == worlds.ISO else item
        for item in share.items
    )
    found = found.with_share(server.name, share.name, items=items)
    return found.with_group(HOSTILE, members=worlds.HOSTS[without:])


def audited(language: str, *, without: int) -> Audit:
    text = scope_text(world()).replace("audit:\n", f"audit:\n  languages: [{language}]\n", 1)
    scope = parse(text, "scope.yaml")
    evidence, _ = simulate(world(without=without), scope=scope)
    origin = replace(evidence.origin, who=HOSTILE, tool=HOSTILE)
    return Audit(HOSTILE, text, scope, replace(evidence, origin=origin))


def hostile_matrix(audit: Audit, texts: Texts) -> Matrix:
    pairs = tuple(replace(pair, host=HOSTILE) for pair in audit.assessment.readiness)
    return Matrix(replace(audit.assessment, readiness=pairs), texts)


def hostile_subjects(assessment: Assessment) -> Assessment:
    verdicts = tuple(
        replace(found, subject=replace(found.subject, name=HOSTILE))
        for found in assessment.verdicts
    )
    return replace(assessment, verdicts=verdicts)


def trace(folder: Path, language: str) -> Any:
    path = folder / "console.txt"
    path.write_text(
        "Error (12700)\nVMM cannot complete the host operation on the hyper01.contoso.com server "
        f"because of the error: '{HOSTILE}' failed to add device 'Virtual CD/DVD Disk'. "
        rf"User Account does not have permission to open attachment '\\library01\x\{HOSTILE}.iso'. "
        "Error: 'General access denied error' (0x80070005).\n",
        encoding="utf-8",
    )
    return diagnosed(path, language=language)


@cache
def results(language: str) -> Mapping[str, Any]:
    folder = Path(mkdtemp(prefix="vmmaudit-results-"))
    texts = Texts.load(language)
    before, after = audited(language, without=2), audited(language, without=1)
    site = Exploration(before, texts)
    unc = rf"{before.scope.libraries[0].share}\ISOs\{HOSTILE}.iso"
    picture = site.explain("HYPER01", unc)
    saved = before.save(folder, judged=True)
    plan = before.plan()
    hostile_files = {"files": [{"path": HOSTILE, "size": 1, "sha256": "0"}], "tool": "vmmaudit"}
    found = Found(HOSTILE, HOSTILE)
    listed = [
        before,
        before.evidence,
        replace(before.assessment, tool=HOSTILE),
        replace(before.register, digest=HOSTILE),
        before.document(language),
        Pack(saved.folder, hostile_files),
        compare(before.assessment, hostile_subjects(after.assessment), language),
        picture.explanation,
        picture.explanation.needed,
        plan,
        plan.plan,
        ChangeProof(before, after),
        trace(folder, language),
        Development({HOSTILE: (point(HOSTILE, before.assessment),)}, (HOSTILE,), language),
        Verification(HOSTILE, (HOSTILE,), (HOSTILE,), (), (Role.AUDITOR,)),
        Examination((Check(HOSTILE, HOSTILE, None, HOSTILE), Check("x", "y", False, "z"))),
        Discovery(Domain(name="contoso.com"), (found,), HOSTILE, (found,), (found,), (), (found,)),
        site,
        hostile_matrix(before, texts),
        Table("accounts", pd.DataFrame({"account": [HOSTILE]}), texts),
        table(trace(folder, language)),
        picture,
        site.what_if(site.suppose.member("HYPER01", HOSTILE)),
    ]
    return {type(result).__name__: result for result in listed}


NAMES = sorted(results("en"))


class _Markup(HTMLParser):
    """Whether every tag that needs it is closed, and which tags there are."""

    OPEN = frozenset({"br", "img", "line", "rect", "circle", "path", "polygon", "col", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in self.OPEN:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.OPEN:
            assert self.stack.pop() == tag


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_table_for_code(name: str, language: str):
    frame = results(language)[name].to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert len(frame)
    assert len(set(frame.columns)) == len(frame.columns)
    english = results("en")[name].to_frame()
    if name not in ("Listing", "Matrix"):  # whose headings are the reader's, and hosts
        assert list(frame.columns) == list(english.columns)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_page_for_eyes_and_hostile_names_are_only_seen(name: str, language: str):
    shown = results(language)[name]._repr_html_()
    markup = _Markup()
    markup.feed(shown)
    assert markup.stack == []
    assert not {"img", "script", "iframe", "object"} & markup.tags
    assert not any(key.startswith("on") for key, _ in markup.attributes)
    assert "\u202e" not in shown
    assert "mathjax_ignore" in shown  # two dollars are no formula
    assert "&lt;img src=x" in shown or name in WITHOUT_NAMES


@pytest.mark.parametrize("name", NAMES)
def test_words_are_in_the_readers_language(name: str):
    german, english = (results(language)[name]._repr_html_() for language in LANGUAGES)
    tongue = re.search(r"lang=['\"](\w+)['\"]", german)
    assert tongue is not None
    if name in ENGLISH | NAMES_ONLY:
        assert tongue[1] == "en"
        return
    assert tongue[1] == "de"
    assert re.search(r"lang=['\"]en['\"]", english)
    tag = r"<style>.*?</style>|<[^>]*>"
    words = [set(re.findall(r"[A-Za-zÄÖÜäöüß]{4,}", re.sub(tag, " ", text)))
             for text in (german, english)]  # fmt: skip
    assert words[0] - words[1]
    assert words[1] - words[0]


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("Document", "Verification")])
def test_its_text_is_not_its_whole_content(name: str):
    """A notebook keeps the text of what it shows: it must not keep all evidence."""
    assert len(repr(results("en")[name])) < 6_000


def classes() -> set[str]:
    """The classes of the package that show themselves in a notebook or give a table."""
    found: set[str] = set()
    for module in pkgutil.walk_packages(vmmaudit.__path__, "vmmaudit."):
        if module.name.endswith("__main__"):
            continue
        for name, kind in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(kind) and kind.__module__.startswith("vmmaudit."):
                ways = {"to_frame", "_repr_html_", "_repr_mimebundle_"} & set(dir(kind))
                if ways - {"_repr_mimebundle_"}:
                    assert {"to_frame", "_repr_html_"} <= ways, name
                    found.add(name)
    return found


def test_all_of_them_are_tested():
    # The workbench is in tests/explore, since it needs the extra [lab].
    assert classes() - {"Workbench"} == set(NAMES)


def returned(function: Callable[..., Any]) -> set[str]:
    return set(re.findall(r"[A-Z]\w+", str(inspect.signature(function).return_annotation)))


@pytest.mark.parametrize("module", [facade, planned, explore, sealing], ids=lambda m: m.__name__)
def test_whatever_a_public_function_returns_is_a_result(module: Any):
    functions = [
        kind
        for name, kind in vars(module).items()
        if inspect.isfunction(kind)
        and kind.__module__.startswith("vmmaudit.")
        and not name.startswith("_")
    ]
    assert functions
    # Checks are told one by one while they are made; `examination` has all of them.
    known = {*NAMES, "Iterator", "Check", "None", "Path"}
    for function in functions:
        if function.__module__ == module.__name__ or module is explore:
            assert returned(function) <= known, function.__name__


def test_a_plain_import_needs_no_pandas():
    import subprocess
    import sys

    code = "import sys, vmmaudit.audit, vmmaudit.compare; print('pandas' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
