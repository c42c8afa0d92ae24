"""The strict reader against ldap3's decoder as the oracle, and against damage."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ldap3.operation.search import search_result_entry_response_to_dict_fast
from ldap3.protocol import rfc4511
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.utils.asn1 import decode_message_fast, encode

from vmmaudit.collect import ber
from vmmaudit.collect.ber import BerError, Done, Entry, Notice, Reference

NAMES = st.text("abcdefghijklmnopqrstuvwxyzABCDEFG0123456789-;=", min_size=1, max_size=20)
VALUES = st.lists(st.one_of(st.binary(max_size=20), st.binary(min_size=120, max_size=300)))
ENTRIES = st.tuples(
    st.text(st.characters(codec="utf-8"), max_size=200),
    # The oracle's dictionary knows one attribute of a name, whatever its case.
    st.lists(st.tuples(NAMES, VALUES), max_size=6, unique_by=lambda pair: pair[0].lower()),
)
NUMBERS = st.integers(0, 2**31 - 1)


def packed(number: int, operation: str, content, controls=()) -> bytes:
    message = rfc4511.LDAPMessage()
    message["messageID"] = rfc4511.MessageID(number)
    message["protocolOp"] = rfc4511.ProtocolOp().setComponentByName(operation, content)
    if controls:
        found = rfc4511.Controls()
        for place, control in enumerate(controls):
            found.setComponentByPosition(place, control)
        message["controls"] = found
    return bytes(encode(message))


def entry(number: int, dn: str, attributes) -> bytes:
    content = rfc4511.SearchResultEntry()
    content["object"] = rfc4511.LDAPDN(dn)
    content["attributes"] = rfc4511.PartialAttributeList()
    for place, (name, values) in enumerate(attributes):
        attribute = rfc4511.PartialAttribute()
        attribute["type"] = rfc4511.AttributeDescription(name)
        attribute["vals"] = rfc4511.Vals()
        for position, value in enumerate(values):
            attribute["vals"].setComponentByPosition(position, rfc4511.AttributeValue(value))
        content["attributes"].setComponentByPosition(place, attribute)
    return packed(number, "searchResEntry", content)


def done(code: int, cookie: bytes | None, diagnostic: str = "") -> bytes:
    content = rfc4511.SearchResultDone()
    content["resultCode"] = rfc4511.ResultCode(code)
    content["matchedDN"] = rfc4511.LDAPDN("")
    content["diagnosticMessage"] = rfc4511.LDAPString(diagnostic)
    controls = [] if cookie is None else [paged_search_control(False, 0, cookie)]
    return packed(7, "searchResDone", content, controls)


def read(data: bytes):
    return ber.message(data, 0, len(data))


@given(number=NUMBERS, content=ENTRIES)
@settings(deadline=None)
def test_entries_are_what_the_oracle_reads(number: int, content):
    dn, attributes = content
    data = entry(number, dn, attributes)
    theirs = decode_message_fast(data)
    their_entry = search_result_entry_response_to_dict_fast(theirs["payload"], None, None, False)
    ours_number, ours = read(data)
    assert ber.size(data, 0) == len(data)
    assert isinstance(ours, Entry)
    assert ours_number == theirs["messageID"] == number
    assert ours.dn.encode() == their_entry["raw_dn"]
    assert {n: list(v) for n, v in ours.attributes} == {
        n: list(v or ()) for n, v in their_entry["raw_attributes"].items()
    }
    assert [name for name, _ in ours.attributes] == [name for name, _ in attributes]


@given(
    code=st.sampled_from([0, 1, 3, 4, 10, 32, 50]),
    cookie=st.none() | st.binary(max_size=200),
    diagnostic=st.text(st.characters(codec="utf-8"), max_size=200),
)
@settings(deadline=None)
def test_results_and_their_cookies(code: int, cookie: bytes | None, diagnostic: str):
    number, found = read(done(code, cookie, diagnostic))
    assert (number, found) == (7, Done(code, diagnostic, cookie))


@given(content=ENTRIES, data=st.data())
@settings(max_examples=300, deadline=None)
def test_damage_is_an_error_or_reads_as_the_oracle_reads_it(content, data):
    whole = bytearray(entry(1, *content) if data.draw(st.booleans()) else done(0, b"cookie"))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole)
    try:
        ber.size(damaged, 0)
        number, found = read(damaged)
    except BerError:
        return
    if isinstance(found, Reference):
        return  # none is followed, so none is read
    theirs = decode_message_fast(damaged)  # what we accept, the oracle accepts too
    assert number == theirs["messageID"]
    if isinstance(found, Entry):
        assert [list(values) for _, values in found.attributes] == [
            [bytes(value[3]) for value in attribute[3][1][3]]
            for attribute in theirs["payload"][1][3]
        ]


@given(content=ENTRIES)
@settings(deadline=None)
def test_no_cut_is_accepted(content):
    whole = entry(1, *content)
    for end in range(len(whole)):
        with pytest.raises(BerError):
            read(whole[:end])
        assert ber.size(whole[:end], 0) in (None, len(whole)) or end >= len(whole)


@given(st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_noise_is_an_error_and_nothing_else(noise: bytes):
    try:
        ber.size(noise, 0)
        read(noise)
    except BerError:
        pass


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400",
        b"\x30\x80\x02\x01\x01\x00\x00",  # indefinite (RFC 4511 5.1)
        b"\x30\x85\x00\x00\x00\x00\x01\x00",  # a length of five octets
        b"\x30\x85",
        b"\x30\x84\x7f\xff\xff\xff",  # two gigabytes
        b"\x30\x84\x04\x00\x00\x01",  # one more than is accepted
    ],
)
def test_what_is_refused_before_anything_is_waited_for(data: bytes):
    with pytest.raises(BerError):
        ber.size(data, 0)


def tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return bytes([tag, len(content)]) + content


def one_attribute(*parts: bytes) -> bytes:
    attribute = tlv(0x30, *parts)
    return tlv(0x30, b"\x02\x01\x01", tlv(0x64, tlv(4, b"CN=a"), tlv(0x30, attribute)))


def one_control(*parts: bytes) -> bytes:
    result = tlv(0x65, b"\x0a\x01\x00", tlv(4), tlv(4))
    return tlv(0x30, b"\x02\x01\x01", result, tlv(0xA0, tlv(0x30, *parts)))


OID = tlv(4, ber.PAGED)
COOKIE = tlv(4, tlv(0x30, b"\x02\x01\x00", tlv(4, b"x")))


def test_the_samples_below_are_sound_but_for_their_fault():
    sound = read(one_attribute(tlv(4, b"cn"), tlv(0x31, tlv(4, b"a"))))
    assert sound == (1, Entry("CN=a", (("cn", (b"a",)),)))
    assert read(one_control(OID, COOKIE)) == (1, Done(0, "", b"x"))
    assert read(one_control(OID, b"\x01\x01\xff", COOKIE)) == (1, Done(0, "", b"x"))
    assert read(one_control(tlv(4, b"1.2.3"))) == (1, Done(0, "", None))


@pytest.mark.parametrize(
    "data",
    [
        one_attribute(tlv(4, b"cn"), tlv(0x31, tlv(4, b"a")), tlv(4)),  # more after the values
        one_attribute(tlv(4, b"cn"), tlv(0x31, b"\x04\x02a")),  # a value beyond its set
        one_attribute(tlv(4, b"cn"), b"\x31\x04" + tlv(4, b"a")),  # a set beyond its attribute
        one_attribute(tlv(4, b"c\xfc"), tlv(0x31)),
        one_attribute(tlv(4, b"cn")),
        one_control(OID),  # the paging control without its value
        one_control(OID, COOKIE, tlv(4)),
        one_control(OID, tlv(4, tlv(0x30, b"\x02\x01\x00", tlv(4, b"x")), b"y")),
        one_control(OID, tlv(4, tlv(0x30, b"\x02\x01\x00", tlv(4, b"x"), tlv(4)))),
        one_control(OID, b"\x00\x01\xff", COOKIE),
        one_control(OID, COOKIE) + b"\x00",
    ],
)
def test_one_fault_is_enough(data: bytes):
    with pytest.raises(BerError):
        read(data)


def test_references_and_farewells():
    reference = rfc4511.SearchResultReference()
    reference.setComponentByPosition(0, rfc4511.URI("ldap://elsewhere/"))
    assert read(packed(3, "searchResRef", reference)) == (3, Reference())
    farewell = b"\x30\x24\x02\x01\x00\x78\x1f\x0a\x01\x34\x04\x00\x04\x00\x8a\x16"
    assert read(farewell + ber.DISCONNECTION) == (0, Notice(ber.DISCONNECTION))
