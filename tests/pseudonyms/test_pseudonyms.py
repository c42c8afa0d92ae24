"""A pack under other names: it judges the same, and nobody can be recognised in it."""

from __future__ import annotations

import gzip
import json
import re
import struct
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.pseudonyms.search import leaks
from tests.random_worlds import random_world
from tests.simulate import simulate
from tests.test_cli import Run
from tests.variants import GOOD, VARIANTS
from tests.worlds import DOMAIN_SID
from vmmaudit import evidence as evidence_format
from vmmaudit import pseudonyms, questions
from vmmaudit.audit import Audit, demo, pseudonymised, replayed
from vmmaudit.errors import PackError
from vmmaudit.evidence import Answer, Row
from vmmaudit.judge import judge
from vmmaudit.pseudonyms.key import Key
from vmmaudit.pseudonyms.rewrite import Rewriter
from vmmaudit.questions import escape
from vmmaudit.scope import parse
from vmmaudit.windows.sid import sid_from_bytes, sid_to_bytes

KEY = bytes(range(32))
WAIVERS = """
waivers:
  - {control: DEL-02, subject: '*zorbas3*', reason: 'Herr Lindqvist weiß Bescheid',
     owner: Agnes Lindqvist, approver: Bodo Ravenstein, ticket: CHG4711, until: 2027-01-01}
"""


def tally(found) -> Counter:
    return Counter((j.control, j.verdict, j.code, j.waiver is not None) for j in found.verdicts)


def same(evidence, scope) -> None:
    real = judge(evidence, scope)
    made = pseudonyms.pseudonymise(evidence, scope, real, Key(KEY))
    assert tally(judge(made.evidence, made.scope)) == tally(real)
    ready = Counter((p.ready, p.in_force, p.broken, p.links) for p in real.readiness)
    copied = judge(made.evidence, made.scope).readiness
    assert Counter((p.ready, p.in_force, p.broken, p.links) for p in copied) == ready


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: v.name)
def test_every_variant_is_judged_the_same(variant):
    evidence, scope = simulate(variant.world)
    same(evidence, scope)


@pytest.mark.parametrize("seed", range(8))
def test_random_worlds_are_judged_the_same(seed: int):
    world = random_world(seed)
    evidence, scope = simulate(world)
    same(evidence, scope)


def test_an_account_with_umlauts_is_judged_the_same():
    world = replace(
        GOOD,
        users=tuple(
            replace(u, name="dienst.wüst") if u.name == "service.vmm" else u for u in GOOD.users
        ),
    )
    groups = tuple(
        replace(g, members=tuple(m.replace("service.vmm", "dienst.wüst") for m in g.members))
        for g in world.groups
    )
    evidence, scope = simulate(replace(world, account="dienst.wüst", groups=groups))
    same(evidence, scope)
    made = pseudonyms.pseudonymise(evidence, scope, judge(evidence, scope), Key(KEY))
    shown = gzip.decompress(evidence_format.dumps(made.evidence)).decode().lower()
    assert "wüst" not in shown
    assert r"w\\c3" not in shown


def test_sentences_about_gaps_name_nobody():
    evidence, scope = simulate(GOOD.with_library("LIBRARY02", reachable=False))
    said = "LIBRARY02 (192.168.17.4) refused CONTOSO\\jemand at old99.contoso.com"
    gaps = {question: replace(gap, text=said) for question, gap in evidence.gaps.items()}
    assert gaps
    found = replace(evidence, gaps=gaps)
    made = pseudonyms.pseudonymise(found, scope, judge(found, scope), Key(KEY)).evidence
    for gap in made.gaps.values():
        assert not re.search("library02|192.168|contoso|old99", gap.text, re.IGNORECASE)


def test_what_a_server_tells_of_itself_when_smb_1_is_offered_is_left_out():
    world = GOOD.with_library("LIBRARY02", smb1=True).with_host("HYPER03", smb1=True)
    evidence, scope = simulate(world)
    same(evidence, scope)
    asked = questions.legacy_smb("library02.contoso.com")
    broken = Answer((Row("", {"reply": (b"library02",)}),), "x", evidence.origin.moment)
    answers = {**evidence.answers, asked: broken}
    for found in (evidence, replace(evidence, answers=answers)):
        made = pseudonyms.pseudonymise(found, scope, judge(found, scope), Key(KEY)).evidence
        told = [a.rows[0].first("reply") for _, a in made.of(questions.LEGACY_SMB)]
        assert len(told) == 9
        assert not any(b"library" in reply for reply in told)
    same(replace(evidence, answers=answers), scope)


