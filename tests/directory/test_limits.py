"""Limits and failures of a Windows controller: the whole answer, or a gap; never a short list."""

from __future__ import annotations

import pytest

from tests.directory import standin
from tests.directory.conftest import Site
from tests.directory.standin import Behaviour, Object
from tests.worlds import DOMAIN
from vmmaudit import questions
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.ldap import Directory
from vmmaudit.evidence import Answer, Gap, Question, Reason
from vmmaudit.scope import Domain

BASE = questions.base_dn(DOMAIN)
PEOPLE = 3_250
EVERYBODY = questions.search(DOMAIN, BASE, "sub", "(objectClass=person)", ["cn"])
GROUP = f"CN=g,{BASE}"
MEMBERS = questions.search(DOMAIN, GROUP, "base", "(objectClass=*)", ["member"])


def people(count: int = PEOPLE) -> list[Object]:
    return [
        Object(f"CN=u{n:04},{BASE}", {"objectClass": [b"person"], "cn": [b"u%04d" % n]})
        for n in range(count)
    ]


def group(count: int) -> list[Object]:
    members = [f"CN=u{n:04},{BASE}".encode() for n in range(count)]
    return [Object(GROUP, {"objectClass": [b"group"], "member": members})]


def ask(domain: Domain, *asked: Question, seconds: float = 5) -> list[Answer | Gap]:
    directory = Directory(domain, Vault(), connect_seconds=3, receive_seconds=seconds)
    try:
        return [directory.answer(question) for question in asked]
    finally:
        directory.close()


@pytest.mark.parametrize("page", [7, 1000, 5000])
def test_every_page_and_never_more_than_the_controller_allows(site: Site, page: int):
    with site.controller(people(), Behaviour(page=page)) as (server, domain):
        (found,) = ask(domain, EVERYBODY)
    assert isinstance(found, Answer)
    assert [row.name for row in found.rows] == [entry.dn for entry in people()]
    assert set(server.page_sizes) == {1000}
    assert server.most_entries == min(page, 1000)


def test_the_stand_in_cuts_whoever_does_not_page(site: Site):
    """That the limit is there at all; the plain client of ldap3 as the witness."""
    import ldap3

    with site.controller(people()) as (server, _):
        to = ldap3.Server(f"dc01.{DOMAIN}", port=server.port, use_ssl=True, get_info=ldap3.NONE)
        with ldap3.Connection(to, standin.USER, site.password, check_names=False) as witness:
            witness.search(BASE, "(objectClass=person)", attributes=["cn"])
            assert witness.result["result"] == standin.SIZE_LIMIT
            assert len(witness.entries) == 1000
            cookie = b"made up"
            witness.search(
                BASE, "(objectClass=person)", paged_size=5, paged_cookie=cookie, attributes=["cn"]
            )
            assert witness.result["result"] == standin.UNWILLING


@pytest.mark.parametrize("count", [1, 1499, 1500, 1501, 3000, 5000])
def test_members_in_ranges(site: Site, count: int):
    with site.controller(group(count)) as (server, domain):
        (found,) = ask(domain, MEMBERS)
    assert isinstance(found, Answer)
    assert found.rows[0].values == {"member": tuple(group(count)[0].values["member"])}
    assert server.most_values == min(count, 1500)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (standin.TIME_LIMIT, Reason.TIMEOUT),
        (standin.SIZE_LIMIT, Reason.INCOMPLETE),
        (standin.ADMIN_LIMIT, Reason.INCOMPLETE),
        (standin.BUSY, Reason.UNREACHABLE),
        (standin.UNAVAILABLE, Reason.UNREACHABLE),
        (standin.UNWILLING, Reason.NOT_SUPPORTED),
        (standin.OPERATIONS_ERROR, Reason.MALFORMED_REPLY),
    ],
)
@pytest.mark.parametrize("page", [1, 2, 4])
def test_a_failure_at_any_page_is_a_gap(site: Site, code: int, reason: Reason, page: int):
    with site.controller(people(), Behaviour(fail={page: code})) as (_, domain):
        found, again = ask(domain, EVERYBODY, EVERYBODY)
    assert isinstance(found, Gap)
    assert found.reason is reason
    assert isinstance(again, Answer)  # of one search, not of the run
    assert len(again.rows) == PEOPLE


@pytest.mark.parametrize("code", [standin.BUSY, standin.ADMIN_LIMIT, standin.NO_SUCH_OBJECT])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_failure_at_any_range_is_a_gap(site: Site, code: int, at: int):
    with site.controller(group(5000), Behaviour(fail_ranges={at: code})) as (_, domain):
        found, again = ask(domain, MEMBERS, MEMBERS)
    assert isinstance(found, Gap)
    assert isinstance(again, Answer)
    assert len(again.rows[0].values["member"]) == 5000


