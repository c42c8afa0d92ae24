"""SDDL into bytes: by the letters of MS-DTYP 2.5.1, and against Samba's own reading."""

from __future__ import annotations

import base64
import json
import subprocess
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmmaudit.errors import FormatError
from vmmaudit.windows import sddl
from vmmaudit.windows.descriptor import Ace, Control, Dacl, SecurityDescriptor, decode

DOMAIN = "S-1-5-21-1-2-3"
ROOT = "S-1-5-21-7-8-9"
GUID = "bf967aba-0de6-11d0-a285-00aa003049e2"


def parsed(text: str) -> SecurityDescriptor:
    return decode(sddl.parse(text, domain=DOMAIN, root=ROOT))


def test_what_get_acl_writes():
    found = parsed("O:BAG:DUD:PAI(A;OICI;FA;;;SY)(D;;0x1200a9;;;S-1-5-21-1-2-3-1104)")
    assert (found.owner, found.group) == ("S-1-5-32-544", f"{DOMAIN}-513")
    assert found.protected
    assert found.control & Control.DACL_AUTO_INHERITED
    assert found.aces == (
        Ace(0, 0x03, 0x1F01FF, "S-1-5-18"),
        Ace(1, 0, 0x1200A9, f"{DOMAIN}-1104"),
    )


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("O:SY", Dacl.ABSENT),
        ("", Dacl.ABSENT),
        ("D:NO_ACCESS_CONTROL", Dacl.NULL),
        ("D:", Dacl.EMPTY),
        ("D:P", Dacl.EMPTY),
        ("D:(A;;GR;;;WD)", Dacl.ENTRIES),
        ("S:AI(AU;SAFA;GA;;;WD)(ML;;NW;;;LW)D:(A;;GR;;;WD)", Dacl.ENTRIES),
        ('D:(A;;GR;;;WD)S:(RA;;;;;WD;("Project)",TS,0,"a;b"))', Dacl.ENTRIES),
    ],
)
def test_the_four_states_of_a_dacl(text: str, state: Dacl):
    assert parsed(text).dacl is state


@pytest.mark.parametrize(
    ("rights", "mask"),
    [
        ("FR", 0x120089), ("GRGX", 0xA0000000), ("0x001200a9", 0x1200A9),
        ("CCDCLCSWRPWPDTLOCR", 0x1FF),
        ("", 0), ("1179785", 0x120089), ("017", 15), ("SDRCWDWO", 0xF0000), ("0", 0),
    ],
)  # fmt: skip
def test_rights(rights: str, mask: int):
    assert parsed(f"D:(A;;{rights};;;WD)").aces[0].mask == mask


def test_aliases_of_the_root_domain_and_of_none():
    assert parsed("O:EAG:SA").owner == f"{ROOT}-519"
    for alias in ("DA", "LA", "EA"):
        with pytest.raises(FormatError, match="nobody knows"):
            sddl.parse(f"O:{alias}")
    assert len(sddl.WELL_KNOWN.keys() & (sddl.DOMAIN_RIDS.keys() | sddl.ROOT_RIDS.keys())) == 0


def test_object_entries_keep_both_guids():
    found = parsed(f"D:(OA;;RP;{GUID};;AU)(OA;CIIO;RP;;{GUID};AU)(OD;;RP;{GUID};{GUID};AU)")
    assert [ace.object_type[:4].hex() for ace in found.aces] == ["ba7a96bf", "", "ba7a96bf"]
    assert {ace.sid for ace in found.aces} == {"S-1-5-11"}


def test_a_condition_makes_an_entry_that_nobody_can_decide():
    text = (
        'D:(XA;;FR;;;WD;(@User.Project Any_of {"a)", "(b"} && (Member_of {SID(BA)})))(A;;FR;;;SY)'
    )
    conditional, plain = parsed(text).aces
    assert conditional.conditional
    assert conditional.allows
    assert not conditional.data.startswith(b"artx")
    assert "Member_of" in conditional.data.decode("utf-16-le")
    assert plain == Ace(0, 0, 0x120089, "S-1-5-18")


@pytest.mark.parametrize(
    "text",
    [
        "D:(A;;FR;;WD)", "D:(A;;FR;;;WD", "D:(Q;;FR;;;WD)", "D:(A;;FRX;;;WD)", "D:(A;;FR;;;ZZ)",
        "x",
        "D:(A;XX;FR;;;WD)", "D:(OA;;FR;no;;WD)", "D:D:", "O:BA G:", "D:(A;;FR;;;S-1-5-99999999999)",
        f"D:(A;;FR;{GUID};;WD)", "D:(A;;0x1ffffffff;;;WD)", "D:(A;;FR;;;WD;(a))",
        "O:S-1-5-4294967296",
        "D:(XA;;FR;;;WD;(" + "x" * 70000 + "))", "D:" + "(A;;FR;;;WD)" * 9000,
        "O:S-1-5" + "-1" * 16, "O:S-1-999999999999999-1",
    ],
)  # fmt: skip
def test_what_does_not_follow_the_grammar_is_refused(text: str):
    with pytest.raises(FormatError):
        parsed(text)