def customer() -> Audit:
    """The demo with names that no text of the catalogue has among its examples."""
    found = demo()
    named = {"prüfung_ä": "größe_öäü", "service.vmm": "quendel.wux", "hyper03": "zorbas3"}
    key = Key(b"customer", {**named, "contoso": "ravenix"})
    made = pseudonyms.pseudonymise(found.evidence, found.scope, found.assessment, key)
    people = iter(("Jörg Überbacher", "Ottilie Fährmann"))
    text = re.sub(r"person-[0-9a-f]{12}", lambda _: next(people), made.scope_text)
    return Audit("customer", text, parse(text, "scope"), made.evidence)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory):
    """The demo with a previous audit and a waiver, its copy with every document, and the key."""
    folder = tmp_path_factory.mktemp("packs")
    found = customer()
    text = found.scope_text + WAIVERS
    scope = parse(text, "scope")
    moment = found.evidence.origin.moment
    earlier = replace(
        found.assessment,
        moment=moment - timedelta(days=90),
        verdicts=found.assessment.verdicts[:-3],
    )
    real = replace(found, scope_text=text, scope=scope, previous=earlier)
    pack = real.write(folder / "real", ("de", "en"), notebook=True)
    key = folder / "key.json"
    written, left = pseudonymised(pack.folder, folder / "copy", key)
    return replayed(pack.folder), pack.folder, written.folder, key, left


def test_the_copy_has_all_documents_and_the_same_verdicts(copied):
    real, source, folder, key, _ = copied
    kept = {path.name for path in source.iterdir()}
    assert {path.name for path in folder.iterdir()} == kept
    copy = replayed(folder)
    assert tally(copy.assessment) == tally(real.assessment)
    assert sum(j.waiver is not None for j in copy.assessment.verdicts) == 2
    assert tally(copy.previous) == tally(real.previous)
    assert key.stat().st_mode & 0o077 == 0


def test_no_byte_of_the_copy_holds_a_real_name(copied):
    real, _, folder, key, _ = copied
    value = json.loads(key.read_bytes())
    names = {name for name in value["names"].values() if len(name) >= 4}
    names |= {text for text in value["texts"].values() if len(text) > 4}
    names |= {"ravenix", "Lindqvist", "Ravenstein", "CHG4711", "quendel.wux", "zorbas3"}
    names |= {"Jörg", "Überbacher", "Ottilie", "Fährmann", "größe_öäü"}
    names |= {host.name.split(".")[0] for host in real.scope.hosts}
    names |= {library.unc_name.split(".")[0] for library in real.scope.libraries}
    names |= {f"S-1-5-21-{number}" for number in value["authorities"].values()}
    assert len(names) > 30
    binaries = {sid_to_bytes(f"S-1-5-21-{n}")[12:] for n in value["authorities"].values()}
    assert not leaks(folder, names, binaries)


def test_the_search_finds_what_is_there(copied):
    real, source, _, _, _ = copied
    sid = real.facts.directory.domain(real.scope.domains[0].name).sid
    found = leaks(source, {"zorbas3", "Jörg"}, {sid_to_bytes(sid)[12:]})
    for name in ("report.de.pdf", "report.en.docx", "workbook.de.xlsx", "audit.ipynb"):
        assert any(place.startswith(name) for place in found), name
    assert any("evidence" in place for place in found)


def test_the_key_gives_the_same_names_again_and_maps_back(copied, tmp_path: Path):
    real, source, folder, key, _ = copied
    before = json.loads(key.read_bytes())
    again, _ = pseudonymised(source, tmp_path / "copy", key)
    first, second = replayed(folder), replayed(again.folder)
    assert second.evidence == first.evidence
    assert second.scope_text == first.scope_text
    assert json.loads(key.read_bytes()) == before
    back = before["names"]
    assert {back[h.name.split(".")[0]] for h in first.scope.hosts} == {
        h.name.split(".")[0] for h in real.scope.hosts
    }
    other, _ = pseudonymised(source, tmp_path / "other", tmp_path / "other.json")
    assert replayed(other.folder).evidence != first.evidence


