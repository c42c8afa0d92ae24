"""Reading computers from a directory, against OpenLDAP's own client and against ldeep.

5,000 from Samba, both sides sealed by Kerberos, and 50,000 from OpenLDAP, both in clear; ours
in the process, connecting included, ldapsearch as the process that it is. Then the delegations
of a domain as `ldeep delegations` prints them, both as whole processes.
Needs the lab: `python -m tests.lab exec -- python -m benchmarks.ldap [ON SAMBA [ON OPENLDAP]]`.
"""

from __future__ import annotations

import gc
import os
import sys
from functools import partial
from typing import Final

import ldap3

from benchmarks import delegations, openldap
from benchmarks.measure import growth, in_turns, left_out, middle, process, ratio, rival, row
from tests.lab.lab import Lab
from tests.lab.recipe import BASE_DN, CONTROLLER, DNS_DOMAIN
from tests.live.collecting import log_on
from vmmaudit import questions
from vmmaudit.collect.credentials import Credentials, Vault
from vmmaudit.collect.ldap import Client, Directory
from vmmaudit.evidence import Answer, Question
from vmmaudit.scope import Authentication, Domain

ROUNDS: Final = 7
UNIT: Final = f"OU=Benchmark,{BASE_DN}"
CHOSEN: Final = (
    *("dNSHostName", "msDS-AllowedToDelegateTo", "objectSid", "sAMAccountName"),
    *("servicePrincipalName", "userAccountControl"),
)


def main(on_samba: int = 5_000, on_openldap: int = 50_000) -> None:
    """Print the rows, or say that there is no lab."""
    if "VMMAUDIT_LAB" not in os.environ:
        left_out("computers of a directory", "no lab")
        return
    gc.set_threshold(50_000, 20, 100)  # as the command has it
    sizes = [on_openldap // 100, on_openldap // 10, on_openldap]
    with openldap.filled(sizes) as uri:
        points = {n: min(_clear(uri, n, told=n == on_openldap)) for n in sizes}
    growth("computers read from OpenLDAP", "computers", points)
    lab = Lab.current()
    fill(lab, on_samba)
    log_on(lab, "auditadmin")
    _sealed(on_samba)
    _delegations(on_samba)


def fill(lab: Lab, count: int) -> None:
    """Computers that delegate, in an organizational unit of their own."""
    unit = {"do": "add", "dn": UNIT, "attributes": {"objectClass": ["organizationalUnit"]}}
    changes = [unit, *(_computer(number) for number in range(count))]
    lab.stop(CONTROLLER.name)
    lab.ask(CONTROLLER.name, "directory", changes=changes, many=True)
    lab.start(CONTROLLER.name)


def _computer(number: int) -> dict[str, object]:
    name = f"BENCH{number:05}"
    full = f"{name.lower()}.{DNS_DOMAIN}"
    targets = [f"cifs/library{n:02}.{DNS_DOMAIN}" for n in range(4)]
    attributes = {
        "objectClass": ["computer"],
        "sAMAccountName": [f"{name}$"],
        "userAccountControl": [str(0x1000 | 0x1000000)],
        "dNSHostName": [full],
        "servicePrincipalName": [
            f"{kind}/{form}" for kind in ("HOST", "WSMAN") for form in (name, full)
        ],
        "msDS-AllowedToDelegateTo": targets,
    }
    return {"do": "add", "dn": f"CN={name},{UNIT}", "attributes": attributes}


def _clear(uri: str, count: int, *, told: bool) -> list[float]:
    """Our seconds on OpenLDAP; the row is told of one size alone."""
    base = f"OU={count},{openldap.SUFFIX}"
    domain = Domain(name="bench.example", controllers=(openldap.ADDRESS,))

    def connect(_domain: Domain, name: str, _credentials: Credentials) -> Client:
        server = ldap3.Server(name, openldap.PORT, get_info=ldap3.NONE)
        return Client(ldap3.Connection(server, auto_bind=True))

    def ours() -> None:
        asked = questions.search(domain.name, base, "sub", "(objectClass=computer)", CHOSEN)
        _ask(Directory(domain, Vault(), opener=connect), asked, count)

    taken = in_turns(ROUNDS, {"ours": ours, "rival": lambda: _ldapsearch(uri, base, count, "-x")})
    if told:
        row(
            f"{count:,} computers with {len(CHOSEN)} attributes from OpenLDAP",
            "ldapsearch",
            "<= 2",
            ratio(taken["ours"], taken["rival"]),
            middle(taken["ours"]),
            middle(taken["rival"]),
            note="both in clear, pages of 1,000",
        )
    return taken["ours"]


def _sealed(count: int) -> None:
    domain = Domain(name=DNS_DOMAIN, auth=Authentication(secret="ccache"))
    uri = f"ldap://{CONTROLLER.fqdn}"

    def ours() -> None:
        asked = questions.search(DNS_DOMAIN, UNIT, "sub", "(objectCategory=computer)", CHOSEN)
        _ask(Directory(domain, Vault()), asked, count)

    def theirs() -> None:
        _ldapsearch(uri, UNIT, count, "-Q", "-Y", "GSSAPI")

    taken = in_turns(ROUNDS, {"ours": ours, "rival": theirs})
    row(
        f"{count:,} hosts with {len(CHOSEN)} attributes from Samba",
        "ldapsearch",
        "<= 2",
        ratio(taken["ours"], taken["rival"]),
        middle(taken["ours"]),
        middle(taken["rival"]),
        note="both sealed by Kerberos, pages of 1,000",
    )


def _ask(directory: Directory, asked: Question, count: int) -> None:
    answer = directory.answer(asked)
    directory.close()
    assert isinstance(answer, Answer), answer
    assert len(answer.rows) == count


def _ldapsearch(uri: str, base: str, count: int, *logon: str) -> None:
    command = ["ldapsearch", *logon, "-LLL", "-H", uri, "-E", "pr=1000/noprompt", "-b", base]
    text = process([*command, "(objectClass=computer)", *CHOSEN])
    assert text.count("\ndn: ") + text.startswith("dn: ") == count


def _delegations(count: int) -> None:
    what = f"delegations of a domain with {count:,} hosts"
    ldeep = rival("ldeep")
    if ldeep is None:
        left_out(what, "ldeep is not installed: `make bench` does it")
        return
    server = ["-d", DNS_DOMAIN, "-s", f"ldap://{CONTROLLER.fqdn}"]
    ours = [sys.executable, "-m", "benchmarks.delegations"]
    theirs = [ldeep, "ldap", "-k", *server, "delegations"]
    told = {tuple(sorted(process(command).split("\n"))) for command in (ours, theirs)}
    assert len(told) == 1, [len(lines) for lines in told]
    search = ["ldapsearch", "-Q", "-Y", "GSSAPI", "-LLL", "-H", f"ldap://{CONTROLLER.fqdn}"]
    search += ["-E", "pr=1000/noprompt", "-b", BASE_DN, delegations.QUERY, *delegations.WANTED]
    commands = {"ours": ours, "rival": theirs, "search": search}
    taken = in_turns(3, {name: partial(process, command) for name, command in commands.items()})
    alone = ratio(taken["search"], taken["rival"])
    row(
        what,
        "ldeep delegations",
        "<= 0.5",
        ratio(taken["ours"], taken["rival"]),
        middle(taken["ours"]),
        middle(taken["rival"]),
        note="whole processes, the same lines",
        shortfall="measured beside them: ldapsearch, a C program that does this search and nothing "
        f"else, takes {alone:.2f} of ldeep's time",
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
