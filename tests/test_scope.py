"""The scope file: every mistake is one sentence that names file and line."""

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from vmmaudit import scope
from vmmaudit.errors import ScopeError

GOOD = r"""format: 1
audit:
  title: Prüfung
domains:
  - name: contoso.com
    auth: ccache
vmm:
  - {server: vmm01.contoso.com, account: 'CONTOSO\service.vmm'}
hosts:
  - name: HYPER01.contoso.com
  - {name: hyper02, run_as: run.as@contoso.com}
libraries:
  - share: \\Library01\MSSCVMMLibrary
"""


def test_a_good_one():
    found = scope.parse(GOOD, "s.yaml")
    assert found.hosts[0].name == "hyper01.contoso.com"
    assert found.libraries[0].unc_name == "library01"
    assert found.libraries[0].share_name == "MSSCVMMLibrary"
    assert found.account_of(found.hosts[0]) == r"CONTOSO\service.vmm"
    assert found.account_of(found.hosts[1]) == "run.as@contoso.com"
    assert found.domains[0].auth.secret == "ccache"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("format: 1\n", "", "line 1: format: this key is required"),
        ("format: 1", "format: 2", "format 2; this vmmaudit reads format 1"),
        ("  title: Prüfung", "  titel: Prüfung", r"line 3: audit.titel: there is no such key"),
        ("auth: ccache", "auth: geheim", "line 6: .*never the secret itself"),
        ("hyper02", "HYPER01.contoso.com", "line 11: .*stands twice under hosts"),
        (r"\\Library01\MSSCVMMLibrary", r"\\Library01", r"line 13: .*is not a share"),
        (r"\\Library01\MSSCVMMLibrary", "C:/x", r"line 13: .*is not a share"),
        (r"\\Library01\MSSCVMMLibrary", "12", "line 13: .*text is expected here"),
        (
            "  - name: contoso.com\n    auth: ccache",
            "  name: contoso.com",
            "line 4: domains: a list is expected",
        ),
        ("name: contoso.com", "name: 'contoso .com'", "line 5: .*is not a DNS name"),
        (r"CONTOSO\service.vmm", "service.vmm", "line 8: .*is not an account name"),
        ("audit:\n", "audit: [\n", "not valid YAML"),
        ("format: 1", "format: 1\nformat: 1", "line 2: .*not valid YAML"),
        ("auth: ccache", "auth: {protocol: simple, secret: prompt}", "only made inside TLS"),
    ],
)
def test_each_mistake_is_one_sentence(old: str, new: str, sentence: str):
    assert old in GOOD
    with pytest.raises(ScopeError, match=sentence):
        scope.parse(GOOD.replace(old, new, 1), "s.yaml")


SITES = r"""sites:
  - {name: north, servers: ['*.hh.contoso.com', Library01.contoso.com]}
  - {name: south, servers: [contoso.com, 'hyper0?.contoso.com']}
"""


def test_sites():
    found = scope.parse(GOOD + SITES, "s.yaml")
    assert found.site_of("fs.hh.contoso.com") == "north"
    assert found.site_of("LIBRARY01.contoso.com") == "north"
    assert found.site_of("hyper02.contoso.com") == "south"
    assert found.site_of("dc07.contoso.com") == "south", "where its domain is"
    assert scope.parse(GOOD, "s.yaml").site_of("hyper02.contoso.com") == ""
    assert found.digest() != scope.parse(GOOD, "s.yaml").digest()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("name: south", "name: north", "stands twice under sites"),
        ("servers: [contoso.com, ", "servers: [", "no site names the domain 'contoso.com'"),
        ("name: south", "name: 'so uth'", "letters, digits"),
        ("[contoso.com, 'hyper0?.contoso.com']", "[]", "at least one entry"),
        ("name: south", "nam: south", "there is no such key"),
        ("'hyper0?.contoso.com'", "'https://x'", "letters, digits"),
    ],
)
def test_each_mistake_about_sites_is_one_sentence(old: str, new: str, sentence: str):
    assert old in SITES
    with pytest.raises(ScopeError, match=sentence):
        scope.parse(GOOD + SITES.replace(old, new, 1), "s.yaml")


def test_files_that_are_none(tmp_path: Path):
    with pytest.raises(ScopeError, match="cannot be read"):
        scope.load(tmp_path / "missing.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScopeError, match="not UTF-8"):
        scope.load(binary)
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    with pytest.raises(ScopeError, match="holds no scope"):
        scope.load(empty)


def test_title_and_mandate_by_language():
    found = scope.parse(GOOD.replace("title: Prüfung", "title: {de: Prüfung, en: Audit}"), "s.yaml")
    assert [found.audit.titled(code) for code in ("de", "en", "fr")] == [
        "Prüfung",
        "Audit",
        "Prüfung",
    ]
    assert found.audit.mandated("de") == ""


@pytest.mark.parametrize("title", ["7", "''", "{}", "{de: ''}", "{german: x}", "[x]"])
def test_a_title_that_is_none(title: str):
    with pytest.raises(ScopeError) as caught:
        scope.parse(GOOD.replace("title: Prüfung", f"title: {title}"), "s.yaml")
    assert str(caught.value).startswith("s.yaml, line 3: audit.title: is not a text")
    assert "\n" not in str(caught.value)


def test_no_is_a_name_and_not_false():
    found = scope.parse(GOOD.replace("title: Prüfung", "title: 'NO'"), "s.yaml")
    assert found.audit.title == "NO"


def test_a_mistake_never_shows_a_value_that_may_be_secret():
    with pytest.raises(ScopeError) as caught:
        scope.parse(GOOD.replace("auth: ccache", "auth: {secret: Kennwort123}"), "s.yaml")
    assert "Kennwort123" not in str(caught.value)


def test_the_published_schema_accepts_a_good_scope():
    jsonschema.validate(YAML(typ="safe", pure=True).load(GOOD), scope.schema())
