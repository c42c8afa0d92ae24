"""Controllers by the scope or by DNS."""

from types import SimpleNamespace

import dns.name
import dns.resolver
import pytest

from vmmaudit.collect import names
from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason
from vmmaudit.scope import Authentication, Domain

SIMPLE = Authentication(user="auditor", secret="env:PW", protocol="simple")


@pytest.fixture
def served(monkeypatch):
    def serve(*records: tuple[str, int, int]) -> list[str]:
        asked: list[str] = []

        def resolve(question: str, kind: str, **_):
            asked.append(f"{question} {kind}")
            if not records:
                raise dns.resolver.NXDOMAIN
            return [
                SimpleNamespace(target=dns.name.from_text(target), priority=priority, weight=weight)
                for target, priority, weight in records
            ]

        monkeypatch.setattr(dns.resolver, "resolve", resolve)
        return asked

    return serve


def test_the_scope_comes_first(served):
    asked = served()
    domain = Domain(name="contoso.com", controllers=("b.contoso.com", "a.contoso.com"))
    assert names.controllers(domain) == ["b.contoso.com", "a.contoso.com"]
    assert asked == []


def test_dns_by_priority_then_weight(served):
    asked = served(
        ("DC3.contoso.com", 10, 0), ("dc1.contoso.com", 0, 100), ("dc2.contoso.com", 0, 200)
    )
    found = names.controllers(Domain(name="contoso.com"))
    assert found == ["dc2.contoso.com", "dc1.contoso.com", "dc3.contoso.com"]
    assert asked == ["_ldap._tcp.dc._msdcs.contoso.com SRV"]


def test_a_password_goes_to_no_stranger_that_dns_names(served):
    served(("dc.evil.example", 0, 0), ("evilcontoso.com", 0, 0), ("dc1.contoso.com", 9, 0))
    domain = Domain(name="contoso.com", transport="ldaps", auth=SIMPLE)
    assert names.controllers(domain) == ["dc1.contoso.com"]


@pytest.mark.parametrize(
    ("records", "auth"),
    [((), Authentication()), ((("dc.evil.example", 0, 0),), SIMPLE), (((".", 0, 0),), None)],
)
def test_none_is_a_sentence(served, records, auth):
    served(*records)
    domain = Domain(name="contoso.com", transport="ldaps", auth=auth or Authentication())
    with pytest.raises(WireError) as raised:
        names.controllers(domain)
    assert raised.value.reason is Reason.UNRESOLVABLE
    assert "scope" in raised.value.sentence


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a..b", "x" * 70 + ".invalid"])
def test_a_name_without_address(name: str):
    with pytest.raises(WireError, match="has no address"):
        names.resolve(name)
