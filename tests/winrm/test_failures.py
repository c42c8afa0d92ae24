"""Faults of WS-Management by the numbers of Windows' own headers (wsmerror.h, wbemcli.h)."""

from __future__ import annotations

import pytest
from pypsrp.exceptions import WSManFaultError

from vmmaudit.collect.winrm.failures import explained
from vmmaudit.evidence import Reason


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (5, Reason.ACCESS_DENIED),
        (0x80041003, Reason.ACCESS_DENIED),  # WBEM_E_ACCESS_DENIED
        (0x80338104, Reason.ACCESS_DENIED),  # the WMI service
        (0x80338105, Reason.ACCESS_DENIED),  # a WMI provider
        (0x80338106, Reason.ACCESS_DENIED),  # connecting to WMI
        (0x80338000, Reason.NOT_SUPPORTED),  # ERROR_WSMAN_RESOURCE_NOT_FOUND
        (0x80041010, Reason.NOT_SUPPORTED),  # WBEM_E_INVALID_CLASS
        (0x8033800C, Reason.INCOMPLETE),  # ERROR_WSMAN_UNSUPPORTED_TIMEOUT
        (0x80338029, Reason.INCOMPLETE),  # ERROR_WSMAN_OPERATION_TIMEDOUT
        ("w:Unknown", Reason.INCOMPLETE),
    ],
)
def test_a_fault_is_what_windows_means_by_it(code: int | str, reason: Reason):
    fault = WSManFaultError(code, "x", "secret text of the server", None, None, None)
    found = explained(fault, "hyper01.contoso.com")
    assert found.reason is reason
    assert "hyper01.contoso.com" in found.sentence
    assert "secret" not in found.sentence
