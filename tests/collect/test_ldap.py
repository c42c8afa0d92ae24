"""A domain's controllers in turn, pages and ranges, without a network: clients are stand-ins."""

from collections.abc import Callable, Sequence

import pytest

from vmmaudit import questions
from vmmaudit.collect.ber import BerError, Entry
from vmmaudit.collect.credentials import Credentials, Vault
from vmmaudit.collect.ldap import Directory, DirectoryClient, Page
from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Answer, Gap, Question, Reason
from vmmaudit.scope import Authentication, Domain

ONE, TWO = "dc01.contoso.com", "dc02.contoso.com"
EVERYTHING = questions.search("contoso.com", "DC=contoso,DC=com", "sub", "(cn=*)", ["cn"])
Step = Page | Exception | Callable[[], Page]


def page(*names: str, cookie: bytes | None = b"", code: int = 0) -> Page:
    return Page(tuple(Entry(name, (("cn", (name.encode(),)),)) for name in names), code, cookie)


class Scripted:
    """A client that gives the next of its steps whatever it is asked."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps
        self.asked: list[tuple[str, str, tuple[str, ...], bytes | None]] = []
        self.closed = False

    def search(
        self, base: str, scope: str, query: str, attributes: Sequence[str], cookie: bytes | None
    ) -> Page:
        self.asked.append((base, scope, tuple(attributes), cookie))
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Page) else step()

    def close(self) -> None:
        self.closed = True


class Site:
    """Controllers by name: what opening each of them gives, in turn."""

    def __init__(self, **controllers: list[DirectoryClient | WireError]) -> None:
        self.controllers = {f"{name}.contoso.com": list(of) for name, of in controllers.items()}
        self.opened: list[str] = []

    def open(self, domain: Domain, name: str, credentials: Credentials) -> DirectoryClient:
        del domain, credentials
        self.opened.append(name)
        found = self.controllers[name].pop(0)
        if isinstance(found, WireError):
            raise found
        return found


def directory(site: Site, *names: str) -> Directory:
    domain = Domain(name="contoso.com", controllers=names or tuple(site.controllers))
    return Directory(domain, Vault(), opener=site.open)


def refusal(reason: Reason) -> WireError:
    return WireError(reason, f"No: {reason}.")


def test_pages_keep_their_order_and_cookies():
    client = Scripted([page("a", "b", cookie=b"1"), page("c", cookie=b"2"), page("d")])
    found = directory(Site(dc01=[client])).answer(EVERYTHING)
    assert isinstance(found, Answer)
    assert [row.name for row in found.rows] == ["a", "b", "c", "d"]
    assert [cookie for *_, cookie in client.asked] == [b"", b"1", b"2"]
    assert (found.source, found.at.microsecond) == (ONE, 0)


def test_one_object_is_not_paged():
    client = Scripted([page("", cookie=None)])
    found = directory(Site(dc01=[client])).answer(questions.root_dse("contoso.com"))
    assert isinstance(found, Answer)
    assert client.asked[0][3] is None


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([page("a", cookie=None)], Reason.INCOMPLETE),  # it does not say that this was all
        ([page("a", cookie=b"1"), page("b", cookie=None)], Reason.INCOMPLETE),
        ([page("a", cookie=b"1"), page("b", code=4)], Reason.INCOMPLETE),  # sizeLimitExceeded
        ([page("a", cookie=b"1"), page(code=10)], Reason.INCOMPLETE),  # referral
        ([page("a", code=11)], Reason.INCOMPLETE),
        ([page("a", cookie=b"1"), page(cookie=b"2"), page(cookie=b"2")], Reason.MALFORMED_REPLY),
        ([page(code=3)], Reason.TIMEOUT),
        ([page(code=8)], Reason.SIGNING_REQUIRED),
        ([page(code=32)], Reason.NOT_FOUND),
        ([page(code=50)], Reason.ACCESS_DENIED),
        ([page(code=12)], Reason.NOT_SUPPORTED),
        ([page(code=1)], Reason.MALFORMED_REPLY),
        ([BerError("nonsense")], Reason.MALFORMED_REPLY),
    ],
)
def test_half_a_result_is_a_gap(steps: list[Step], reason: Reason):
    found = directory(Site(dc01=[Scripted(steps)])).answer(EVERYTHING)
    assert isinstance(found, Gap)
    assert found.reason is reason
    assert ONE in found.text


def test_a_reply_that_cannot_be_read_ends_its_connection():
    first, second = Scripted([BerError("nonsense")]), Scripted([page("a")])
    found = directory(Site(dc01=[first, second]))
    assert isinstance(found.answer(EVERYTHING), Gap)
    assert first.closed
    assert isinstance(found.answer(EVERYTHING), Answer)


def ranged(name: str, *values: bytes) -> Page:
    return Page((Entry("g", ((name, values),)),), 0, None)


MEMBERS = questions.search("contoso.com", "CN=g", "base", "(objectClass=*)", ["member"])


def test_ranges_are_put_together_under_the_plain_name():
    first = Page((Entry("g", (("member", ()), ("member;range=0-1", (b"a", b"b")))),), 0, None)
    rest = [ranged("member;Range=1-3", b"b", b"c", b"d"), ranged("member;range=3-*", b"d", b"e")]
    client = Scripted([first, *rest])
    found = directory(Site(dc01=[client])).answer(MEMBERS)
    assert isinstance(found, Answer)
    assert found.rows[0].values == {"member": (b"a", b"b", b"c", b"d", b"e")}
    assert [attributes for _, _, attributes, _ in client.asked[1:]] == [
        ("member;range=1-*",),
        ("member;range=3-*",),
    ]


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (ranged("member;range=5-*", b"f"), Reason.INCOMPLETE),  # 1 to 4 are missing
        (ranged("member;range=0-*", b"a"), Reason.INCOMPLETE),
        (ranged("member;range=1-1", b"b"), Reason.MALFORMED_REPLY),
        (ranged("member", b"c"), Reason.INCOMPLETE),
        (Page((), 0, None), Reason.INCOMPLETE),
        (Page((), 32, None), Reason.NOT_FOUND),
    ],
)
def test_a_range_that_breaks_off_is_a_gap(second: Page, reason: Reason):
    client = Scripted([ranged("member;range=0-1", b"a", b"b"), second])
    found = directory(Site(dc01=[client])).answer(MEMBERS)
    assert isinstance(found, Gap)
    assert found.reason is reason


def test_values_that_moved_between_ranges_are_read_again():
    first = Page((Entry("g", (("member;range=0-1", (b"a", b"b")),)),), 0, None)
    moved = ranged("member;range=1-*", b"c", b"d")  # a is gone, and c would have been missed
    client = Scripted([first, moved, ranged("member;range=0-*", b"b", b"c", b"d")])
    found = directory(Site(dc01=[client])).answer(MEMBERS)
    assert isinstance(found, Answer)
    assert found.rows[0].values == {"member": (b"b", b"c", b"d")}


def test_values_that_never_rest_are_a_gap():
    first = Page((Entry("g", (("member;range=0-1", (b"a", b"b")),)),), 0, None)
    again = [ranged("member;range=0-1", b"a", b"b"), ranged("member;range=1-*", b"x")]
    client = Scripted([first, ranged("member;range=1-*", b"x"), *again, *again])
    found = directory(Site(dc01=[client])).answer(MEMBERS)
    assert isinstance(found, Gap)
    assert found.reason is Reason.INCOMPLETE
    assert "changed" in found.text


@pytest.mark.parametrize(
    "reason",
    [
        Reason.UNRESOLVABLE,
        Reason.UNREACHABLE,
        Reason.TIMEOUT,
        Reason.CERTIFICATE_UNTRUSTED,
        Reason.MALFORMED_REPLY,
    ],
)
def test_the_next_controller_is_asked_and_the_dead_one_no_more(reason: Reason):
    site = Site(dc01=[refusal(reason)], dc02=[Scripted([page("a"), page("b")])])
    found = directory(site)
    first, second = found.answer(EVERYTHING), found.answer(EVERYTHING)
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert (first.source, second.source, site.opened) == (TWO, TWO, [ONE, TWO])


@pytest.mark.parametrize(
    "reason", [Reason.AUTHENTICATION_FAILED, Reason.CREDENTIALS_EXPIRED, Reason.CLOCK_SKEW]
)
def test_a_refused_logon_is_not_tried_elsewhere_nor_again(reason: Reason):
    site = Site(dc01=[refusal(reason)], dc02=[Scripted([page("a")])])
    found = directory(site)
    first = found.answer(EVERYTHING)
    assert isinstance(first, Gap)
    assert first.reason is reason
    assert {found.answer(EVERYTHING).text for _ in range(3)} == {first.text}
    assert site.opened == [ONE]  # a second wrong password would count towards a lock-out


def test_when_none_answers_the_first_reason_stands():
    site = Site(dc01=[refusal(Reason.TIMEOUT)], dc02=[refusal(Reason.UNRESOLVABLE)])
    found = directory(site)
    assert {found.answer(EVERYTHING).reason for _ in range(2)} == {Reason.TIMEOUT}
    assert site.opened == [ONE, TWO]


def test_a_lost_connection_is_opened_once_more_and_the_search_begins_again():
    lost = Scripted([page("a", cookie=b"1"), ConnectionResetError()])
    site = Site(dc01=[lost, Scripted([page("a", cookie=b"1"), page("b")])], dc02=[])
    found = directory(site).answer(EVERYTHING)
    assert isinstance(found, Answer)
    assert [row.name for row in found.rows] == ["a", "b"]
    assert (lost.closed, site.opened) == (True, [ONE, ONE])


def test_lost_twice_is_a_gap_and_the_next_question_begins_anew():
    site = Site(dc01=[Scripted([OSError()]), Scripted([OSError()]), Scripted([page("a")])])
    found = directory(site)
    gap = found.answer(EVERYTHING)
    assert isinstance(gap, Gap)
    assert gap.reason is Reason.UNREACHABLE
    assert isinstance(found.answer(EVERYTHING), Answer)


def test_a_controller_too_slow_is_put_behind_the_others():
    site = Site(dc01=[Scripted([TimeoutError()])], dc02=[Scripted([page("a")])])
    found = directory(site).answer(EVERYTHING)
    assert isinstance(found, Answer)
    assert found.source == TWO


def test_the_only_controller_is_not_waited_for_twice():
    site = Site(dc01=[Scripted([TimeoutError()]), Scripted([page("a")])])
    found = directory(site)
    gap = found.answer(EVERYTHING)
    assert isinstance(gap, Gap)
    assert gap.reason is Reason.TIMEOUT
    assert isinstance(found.answer(EVERYTHING), Answer)  # one slow search is not a dead server


def test_closing_ends_a_search_under_way_and_nothing_is_opened_again():
    def closed_by_another_thread() -> Page:
        found.close()
        raise ConnectionAbortedError

    client = Scripted([closed_by_another_thread])
    site = Site(dc01=[client, Scripted([page("a")])])
    found = directory(site)
    assert [found.answer(EVERYTHING).reason for _ in range(2)] == [Reason.INTERRUPTED] * 2
    assert (client.closed, site.opened) == (True, [ONE])


def test_ctrl_c_gets_through():
    def interrupted() -> Page:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        directory(Site(dc01=[Scripted([interrupted])])).answer(EVERYTHING)


def test_no_credentials_no_connection(monkeypatch):
    monkeypatch.delenv("MISSING", raising=False)
    site = Site(dc01=[])
    auth = Authentication(user="auditor", secret="env:MISSING")
    domain = Domain(name="contoso.com", controllers=(ONE,), auth=auth)
    found = Directory(domain, Vault(), opener=site.open).answer(
        Question("contoso.com", questions.SEARCH, ("", "base", "(cn=*)", "cn"))
    )
    assert isinstance(found, Gap)
    assert (found.reason, site.opened) == (Reason.AUTHENTICATION_FAILED, [])
