"""What an explanation names: the entry, the way to it, the place where it is set."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from tests import worlds
from tests.simulate import simulate, without
from tests.variants import VARIANTS, Variant
from tests.worlds import World
from vmmaudit import questions
from vmmaudit.assessment import Ternary
from vmmaudit.audit import demo
from vmmaudit.change import changes
from vmmaudit.change.find import find_file, find_host, find_place
from vmmaudit.change.goal import Goal
from vmmaudit.controls.texts import Texts, languages
from vmmaudit.errors import UsageError
from vmmaudit.explain import Explanation, explain
from vmmaudit.explain.shown import Line, told
from vmmaudit.facts import Facts, Holding, decode

WORLDS = {variant.name: variant.world for variant in VARIANTS}


def facts_of(world: World) -> Facts:
    return decode(*simulate(world))


def explained(world: World, host: str, file: str = worlds.ISO) -> Explanation:
    facts = facts_of(world)
    return explain(facts, Goal(find_host(facts, host), *find_file(facts, file)))


def step(explanation: Explanation, name: str):
    return next(found for found in explanation.steps if found.name == name)


def told_in(explanation: Explanation) -> list[Line]:
    return told(explanation, Texts.load("en"))


def test_a_grant_is_told_with_the_way_and_the_folder():
    (entry,) = step(explained(worlds.conforming(), "HYPER01"), "host_file").entries
    assert entry.path == (
        r"CONTOSO\HYPER01$",
        r"CONTOSO\GG_HyperV_Hosts",
        r"CONTOSO\DL_VMMLib_R",
    )
    assert (entry.allows, entry.held, entry.folder) == (True, Holding.GROUP, "")


def test_a_denial_is_told():
    found = explained(WORLDS["file-denies-a-host"], "HYPER01")
    denied = step(found, "host_file")
    assert denied.control == "PRM-09"
    (entry,) = denied.entries
    assert (entry.allows, entry.trustee, entry.inherited) == (False, r"CONTOSO\HYPER01$", False)
    assert found.ready is Ternary.NO


def test_a_local_group_is_told_with_the_domain_group_in_it():
    (entry,) = step(explained(WORLDS["through-a-local-group"], "HYPER01"), "host_file").entries
    assert entry.held is Holding.LOCAL_GROUP
    assert entry.path == (
        r"CONTOSO\HYPER01$",
        r"CONTOSO\GG_HyperV_Hosts",
        r"LIBRARY01\ISO-Leser",
    )


@pytest.mark.parametrize("name", [v.name for v in VARIANTS if v.broken])
@pytest.mark.parametrize("language", languages())
def test_every_broken_variant_can_be_told(name: str, language: str):
    variant = next(v for v in VARIANTS if v.name == name)
    host, share = min(variant.broken)
    facts = facts_of(variant.world)
    library = next(lib for lib in facts.scope.libraries if lib.share.lower() == share)
    path = next(i.path for i in facts.servers.tree(library).items if i.is_iso)
    found = explain(facts, Goal(find_host(facts, host), library, path))
    words = found.in_words(language)
    assert found.ready is Ternary.NO
    assert Texts.load(language).word("explain", "needed") in words
    assert "{{" not in words
    assert "<td" in found._repr_html_()
    assert len(found.to_frame()) == 7


DECIDING = {
    "DEL-01": ("delegation", "{library}"),
    "DEL-02": ("delegation", "protocol"),
    "DEL-04": ("delegation", "{library}"),
    "ACC-02": ("delegatable", "{account}"),
    "ACC-06": ("delegatable", "{account}"),
    "PRM-01": ("host_share", "Read"),
    "PRM-03": ("account_share", "Read"),
    "PRM-04": ("host_file", "Read"),
    "PRM-06": ("account_file", "Read"),
}
"""Which link a control breaks, and what its sentence names of the attribute that decides."""


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v.broken], ids=lambda v: v.name)
def test_the_deciding_entry_or_attribute_is_named(variant: Variant):
    facts = facts_of(variant.world)
    for (host, share), controls in variant.broken.items():
        library = next(lib for lib in facts.scope.libraries if lib.share.lower() == share)
        found = [
            explain(facts, Goal(find_host(facts, host), library, item.path))
            for item in facts.servers.tree(library).items
            if item.is_iso
        ]
        refused = [one for one in found if one.ready is Ternary.NO]
        assert refused
        named_by = set()
        for one in refused:
            names = {"library": library.unc_name, "account": one.account.rpartition("\\")[2]}
            for step in one.steps:
                if step.link.state is not Ternary.NO or step.name == "in_force":
                    continue
                named_by.add(step.control)
                assert step.control in controls, (step, controls)
                if step.control == "PRM-09":
                    # The entry that refuses, the way to it, and where it is set.
                    assert any(not entry.allows and entry.path for entry in step.entries)
                    continue
                link, named = DECIDING[step.control]
                named = "disabled" if variant.name == "host-disabled" else named
                line = next(x for x in told_in(one) if x.control == step.control)
                assert step.name == link
                assert named.format(**names).lower() in line.sentence.lower(), line
        assert named_by & set(controls[:2])


@pytest.mark.parametrize("language", languages())
def test_every_change_has_its_sentence(language: str):
    steps = Texts.load(language).words["change"]["step"]
    names = {kind.__name__ for kind in vars(changes).values() if hasattr(kind, "actor")}
    assert names - {"AllowToAct"} <= {key.partition("_")[0] for key in steps}


def test_hostile_names_are_inert_in_html():
    world = worlds.conforming()
    groups = tuple(
        worlds.Group("<script>alert(1)</script>", g.scope, g.members)
        if g.name == "GG_HyperV_Hosts"
        else worlds.Group(
            g.name,
            g.scope,
            tuple("<script>alert(1)</script>" if m == "GG_HyperV_Hosts" else m for m in g.members),
        )
        for g in world.groups
    )
    shown = explained(worlds.replace(world, groups=groups), "HYPER01")._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("HYPER99", "has no host 'HYPER99'; did you mean"),
        ("nobody.example.net", "has no host"),
    ],
)
def test_an_unknown_host_is_named(host: str, sentence: str):
    with pytest.raises(UsageError, match=sentence):
        find_host(facts_of(worlds.conforming()), host)


def test_files_are_found_by_unc_path_and_name():
    facts = facts_of(worlds.conforming())
    library = facts.scope.libraries[0]
    unc = rf"\\LIBRARY01.contoso.com\msscvmmlibrary\{worlds.ISO.upper()}"
    assert find_file(facts, unc) == (library, worlds.ISO)
    assert find_file(facts, worlds.ISO) == (library, worlds.ISO)
    assert find_file(facts, "Prüfung_ä.iso")[1] == r"ISOs\Prüfung_ä.iso"
    for wrong in (r"\\other\share\x.iso", rf"{library.share}\x.iso", "x.iso"):
        with pytest.raises(UsageError):
            find_file(facts, wrong)


@pytest.mark.parametrize(
    ("unc", "meant"), [("", ""), ("\\", "\\"), (r"\\ISOs\x.iso", r"\\ISOs\x.iso")]
)
def test_a_share_by_its_short_name_is_asked_back(unc: str, meant: str):
    facts = facts_of(worlds.conforming())
    share = facts.scope.libraries[0].share
    sentence = f"did you mean {share}{meant}? Delegation is to"
    with pytest.raises(UsageError, match=re.escape(sentence)):
        find_place(facts, rf"\\Library01\MSSCVMMLIBRARY{unc}")


@pytest.mark.parametrize("place", ["", "x", "\\", r"\\", r"\\x", r"\\x\y", r"\\library01"])
def test_a_place_that_is_nowhere(place: str):
    with pytest.raises(UsageError, match="is in no library share of the scope"):
        find_place(facts_of(worlds.conforming()), place)


def test_what_could_not_be_judged_is_not_said_to_be_well():
    evidence, scope = simulate(worlds.conforming())
    asked = questions.share("library01.contoso.com", "MSSCVMMLibrary")
    facts = decode(without(evidence, asked), scope)
    goal = Goal(find_host(facts, "HYPER01"), *find_file(facts, worlds.ISO))
    for language, sentence in (
        ("en", "No change is known to be needed."),
        ("de", "Es ist keine Änderung bekannt, die nötig wäre."),
    ):
        assert sentence in explain(facts, goal).in_words(language)
        assert sentence not in explained(worlds.conforming(), "HYPER01", worlds.ISO).in_words(
            language
        )


def test_why_a_file_is_not_known_in_a_share_that_does_not_open():
    evidence, scope = simulate(worlds.conforming())
    asked = questions.listing("library01.contoso.com", "MSSCVMMLibrary", "")
    gaps = without(evidence, asked).gaps
    of_files = questions.descriptor("", "", "").kind
    answers = {
        question: answer
        for question, answer in evidence.answers.items()
        if question != asked and question.kind != of_files
    }
    facts = decode(replace(evidence, answers=answers, gaps=gaps), scope)
    unc = rf"{scope.libraries[0].share}\x.iso"
    found = explain(facts, Goal(find_host(facts, "HYPER01"), *find_file(facts, unc)))
    assert step(found, "host_file").link.code == "access-denied"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vmmaudit", "explain", *arguments],
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )


def test_the_command_line():
    broken = run("HYPER07", worlds.ISO.rpartition("\\")[2], "--demo")
    assert broken.returncode == 3
    assert "It would work if:" in broken.stdout
    good = run("HYPER01", worlds.ISO.rpartition("\\")[2], "--demo", "--json")
    assert good.returncode == 0
    assert {row["state"] for row in json.loads(good.stdout)} == {"yes"}
    assert run("HYPER99", "x.iso", "--demo").returncode == 1
    assert "Traceback" not in broken.stderr


def test_an_audit_explains():
    assert demo().explain("HYPER03", worlds.ISO).needed.changes