@pytest.mark.parametrize(
    "text",
    [
        "O:BAG:SYD:PAI(D;OICI;FA;;;WD)(A;OICIIOID;GR;;;S-1-5-21-1-2-3-1105)(A;;0x1200a9;;;AU)",
        "O:S-1-5-21-1-2-3-500D:", "D:NO_ACCESS_CONTROL", "G:BU", "", "D:ARAI(A;NP;FW;;;OW)",
    ],
)  # fmt: skip
def test_text_is_written_as_it_was_read(text: str):
    assert sddl.write(sddl.parse(text)) == text


@pytest.mark.parametrize(
    "text", [f"D:(OA;;RP;{GUID};;AU)", "D:(XA;;FR;;;WD;(Member_of {SID(BA)}))"]
)
def test_what_the_text_would_not_say_whole_is_not_written(text: str):
    assert sddl.write(sddl.parse(text)) is None


@given(st.text(alphabet='OGDS:()A;FR"-15{}xP0 \n\u00e9XAOID', max_size=80) | st.text(max_size=40))
@settings(max_examples=500, deadline=None)
def test_hostile_text_is_refused_or_read(text: str):
    try:
        found = sddl.parse(text, domain=DOMAIN, root=ROOT)
    except FormatError:
        return
    decode(found)


SAMBA = r"""
import base64, json, sys
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
domain = security.dom_sid("S-1-5-21-1-2-3")
for line in sys.stdin:
    text = json.loads(line)
    sd = security.descriptor.from_sddl(text, domain)
    print(json.dumps([base64.b64encode(ndr_pack(sd)).decode(), sd.as_sddl(domain)]))
"""
ALIASES = ("BA", "BU", "SY", "WD", "AU", "DA", "DU", "DC", "CO", "NU", "LA", "ED", "PS", "RU")
FILE_RIGHTS = {"FA": 0x1F01FF, "FR": 0x120089, "FW": 0x120116, "FX": 0x1200A0}


def texts(count: int) -> list[str]:
    random = Random(20261123)  # noqa: S311 - reproducible, not secret
    rights = [
        "GR",
        "GA",
        "RC",
        "SD",
        "WD",
        "WO",
        "RP",
        "WP",
        "CC",
        "DC",
        "LC",
        "SW",
        "LO",
        "DT",
        "CR",
    ]

    def sid() -> str:
        numbered = f"{DOMAIN}-{random.randrange(1000, 2**31)}"
        return random.choice((*ALIASES, numbered, "S-1-5-32-544", "S-1-18-1"))

    def ace() -> str:
        kind = random.choice(("A", "A", "D", "OA", "OD"))
        flags = "".join(random.sample(("OI", "CI", "NP", "IO", "ID"), random.randrange(4)))
        mask = random.choice(
            ("".join(random.sample(rights, random.randrange(1, 6))), hex(random.randrange(2**32)))
        )
        guids = [random.choice(("", GUID)) if kind[0] == "O" else "" for _ in range(2)]
        return f"({kind};{flags};{mask};{guids[0]};{guids[1]};{sid()})"

    return [
        random.choice(("", f"O:{sid()}"))
        + random.choice(("", f"G:{sid()}"))
        + f"D:{random.choice(('', 'P', 'AI', 'PAI', 'ARAI'))}"
        + "".join(ace() for _ in range(random.randrange(8)))
        for _ in range(count)
    ]


@pytest.mark.live
def test_samba_reads_random_descriptors_alike():
    wanted = texts(3000)
    done = subprocess.run(
        ["/usr/bin/python3", "-c", SAMBA],
        input="".join(json.dumps(text) + "\n" for text in wanted),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(wanted)
    for text, (packed, written) in zip(wanted, answers, strict=True):
        theirs, ours = decode(base64.b64decode(packed)), parsed(text)
        for what in ("owner", "group", "dacl", "aces", "control"):
            assert getattr(ours, what) == getattr(theirs, what), (what, text)
        # What Samba writes is read as what it had, except where it writes its own FA (protocols 5).
        if not any(word in written for word in FILE_RIGHTS):
            assert parsed(written).aces == theirs.aces, written