@pytest.mark.parametrize("place", [0, 700, 1499, 1500, 3100, 4999])
@pytest.mark.parametrize("change", ["leaves", "joins"])
def test_a_group_that_changes_between_ranges_loses_nobody(site: Site, change: str, place: int):
    """Whoever leaves moves all after him by one: without looking, one more would be lost."""
    with site.controller(group(5000), Behaviour()) as (server, domain):
        values = server.entries[0].values["member"]
        reads = 0

        def work() -> None:
            nonlocal reads
            reads += 1
            if reads == 2:
                if change == "leaves":
                    del values[place]
                else:
                    values.insert(place, b"CN=new")

        server.behaviour.after_search = work
        (found,) = ask(domain, MEMBERS)
    assert isinstance(found, Answer)
    told = set(found.rows[0].values["member"])
    both = set(group(5000)[0].values["member"]) & set(values)
    assert both <= told
    assert len(told) == len(found.rows[0].values["member"])


def test_a_connection_cut_in_mid_page_is_opened_again_and_nothing_is_twice(site: Site):
    with site.controller(people(), Behaviour(cut=3)) as (server, domain):
        (found,) = ask(domain, EVERYBODY)
    assert isinstance(found, Answer)
    assert [row.name for row in found.rows] == [entry.dn for entry in people()]
    assert server.connections == 2


def test_a_controller_that_falls_silent_is_a_gap_in_time(site: Site):
    with site.controller(people(5), Behaviour(stall=3)) as (_, domain):
        (found,) = ask(domain, EVERYBODY, seconds=1)
    assert isinstance(found, Gap)
    assert found.reason is Reason.TIMEOUT


def test_references_are_not_followed(site: Site):
    """`getaddrinfo` of the site fails for every other name, so following would be seen."""
    elsewhere = "ldap://dc99.fabrikam.com/DC=fabrikam,DC=com"
    with site.controller(people(10), Behaviour(referrals=(elsewhere,))) as (server, domain):
        (found,) = ask(domain, EVERYBODY)
    assert isinstance(found, Answer)
    assert len(found.rows) == 10
    assert server.binds == [standin.USER]


def test_a_referral_is_a_gap_and_nobody_else_is_given_the_password(site: Site):
    child = f"DC=emea,{BASE}"
    behaviour = Behaviour(elsewhere={child: f"ldap://dc01.{DOMAIN}:389/{child}"})
    with site.controller(people(10), behaviour) as (server, domain):
        (found,) = ask(domain, questions.search(DOMAIN, child, "sub", "(cn=*)", ["cn"]))
    assert isinstance(found, Gap)
    assert found.reason is Reason.INCOMPLETE
    assert "another server" in found.text
    assert (server.connections, server.binds) == (1, [standin.USER])


def test_no_password_to_whoever_is_not_trusted(site: Site):
    with site.controller(people(1), ca="wrong-ca.pem") as (server, domain):
        (found,) = ask(domain, EVERYBODY)
    assert isinstance(found, Gap)
    assert found.reason is Reason.CERTIFICATE_UNTRUSTED
    assert server.binds == []


def test_the_order_of_entries_changes_and_nothing_is_lost(site: Site):
    with site.controller(people(), Behaviour(page=100, shuffle=True)) as (_, domain):
        first, second = ask(domain, EVERYBODY, EVERYBODY)
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    names = [sorted(row.name for row in found.rows) for found in (first, second)]
    assert names[0] == names[1] == [entry.dn for entry in people()]


def test_one_deleted_between_pages_is_gone_and_the_others_are_there(site: Site):
    with site.controller(people(25), Behaviour(page=10)) as (server, domain):
        gone = server.entries[20]

        def delete() -> None:
            server.entries = [entry for entry in server.entries if entry is not gone]

        server.behaviour.between = delete
        (found,) = ask(domain, EVERYBODY)
    assert isinstance(found, Answer)
    assert [row.name for row in found.rows] == [e.dn for e in people(25) if e.dn != gone.dn]


@pytest.mark.parametrize(("flags", "told"), [(0x07, True), (0x0F, False)])
def test_a_descriptor_is_told_without_its_sacl_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch, flags: int, told: bool
):
    """With the SACL flag a plain user is told nothing: that the client must not ask for it."""
    from vmmaudit.collect import ldap

    asked = questions.search(DOMAIN, GROUP, "base", "(objectClass=*)", ["nTSecurityDescriptor"])
    control = (*ldap._SD_FLAGS[:2], b"\x30\x03\x02\x01" + bytes([flags]), False)
    if flags != 0x07:
        monkeypatch.setattr(ldap, "_SD_FLAGS", control)
    entry = Object(GROUP, {"objectClass": [b"group"], "nTSecurityDescriptor": [b"\x01"]})
    with site.controller([entry]) as (_, domain):
        (found,) = ask(domain, asked)
    assert isinstance(found, Answer)
    assert ("nTSecurityDescriptor" in found.rows[0].values) is told
