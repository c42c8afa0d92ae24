"""Library texts become reasons and sentences, and never travel further."""

import pytest

from vmmaudit.collect import failures
from vmmaudit.evidence import Reason


@pytest.mark.parametrize(
    ("text", "reason", "word"),
    [
        ("Major (851968): Clock skew too great", Reason.CLOCK_SKEW, "clocks"),
        ("SpnegoError (5): 0x80090324", Reason.CLOCK_SKEW, "clocks"),
        ("Ticket expired", Reason.CREDENTIALS_EXPIRED, "kinit"),
        ("Preauthentication failed", Reason.AUTHENTICATION_FAILED, "wrong"),
        ("Client's credentials have been revoked", Reason.AUTHENTICATION_FAILED, "disabled"),
        ("Server not found in Kerberos database", Reason.NO_SERVICE_PRINCIPAL, "principal name"),
        ("Cannot contact any KDC for realm 'X'", Reason.UNREACHABLE, "port 88"),
        ("No Kerberos credentials available", Reason.AUTHENTICATION_FAILED, "kinit"),
        ("password=geheim something else", Reason.AUTHENTICATION_FAILED, "klist"),
    ],
)
def test_of_a_security_context(text: str, reason: Reason, word: str):
    found = failures.of_security_context("dc01.contoso.com", text)
    assert found.reason is reason
    assert word in found.sentence
    assert "geheim" not in found.sentence


@pytest.mark.parametrize(
    ("code", "diagnostic", "reason", "word"),
    [
        (8, "BindSimple: Transport encryption required.", Reason.SIGNING_REQUIRED, "signing"),
        (49, "80090346: LdapErr: data 0", Reason.SIGNING_REQUIRED, "channel binding"),
        (49, "80090308: LdapErr: data 52e, v4563", Reason.AUTHENTICATION_FAILED, "wrong"),
        (49, "80090308: LdapErr: data 533, v4563", Reason.AUTHENTICATION_FAILED, "disabled"),
        (49, "80090308: LdapErr: data 775, v4563", Reason.AUTHENTICATION_FAILED, "locked out"),
        (53, "", Reason.AUTHENTICATION_FAILED, "LDAP result 53"),
    ],
)
def test_of_a_bind(code: int, diagnostic: str, reason: Reason, word: str):
    found = failures.of_bind("dc01.contoso.com", code, diagnostic)
    assert found.reason is reason
    assert word in found.sentence
