from __future__ import annotations

import json as standard

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmmaudit.imports import json
from vmmaudit.imports.record import ImportsError, Record


def objects(text: str) -> list[Record]:
    return list(json.records(text, "a.json"))


def test_one_object_and_many():
    assert [found.text("Name") for found in objects('{"Name": "a"}')] == ["a"]
    found = objects('[\r\n  {"Name": "a"},\r\n  {"Name": "b"}\r\n]\r\n')
    assert [(row.text("name"), row.line) for row in found] == [("a", 2), ("b", 3)]
    assert objects("[]") == []
    wrapped = '{"value": [{"Name": "a"}, {"Name": "b"}], "Count": 2}'
    assert [found.text("Name") for found in objects(wrapped)] == ["a", "b"]


def test_values_of_windows_powershell():
    (found,) = objects(
        r"""{"When": "\/Date(1700000000123)\/", "Early": "\/Date(-1)\/", "State": 4, "Up": true,
        "None": null, "Empty": [], "Members": {"value": ["a", "b"], "Count": 2},
        "Cut": "@{Name=x; Path=}", "Types": "System.Object[]", "Mixed": ["a", "System.Object[]"],
        "Last": {"value": "\/Date(0)\/", "DisplayHint": 2, "DateTime": "Donnerstag"}}"""
    )
    assert found.text("When") == "2023-11-14T22:13:20.123Z"
    assert found.text("Early") == "1969-12-31T23:59:59.999Z"
    assert found.text("Last") == "1970-01-01T00:00:00.000Z"
    assert (found.text("State"), found.text("Up")) == ("4", "True")
    assert found.values["None"] == found.values["Empty"] == ()
    assert found.all("Members") == ("a", "b")
    assert found.truncated == {"Cut", "Types", "Mixed"}
    assert found.all("Mixed") == ()


def test_objects_in_objects_are_called_by_their_name_and_kept():
    (found,) = objects(
        """{"Host": {"Name": "h1", "Cred": {"Name": "run", "UserName": "svc", "Password": "x"}},
        "Sid": {"BinaryLength": 28, "AccountDomainSid": {"Value": "S-1-5-21-1"},
                "Value": "S-1-5-21-1-5"},
        "Nodes": [{"Name": "n1"}, {"Name": "n2"}], "Odd": {"a": 1}}"""
    )
    assert found.text("Host") == "h1"
    assert found.text("Host.Cred.UserName") == "svc"
    assert found.lost("Host.Cred.Password")
    assert found.text("Sid") == "S-1-5-21-1-5"
    assert found.all("Nodes") == ("n1", "n2")
    assert found.all("Odd") == ()
    assert found.text("Odd.a") == "1"


def test_what_is_nested_too_deeply_is_lost_and_not_empty():
    (found,) = objects('{"a": [[1, [2]], 3], "b": [[[[[4]]]]], "c": {"d": {"e": {"f": {"g": 1}}}}}')
    assert found.all("a") == ("1", "2", "3")
    assert found.truncated == {"b", "c.d.e.f"}


def test_bytes_of_the_collector():
    (found,) = objects(
        '{"objectSid": [{"base64": "AQI="}], "cn": [{"base64": "w7w="}], "n": {"base64": ""}}'
    )
    assert found.all("objectSid") == (b"\1\2",)
    assert found.text("cn") == "ü"
    assert found.text("objectSid") is None
    assert found.all("n") == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[{"a": 1},\n{"b"}]', "a.json, line 2: it is not JSON"),
        ('[{"a": 1},\n 4]', "a.json, line 2: an object is expected"),
        ('[{"a": 1}\n', "a.json, line 2: the list of objects is cut off"),
        ('{"a": 1}\n{"b": 1}', "a.json, line 2: more follows"),
        ('{"a": 1, "a": 2}', "a.json, line 1: the same property stands twice"),
        ('{"a": NaN}', "a.json, line 1: NaN is no value"),
        ('{"a": {"base64": "?"}}', "a.json, line 1: a value is not base64"),
        (r'{"a": "\/Date(999999999999999)\/"}', "a.json, line 1: date value out of range"),
        ('{"a": ' + "[" * 100_000, "a.json, line 1: objects are nested too deeply"),
        ("", "a.json, line 1: it is not JSON"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str, sentence: str):
    with pytest.raises(ImportsError) as caught:
        objects(text)
    assert str(caught.value).startswith(sentence)


def test_numbers_of_any_length_stay_text():
    assert objects('{"a": ' + "9" * 10_000 + "}")[0].text("a") == "9" * 10_000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES, st.integers(0, 200), st.text(alphabet='{}[]",: \\/a1', max_size=4))
@settings(max_examples=300, deadline=None)
def test_hostile_text(value: object, cut: int, added: str):
    text = standard.dumps(value)
    said = ""
    try:
        objects(text[:cut] + added + text[cut:])
    except ImportsError as error:
        said = str(error)
    assert not said or said.startswith("a.json, line ")