def test_the_command(copied, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    judged = demo().save(tmp_path, judged=True).folder
    run = Run(capsys, "pseudonymise", judged, tmp_path / "out")
    assert run.code == 0
    assert (tmp_path / "out.key.json").exists()
    assert "keep it apart" in run.err
    run = Run(capsys, "pseudonymise", judged, tmp_path / "o", "--key", tmp_path / "o" / "k")
    assert run.code == 1
    assert "handed out with the copy" in run.err
    (tmp_path / "bad.json").write_text("{}")
    run = Run(capsys, "pseudonymise", judged, tmp_path / "p", "--key", tmp_path / "bad.json")
    assert run.code == 1
    assert "not a key file" in run.err
    with pytest.raises(PackError):
        pseudonyms.load(tmp_path / "none")


def rewriter(*names: str) -> Rewriter:
    return Rewriter(Key(KEY), names, ())


def test_sids_keep_their_structure():
    made = rewriter()
    for sid in ("S-1-5-32-544", "S-1-1-0", "S-1-5-18"):
        assert made.text(sid) == sid
        assert made.binary(sid_to_bytes(sid)) == sid_to_bytes(sid)
    for rid in (512, 500, 1104, 31337):
        sid = f"{DOMAIN_SID}-{rid}"
        changed = made.text(sid)
        assert changed != sid
        assert len(changed) == len(sid)
        assert sid_from_bytes(made.binary(sid_to_bytes(sid))) == changed
        assert (changed.rpartition("-")[2] == str(rid)) == (rid < 1000)
        assert made.text(changed.rpartition("-")[0]) != changed
    domain = made.text(f"{DOMAIN_SID}-1104").rpartition("-")[0]
    assert made.text(f"{DOMAIN_SID}-1105").rpartition("-")[0] == domain == made.text(DOMAIN_SID)


def test_rids_are_permuted_and_keep_their_digits():
    key = Key(KEY)
    assert len({key.rid(n) for n in range(1000, 10_000)}) == 9_000
    assert {key.rid(n) for n in range(1000, 10_000)} == set(range(1000, 10_000))
    assert [key.rid(n) for n in range(1000)] == list(range(1000))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("HYPER01", False),
        ("hyper01.contoso.com", False),
        ("CN=HYPER01,OU=x,DC=contoso,DC=com", False),
        ("the svcHYPER01x account", False),
        ("1.2.840.113556.1.4.803", True),
        ("10.0.17763.1", True),
        ("2026-10-01T06:00:00Z", True),
        ("127.0.0.1 ::1", True),
        ("192.168.7.9", False),
        ("fe80::1:2", False),
        ("3.1.1", True),
    ],
)
def test_what_is_replaced_in_a_text(text: str, kept: bool):
    found = rewriter("hyper01", "contoso").text(text)
    assert (found == text) == kept
    assert "hyper01" not in found.lower()
    assert "contoso" not in found.lower()


def test_the_class_of_a_service_is_no_name():
    made = rewriter("hyper-v replica", "hyper01", "replica")
    assert made.spn("Hyper-V Replica Service/HYPER01").startswith("Hyper-V Replica Service/")
    asked = "(servicePrincipalName=Hyper-V Replica Service/*)"
    assert made.filter(asked) == asked


def test_a_letter_whose_lower_case_is_two():
    found = rewriter("İZMİR77").text("at İZMİR77 and izmir")
    assert "MİR" not in found
    assert len(found) == len("at İZMİR77 and izmir")


def test_case_is_kept_and_length_too():
    made = rewriter("hyper01", "müller")
    assert made.text("HYPER01").lower() == made.text("hyper01")
    assert made.text("HYPER01").isupper()
    reply = struct.pack("<I", 6) + "Müller".encode("utf-16-le") + b"\x00\x00\xff"
    changed = made.binary(reply)
    assert len(changed) == len(reply)
    assert changed[:4] == reply[:4]
    assert "üller".encode("utf-16-le") not in changed


def test_filters_are_undone_and_done():
    made = rewriter("müller", "hyper01")
    name = made.text("müller")
    assert made.filter(f"(sAMAccountName={escape('Müller')})") == f"(sAMAccountName={name})"
    sid = f"{DOMAIN_SID}-1104"
    asked = "".join(f"\\{byte:02x}" for byte in sid_to_bytes(sid))
    wanted = "".join(f"\\{byte:02x}" for byte in sid_to_bytes(made.text(sid)))
    assert made.filter(f"(|(objectSid={asked}))") == f"(|(objectSid={wanted}))"
    plain = "(&(objectClass=*)(userAccountControl:1.2.840.113556.1.4.803:=8192)(cn=a\\28b))"
    assert made.filter(plain) == plain
