"""A small program over `vmmaudit.collect`: the delegations of a domain, as ldeep prints them."""

from __future__ import annotations

from collections.abc import Iterator

from tests.lab.recipe import CONTROLLER, DNS_DOMAIN
from vmmaudit import questions
from vmmaudit.collect.credentials import Vault
from vmmaudit.collect.ldap import Directory
from vmmaudit.evidence import Answer, Row
from vmmaudit.scope import Authentication, Domain
from vmmaudit.windows.account_control import AccountControl

ACTS = "msDS-AllowedToActOnBehalfOfOtherIdentity"
TARGETS = "msDS-AllowedToDelegateTo"
UNCONSTRAINED = "(userAccountControl:1.2.840.113556.1.4.803:=524288)"
WANTED = ("sAMAccountName", "userAccountControl", TARGETS, ACTS)
QUERY = f"(|{UNCONSTRAINED}({TARGETS}=*)({ACTS}=*))"


def lines(row: Row) -> Iterator[str]:
    """What ldeep prints of one account; Samba stores no resource-based delegation over LDAP."""
    name = (row.first("sAMAccountName") or b"").decode()
    control = AccountControl(int(row.first("userAccountControl") or b"0"))
    assert ACTS not in row.values
    if AccountControl.TRUSTED_FOR_DELEGATION in control:
        yield f"{name}:unconstrained:"
    any_protocol = AccountControl.TRUSTED_TO_AUTH_FOR_DELEGATION in control
    for target in row.values.get(TARGETS, ()):
        how = "with" if any_protocol else "without"
        yield f"{name}:constrained {how} protocol transition:{target.decode()}"


def main() -> None:
    """Print them."""
    auth = Authentication(secret="ccache")
    domain = Domain(name=DNS_DOMAIN, auth=auth, controllers=(CONTROLLER.fqdn,))
    base = questions.base_dn(DNS_DOMAIN)
    answer = Directory(domain, Vault()).answer(
        questions.search(DNS_DOMAIN, base, "sub", QUERY, WANTED)
    )
    assert isinstance(answer, Answer), answer
    for row in answer.rows:
        print(*lines(row), sep="\n")


if __name__ == "__main__":
    main()
