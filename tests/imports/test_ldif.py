from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmmaudit.imports import ldif
from vmmaudit.imports.record import ImportsError, Record

LDIFDE = """\
dn: CN=HYPER07,OU=Server,DC=contoso,DC=local
changetype: add
objectClass: top
objectClass: computer
cn: HYPER07
objectSid:: AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAUAQAAA==
msDS-AllowedToDelegateTo: cifs/libserver01.contoso.lo
 cal
userAccountControl: 16781312
ms-Mcs-AdmPwd: geheim

# a comment
 that goes on
dn:: Q049TcO8bGxlcixEQz1jb250b3NvLERDPWxvY2Fs
member;range=0-1: CN=a
member;range=0-1: CN=b
description:
"""


def entries(text: str) -> list[Record]:
    return list(ldif.records(text, "a.ldf"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("version", ["", "version: 1\n\n", "# extended LDIF\n#\n\nversion: 1\n"])
def test_what_ldifde_writes(end: str, version: str):
    first, second = entries((version + LDIFDE).replace("\n", end))
    assert first.text("DN") == "CN=HYPER07,OU=Server,DC=contoso,DC=local"
    assert first.all("objectclass") == ("top", "computer")
    assert first.all("objectSid")[0][:2] == b"\1\5"
    assert first.text("msDS-AllowedToDelegateTo") == "cifs/libserver01.contoso.local"
    assert first.lost("ms-Mcs-AdmPwd")
    assert not first.has("changetype")
    assert first.line == 1 + version.count("\n")
    assert second.text("dn") == "CN=Müller,DC=contoso,DC=local"
    assert second.values["member;range=0-1"] == ("CN=a", "CN=b")
    assert second.values["description"] == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("dn: a\ncn:: ?\n", "a.ldf, line 2: the value of cn is not base64"),
        ("dn: a\nphoto:< file:///etc/passwd\n", "a.ldf, line 2: values kept in other files"),
        ("cn: a\n", "a.ldf, line 1: an entry begins with its dn"),
        ("dn: a\ndn: b\n", "a.ldf, line 2: an entry begins with its dn"),
        ("dn: a\nchangetype: modify\nreplace: x\nx: y\n-\n", "a.ldf, line 2: these are changes"),
        (" x\n", "a.ldf, line 1: a continued line has no beginning"),
        ("dn: a\nwords\n", "a.ldf, line 2: it is not of the form"),
        ("dn:: /w==\n", "a.ldf, line 1: the dn is not UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, sentence: str):
    with pytest.raises(ImportsError) as caught:
        entries(text)
    assert str(caught.value).startswith(sentence)


@given(st.text(alphabet="dn: a=#\n\r\u00fc<-", max_size=60), st.integers(0, len(LDIFDE)))
@settings(max_examples=300, deadline=None)
def test_hostile_text(text: str, place: int):
    said = ""
    try:
        entries(LDIFDE[:place] + text + LDIFDE[place:])
    except ImportsError as error:
        said = str(error)
    assert not said or said.startswith("a.ldf, line ")
