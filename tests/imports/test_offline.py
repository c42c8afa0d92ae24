"""A site that hands over exports is judged as the site that lets us in."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import worlds
from tests.imports import exports, script
from tests.simulate import scope_of, scope_text, simulate, without
from tests.test_catalogue import READINESS
from tests.variants import VARIANTS, Variant
from tests.worlds import World
from vmmaudit import questions
from vmmaudit.assessment import Assessment, Verdict
from vmmaudit.audit import collected
from vmmaudit.collect.gather import collect
from vmmaudit.collect.offline import Fallback, Offline
from vmmaudit.collect.replay import Replay
from vmmaudit.errors import UsageError
from vmmaudit.evidence import Answer, Evidence, Gap
from vmmaudit.imports.record import ImportsError
from vmmaudit.judge import judge
from vmmaudit.scope import Host, Scope

Write = Callable[[Evidence, Scope, Path], None]
WRITERS: dict[str, Write] = {
    "German Excel CSV": exports.german_csv,
    "CLIXML": exports.clixml,
    "LDIF and icacls": exports.ldif_and_icacls,
    "the script": script.write,
}
EXPORTED = VARIANTS
JUDGED = {*READINESS, "ACC-03", "ACC-04", "SVC-01", "SVC-02", "ACC-08"}


def verdicts(assessment: Assessment) -> set[tuple[str, str, str]]:
    return {
        (j.control, j.subject.id, j.verdict.value)
        for j in assessment.verdicts
        if j.control in JUDGED
    }


def offline(evidence: Evidence, scope: Scope, folder: Path, write: Write) -> Evidence:
    write(evidence, scope, folder)
    return collect(scope, Offline(folder, scope))


def both(world: World, folder: Path, write: Write) -> tuple[Assessment, Assessment]:
    evidence, scope = simulate(world)
    return judge(evidence, scope), judge(offline(evidence, scope, folder, write), scope)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_the_conforming_site(tmp_path: Path, write: Write):
    live, handed = both(worlds.conforming(), tmp_path, write)
    assert verdicts(handed) == verdicts(live)
    assert {entry.ready.value for entry in handed.readiness} == {"yes"}


@pytest.mark.parametrize("variant", EXPORTED, ids=lambda variant: variant.name)
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_every_variant(tmp_path: Path, variant: Variant, write: Write):
    live, handed = both(variant.world, tmp_path, write)
    if variant.name == "name-without-spn" and write is not script.write:
        # That nobody has an SPN no export can prove: not assessable instead of a failure.
        found = {j.verdict for j in handed.verdicts if j.control == "DEL-04"}
        assert found == {Verdict.PASS, Verdict.NOT_ASSESSABLE}
        return
    assert verdicts(handed) == verdicts(live)
    assert [e.broken for e in handed.readiness] == [e.broken for e in live.readiness]


BY_THE_SCRIPT = JUDGED | {
    *("ENV-03", "SCP-01", "ACC-05", "ACC-09", "LIB-04", "PRM-10", "PRM-11", "PRM-12"),
    *(f"DEL-{number:02}" for number in range(5, 10)),
}
"""What the script leaves to nobody else: all but the registry, clocks, replicas and VMM."""


@pytest.mark.parametrize("variant", EXPORTED, ids=lambda variant: variant.name)
def test_the_script_settles_nearly_everything(tmp_path: Path, variant: Variant):
    live, handed = both(variant.world, tmp_path, script.write)
    found, known = (
        {
            (j.control, j.subject.id): (j.verdict, j.code, {remark.code for remark in j.remarks})
            for j in assessment.verdicts
            if j.control in BY_THE_SCRIPT
        }
        for assessment in (handed, live)
    )
    assert found == known


def test_it_is_known_who_ran_the_script_and_when(tmp_path: Path):
    evidence, scope = simulate(worlds.conforming())
    script.write(evidence, scope, tmp_path)
    origin = Offline(tmp_path, scope).origin
    assert origin.moment == evidence.origin.moment
    assert (origin.who, origin.machine) == ("CONTOSO\\adm", "ADMIN1")
    beside = tmp_path / "more"
    beside.mkdir()
    (beside / "a.csv").write_text("Name;Path\na;b\n", encoding="utf-8")
    mixed = Offline(tmp_path, scope).origin
    assert mixed.moment > origin.moment


def test_each_domain_has_its_own_root(tmp_path: Path):
    _, scope = simulate(worlds.conforming())
    note = {"base": "", "scope": "base", "filter": "(objectClass=*)"}
    rows = [
        {"dn": "", "domain": name, **note, "dnsHostName": [_base64(f"dc.{name}")]}
        for name in ("contoso.com", "fabrikam.com")
    ]
    (tmp_path / "rootdse.json").write_text(json.dumps(rows), encoding="utf-8")
    wire = Offline(tmp_path, scope)
    for name in ("contoso.com", "fabrikam.com"):
        (reply,) = wire.ask([questions.root_dse(name)])
        assert isinstance(reply, Answer)
        assert reply.rows[0].first("dnsHostName") == f"dc.{name}".encode()


def _base64(text: str) -> dict[str, str]:
    return {"base64": base64.b64encode(text.encode()).decode()}


def test_a_missing_column_is_not_assessable_and_named(tmp_path: Path):
    evidence, scope = simulate(worlds.conforming())
    exports.german_csv(evidence, scope, tmp_path)
    for name in ("freigaben", "gruppen", "dienste", "start"):
        (tmp_path / f"{name}.csv").unlink()
    found = collect(scope, Offline(tmp_path, scope))
    assessment = judge(found, scope)
    open_ = {j.control for j in assessment.verdicts if j.verdict is Verdict.NOT_ASSESSABLE}
    assert {"PRM-01", "PRM-03", "ACC-03", "ACC-04", "SVC-02"} <= open_
    assert Verdict.FAIL not in {j.verdict for j in assessment.verdicts if j.control in JUDGED}
    gaps = {gap.text for gap in found.gaps.values()}
    assert any("Get-SmbShare" in text for text in gaps)


@pytest.mark.parametrize(
    "column",
    [
        "msDS-AllowedToDelegateTo",
        "PrincipalsAllowedToDelegateToAccount",
        "userAccountControl",
        "accountExpires",
        "servicePrincipalName",
        "objectSid",
        "objectClass",
        "groupType",
        "tokenGroups",
        "DistinguishedName",
    ],
)
@pytest.mark.parametrize("name", ["conforming", *(v.name for v in VARIANTS if v.broken)])
def test_a_missing_column_decides_nothing(tmp_path: Path, name: str, column: str):
    """What nobody exported makes no verdict better and none worse: it is not assessable."""
    world = next((v.world for v in VARIANTS if v.name == name), worlds.conforming())
    evidence, scope = simulate(world)
    exports.german_csv(evidence, scope, tmp_path)
    file = tmp_path / "verzeichnis.csv"
    rows = list(csv.reader(io.StringIO(file.read_text("cp1252"), newline=""), delimiter=";"))
    index = rows[0].index(column)
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(r[:index] + r[index + 1 :] for r in rows)
    file.write_bytes(text.getvalue().encode("cp1252"))
    live = {(j.control, j.subject.id): j.verdict for j in judge(evidence, scope).verdicts}
    for found in judge(collect(scope, Offline(tmp_path, scope)), scope).verdicts:
        known = live.get((found.control, found.subject.id))
        if found.control not in JUDGED - {"HST-01", "ACC-08"}:
            continue
        if found.verdict in (Verdict.PASS, Verdict.FAIL) and known is not None:
            assert found.verdict is known or {found.verdict, known} <= {
                Verdict.PASS,
                Verdict.WARN,
            }, (found.control, found.subject.id, found.code)


def test_the_register_names_the_file_and_its_digest(tmp_path: Path):
    evidence, scope = simulate(worlds.conforming())
    found = offline(evidence, scope, tmp_path, exports.german_csv)
    sources = {answer.source for answer in found.answers.values()}
    assert any(s.startswith("import: verzeichnis.csv (SHA-256 ") for s in sources)


def test_an_empty_folder_is_refused(tmp_path: Path):
    with pytest.raises(ImportsError, match="holds no file"):
        Offline(tmp_path, simulate(worlds.conforming())[1])


def test_the_command_line(tmp_path: Path):
    world = worlds.conforming()
    evidence, scope = simulate(world)
    exports.clixml(evidence, scope, tmp_path)
    file = tmp_path.parent / f"{tmp_path.name}.yaml"
    file.write_text(scope_text(world), encoding="utf-8")
    audit = collected(file, imports=tmp_path, offline=True)
    assert {entry.ready.value for entry in audit.assessment.readiness} == {"yes"}
    with pytest.raises(UsageError, match="--imports"):
        collected(file, offline=True)


def test_what_the_script_searched_and_did_not_find_is_not_there(tmp_path: Path):
    world = next(v.world for v in VARIANTS if v.name == "name-without-spn")
    evidence, scope = simulate(world)
    exports.clixml(evidence, scope, tmp_path)
    question = questions.spn("contoso.com", "iso.contoso.com")
    base, depth, query, _ = question.detail
    note = {"base": base, "scope": depth, "filter": query, "found": 0, "error": None}
    (tmp_path / "searches.json").write_text(json.dumps([note]), encoding="utf-8")
    assessment = judge(collect(scope, Offline(tmp_path, scope)), scope)
    assert Verdict.FAIL in {j.verdict for j in assessment.verdicts if j.control == "DEL-04"}


SMB_1: dict[str, tuple[str, str, str]] = {
    "named": ("a.csv", "PSComputerName,EnableSMB1Protocol\nLIBRARY01,{}\n", "True"),
    "in full": ("a.csv", "PSComputerName,EnableSMB1Protocol\nlibrary01.contoso.com,{}\n", "WAHR"),
    "by its file": ("smb library01.csv", "EnableSMB1Protocol,x\n{},1\n", "True"),
    "by its whole name": ("library01.contoso.com.csv", "EnableSMB1Protocol,x\n{},1\n", "True"),
    "json": ("a.json", '[{{"PSComputerName": "LIBRARY01", "EnableSMB1Protocol": {}}}]', "true"),
}


@pytest.mark.parametrize("form", SMB_1)
def test_whether_smb_1_is_on_is_told_of_that_server_alone(tmp_path: Path, form: str):
    evidence, scope = simulate(worlds.conforming())
    name, text, on = SMB_1[form]
    off = {"True": "False", "WAHR": "FALSCH", "true": "false"}[on]
    for told, verdict in ((on, Verdict.FAIL), (off, Verdict.PASS)):
        (tmp_path / name).write_text(text.format(told), encoding="utf-8")
        answers = {q: a for q, a in evidence.answers.items() if q.kind != questions.LEGACY_SMB}
        wire = Fallback(Replay(Evidence(evidence.origin, answers)), Offline(tmp_path, scope))
        found = {
            j.subject.id: (j.verdict, j.code)
            for j in judge(collect(scope, wire), scope).verdicts
            if j.control == "NET-06"
        }
        code = "SMB1_CONFIGURED" if verdict is Verdict.FAIL else ""
        assert found.pop("library01.contoso.com") == (verdict, code)
        assert {verdict for verdict, _ in found.values()} == {Verdict.NOT_ASSESSABLE}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "EnableSMB1Protocol,x\nTrue,1\n"),
        ("library010.csv", "EnableSMB1Protocol,x\nTrue,1\n"),
        ("a.csv", "PSComputerName,EnableSMB1Protocol\nlibrary01,\n"),
        ("a.csv", "PSComputerName,EnableSMB1Protocol\nlibrary01,perhaps\n"),
    ],
)
def test_a_configuration_of_nobody_decides_nothing(tmp_path: Path, name: str, text: str):
    _, scope = simulate(worlds.conforming())
    (tmp_path / name).write_text(text, encoding="utf-8")
    (reply,) = Offline(tmp_path, scope).ask([questions.legacy_smb("library01.contoso.com")])
    assert isinstance(reply, Gap)
    assert "EnableSMB1Protocol" in reply.text


def test_a_try_is_believed_before_a_configuration(tmp_path: Path):
    evidence, scope = simulate(worlds.conforming().with_library("LIBRARY01", smb1=True))
    _, text, _ = SMB_1["named"]
    (tmp_path / "a.csv").write_text(text.format("False"), encoding="utf-8")
    wire = Fallback(Replay(evidence), Offline(tmp_path, scope))
    found = judge(collect(scope, wire), scope).verdicts
    assert [j.code for j in found if j.control == "NET-06" and j.verdict is Verdict.FAIL] == [
        "SMB1_SPOKEN"
    ]


TRIED = "SourceComputer;ComputerName;RemotePort;TcpTestSucceeded\n"


@pytest.mark.parametrize(
    ("sftp", "https", "code"),
    [("True", "True", ""), ("FALSCH", "WAHR", "SFTP_CLOSED"), ("True", "False", "HTTPS_CLOSED")],
)
def test_what_vmm_reached_is_told_by_test_net_connection(
    tmp_path: Path, sftp: str, https: str, code: str
):
    esx = Host(name="esx01.contoso.com", platform="esx")
    scope = scope_of(worlds.conforming(), hosts=(esx,))
    text = f"VMM01;esx01.contoso.com;22;{sftp}\nVMM01;esx01.contoso.com;443;{https}\n"
    (tmp_path / "ports.csv").write_text(TRIED + text, encoding="utf-8")
    found = judge(collect(scope, Offline(tmp_path, scope)), scope).verdicts
    told = {j.subject.id: j.code for j in found if j.control == "NET-04"}
    assert told == {esx.name: "ALWAYS_COPIED", f"vmm01.contoso.com -> {esx.name}": code}


def test_where_servers_answer_exports_only_fill_the_gaps(tmp_path: Path):
    evidence, scope = simulate(worlds.conforming())
    exports.german_csv(evidence, scope, tmp_path)
    library = questions.file_server(scope, scope.libraries[0])
    refused = without(evidence, questions.share(library, scope.libraries[0].share_name))
    wire = Fallback(Replay(refused), Offline(tmp_path, scope))
    filled = collect(scope, wire)
    sources = {answer.source for answer in filled.answers.values() if "import:" in answer.source}
    assert sources
    assert all("freigaben.csv" in source for source in sources)
    assert verdicts(judge(filled, scope)) == verdicts(judge(evidence, scope))
