"""`vmmaudit doctor`: what works from here, and the sentence that helps where it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import worlds
from tests.lab.apply import apply
from tests.lab.lab import Lab
from tests.live.collecting import log_on
from tests.live.test_whole_run import written
from tests.simulate import SimulatedWire, scope_of
from tests.variants import GOOD
from tests.worlds import DOMAIN, MOMENT
from vmmaudit import questions
from vmmaudit.audit import examination
from vmmaudit.collect.doctor import Check, examine
from vmmaudit.evidence import Answer, Gap, Question, Reason, Row


def found(world, **changes) -> dict[tuple[str, str], bool | None]:
    wire = SimulatedWire(world, changes, MOMENT)
    return {(c.target, c.what): c.works for c in examine(scope_of(world), wire)}


def test_a_site_where_all_works():
    checks = found(GOOD)
    assert checks[DOMAIN, "directory"] is True
    assert checks[DOMAIN, "rights"] is True
    assert checks[f"library01.{DOMAIN}", "local groups"] is True
    assert checks[f"hyper01.{DOMAIN}", "time and boot"] is True
    for server in (f"hyper01.{DOMAIN}", f"vmm01.{DOMAIN}", f"library01.{DOMAIN}"):
        for what in ("name", "port 445", "SMB", "local groups", "registry"):
            assert checks[server, what] is True, (server, what)
    assert checks[f"hyper01.{DOMAIN}", "services"] is checks[f"vmm01.{DOMAIN}", "services"] is True
    for what in ("name", "port 389", "clock", "groups", "protection"):
        assert checks[DOMAIN, what] is True, what
    assert False not in checks.values()


def test_a_server_that_is_away_is_named():
    checks = found(GOOD.with_library("LIBRARY02", reachable=False))
    assert checks[f"library02.{DOMAIN}", "port 445"] is False
    assert checks[f"library01.{DOMAIN}", "SMB"] is True
    # What lies behind a closed port is not tried one by one.
    assert {what for target, what in checks if target.startswith(r"\\library02")} == set()
    assert [what for target, what in checks if target == f"library02.{DOMAIN}"] == ["port 445"]


class Refusing:
    """A site in which one question is answered otherwise."""

    def __init__(self, question: Question, reply: Answer | Gap) -> None:
        self.wire = SimulatedWire(GOOD, {}, MOMENT)
        self.question, self.reply = question, reply

    def ask(self, asked: Sequence[Question]) -> list[Answer | Gap]:
        return [
            self.reply if question == self.question else self.wire.ask([question])[0]
            for question in asked
        ]

    def check(self) -> Check:
        """The one thing that does not work."""
        (found,) = [c for c in examine(scope_of(GOOD), self) if c.works is False]  # type: ignore[arg-type]
        return found


LIBRARY = f"library01.{DOMAIN}"
VMM = f"vmm01.{DOMAIN}"
HOST_DN = SimulatedWire(GOOD, {}, MOMENT).ask([questions.computer(DOMAIN, f"hyper01.{DOMAIN}")])


@pytest.mark.parametrize(
    ("question", "reason", "target", "what"),
    [
        (questions.smb_server(LIBRARY), Reason.UNRESOLVABLE, LIBRARY, "name"),
        (questions.smb_server(LIBRARY), Reason.TIMEOUT, LIBRARY, "port 445"),
        (questions.smb_server(LIBRARY), Reason.SIGNING_REQUIRED, LIBRARY, "signing"),
        (questions.smb_server(LIBRARY), Reason.CLOCK_SKEW, LIBRARY, "clock"),
        (questions.smb_server(LIBRARY), Reason.AUTHENTICATION_FAILED, LIBRARY, "SMB"),
        (questions.sam_domains(LIBRARY), Reason.ACCESS_DENIED, LIBRARY, "local groups"),
        (questions.service(VMM, "SCVMMService"), Reason.ACCESS_DENIED, VMM, "services"),
        (
            questions.registry(VMM, *questions.VMM_VERSION),
            *(Reason.ACCESS_DENIED, VMM, "registry"),
        ),
        (questions.root_dse(DOMAIN), Reason.UNRESOLVABLE, DOMAIN, "name"),
        (questions.root_dse(DOMAIN), Reason.UNREACHABLE, DOMAIN, "port 389"),
        (questions.root_dse(DOMAIN), Reason.CERTIFICATE_UNTRUSTED, DOMAIN, "certificate"),
        (questions.root_dse(DOMAIN), Reason.AUTHENTICATION_FAILED, DOMAIN, "directory"),
        (questions.computer(DOMAIN, f"hyper01.{DOMAIN}"), Reason.TIMEOUT, DOMAIN, "accounts"),
        (
            questions.token_groups(DOMAIN, HOST_DN[0].rows[0].name),  # type: ignore[union-attr]
            *(Reason.ACCESS_DENIED, DOMAIN, "groups"),
        ),
    ],
    ids=lambda value: str(getattr(value, "value", getattr(value, "kind", value))),
)
def test_each_refusal_is_called_by_its_name(question, reason, target, what):
    found = Refusing(question, Gap(reason, "It was refused; this helps.", MOMENT)).check()
    assert (found.target, found.what) == (target, what)
    assert found.sentence == "It was refused; this helps."


def test_groups_that_are_not_shown_and_a_host_that_is_not_seen():
    dn = HOST_DN[0].rows[0].name  # type: ignore[union-attr]
    asked = questions.token_groups(DOMAIN, dn)
    found = Refusing(asked, Answer((Row(dn, {}),), "dc01", MOMENT)).check()
    assert found.what == "groups"
    assert "Windows Authorization Access Group" in found.sentence
    asked = questions.computer(DOMAIN, f"hyper01.{DOMAIN}")
    found = Refusing(asked, Answer((), "dc01", MOMENT)).check()
    assert (found.what, "no account that can be seen" in found.sentence) == ("accounts", True)


def test_a_host_that_does_not_tell_its_boot_time_is_said():
    checks = found(GOOD.with_host("HYPER02", booted=None))
    assert checks[f"hyper02.{DOMAIN}", "time and boot"] is None


@pytest.mark.live
def test_in_the_lab(lab: Lab, tmp_path: Path):
    apply(lab, worlds.conforming())
    log_on(lab, "auditadmin")
    scope = written(tmp_path, worlds.conforming())
    text = run_doctor(tmp_path, scope)
    assert "ok  contoso.com: directory: dc01.contoso.com answers" in text.stdout
    assert "ok  contoso.com: clock: differs by 0 s" in text.stdout
    assert "ok  contoso.com: groups: are told with all that they are in" in text.stdout
    assert "ok  library01.contoso.com: SMB: logged on; dialect 3.1.1" in text.stdout
    for what, pipe in (("local groups", "SAMR"), ("services", "SVCCTL"), ("registry", "WINREG")):
        assert f"ok  hyper01.contoso.com: {what}: can be read ({pipe})" in text.stdout
    assert (
        "NO  hyper07.contoso.com: name: The name hyper07.contoso.com has no address" in text.stdout
    )
    assert text.returncode == 4, text.stderr
    checks = json.loads(run_doctor(tmp_path, scope, "--json").stdout)
    assert {check["target"] for check in checks} >= {"this machine", DOMAIN}
    whole = examination(scope)
    assert [(c.target, c.what, c.works) for c in whole.checks] == [
        (check["target"], check["what"], check["works"]) for check in checks
    ]
    assert "can be read (SAMR)" in whole._repr_html_()


def run_doctor(tmp_path: Path, scope: Path, *more: str):
    import subprocess
    import sys

    command = [sys.executable, "-m", "vmmaudit", "doctor", str(scope), *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)
