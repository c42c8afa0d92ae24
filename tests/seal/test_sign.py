from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pikepdf
import pytest

from tests.seal.conftest import Hand
from tests.seal.people import PASSPHRASE, Authority
from vmmaudit import pack as packs
from vmmaudit.scope import Role
from vmmaudit.seal.errors import SealError
from vmmaudit.seal.keys import KeyFile
from vmmaudit.seal.sign import sign
from vmmaudit.seal.verify import verify
from vmmaudit.secret import Secret

SIGNATURES = ("signatures/1-auditor", "signatures/2-reviewer")


def test_signatures_are_new_files_and_change_none(written: Path, signed_twice: Path) -> None:
    before = {path.name: path.read_bytes() for path in written.iterdir()}
    for name, data in before.items():
        assert (signed_twice / name).read_bytes() == data
    packs.read(signed_twice)
    assert [path.name for path in sorted((signed_twice / "signatures").iterdir())] == [
        "1-auditor",
        "2-reviewer",
    ]
    for stage in SIGNATURES:
        assert {path.name for path in (signed_twice / stage).iterdir()} == {
            "manifest.p7s",
            "report.de.pdf",
            "report.en.pdf",
        }


@pytest.mark.parametrize("language", ["de", "en"])
def test_each_signature_continues_the_file_before(signed_twice: Path, language: str) -> None:
    name = f"report.{language}.pdf"
    unsigned, once, twice = (
        (signed_twice / folder / name).read_bytes() for folder in ("", *SIGNATURES)
    )
    assert once.startswith(unsigned)
    assert twice.startswith(once)


@pytest.mark.parametrize("language", ["de", "en"])
def test_pdfsig_accepts_both_signatures(signed_twice: Path, language: str) -> None:
    said = subprocess.run(
        ["pdfsig", "-nocert", str(signed_twice / SIGNATURES[1] / f"report.{language}.pdf")],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert said.count("Signature is Valid.") == 2, said
    assert said.count("ETSI.CAdES.detached") == 2
    assert said.count("is not signed") == 2


def test_openssl_accepts_the_manifest_signatures(signed_twice: Path, root: Path) -> None:
    for stage in SIGNATURES:
        said = subprocess.run(
            [
                *("openssl", "cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any"),
                *("-in", str(signed_twice / stage / "manifest.p7s"), "-out", "/dev/null"),
                *("-content", str(signed_twice / "manifest.json"), "-CAfile", str(root)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, said.stderr


def test_the_auditor_signs_first(pack: Path, hand: Hand) -> None:
    with pytest.raises(SealError, match="The auditor signs first"):
        hand(pack, Role.APPROVER)
    assert not (pack / "signatures").exists()


def test_nobody_signs_twice_in_one_role(pack: Path, hand: Hand) -> None:
    hand(pack, Role.AUDITOR)
    with pytest.raises(SealError, match="signed by its auditor already"):
        hand(pack, Role.AUDITOR)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.APPROVER])
def test_the_auditor_is_no_second_person(
    pack: Path, hand: Hand, keys: dict[Role, Path], role: Role
) -> None:
    hand(pack, Role.AUDITOR)
    with pytest.raises(SealError, match=f"Änne Prüfer signed as auditor and cannot be the {role}"):
        hand(pack, role, keys[Role.AUDITOR])


def test_the_same_person_is_known_by_key_subject_and_mail(
    pack: Path, hand: Hand, authority: Authority, tmp_path: Path
) -> None:
    first = authority.issue("Anna Auditor", mail="anna@contoso.test")
    hand(pack, Role.AUDITOR, first.p12(tmp_path / "1.p12"))
    others = {
        "the same subject": authority.issue("Anna Auditor"),
        "the same key": authority.issue("Somebody Else", key=first.key),
        "the same account": authority.issue("Anna A. Auditor", mail="Anna@contoso.test"),
    }
    for shared, other in others.items():
        with pytest.raises(SealError, match=shared):
            hand(pack, Role.REVIEWER, other.p12(tmp_path / "2.p12"))


def test_a_certificate_must_fit(
    pack: Path, hand: Hand, authority: Authority, tmp_path: Path
) -> None:
    unfit = {
        "Otto Alt expired on": authority.issue("Otto Alt", days=(-300, -1)),
        "Nora Neu is not valid before": authority.issue("Nora Neu", days=(1, 300)),
        "Egon Encrypt is not meant for signatures": authority.issue(
            "Egon Encrypt", usage="key_encipherment"
        ),
    }
    for sentence, identity in unfit.items():
        with pytest.raises(SealError, match=sentence):
            hand(pack, Role.AUDITOR, identity.p12(tmp_path / "key.p12"))
    assert not (pack / "signatures").exists()


def test_a_wrong_passphrase_is_one_sentence(pack: Path, keys: dict[Role, Path]) -> None:
    with pytest.raises(SealError, match="the passphrase is wrong, or it is no PKCS#12 file"):
        sign(pack, Role.AUDITOR, KeyFile(keys[Role.AUDITOR]), lambda: Secret("wrong"))
    with pytest.raises(SealError, match=r"The key file .* cannot be read"):
        sign(pack, Role.AUDITOR, KeyFile(pack / "no.p12"), lambda: Secret(PASSPHRASE))


def test_a_changed_pack_is_not_signed(pack: Path, hand: Hand) -> None:
    with (pack / "assessment.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(packs.PackError, match="was changed"):
        hand(pack, Role.AUDITOR)


def test_a_pack_without_report_is_not_signed(tmp_path: Path, hand: Hand) -> None:
    from vmmaudit import audit as facade

    folder = facade.demo().save(tmp_path).folder
    with pytest.raises(SealError, match="has no report to sign"):
        hand(folder, Role.AUDITOR)


def pdfsig(path: Path) -> str:
    """What poppler says of the signatures of a file, without its opinion on certificates."""
    return subprocess.run(
        ["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=False
    ).stdout


@pytest.mark.parametrize("where", [0.2, 0.5, 0.9])
def test_pdfsig_refuses_a_flipped_byte_too(
    signed_twice: Path, root: Path, tmp_path: Path, where: float
) -> None:
    data = bytearray((signed_twice / SIGNATURES[1] / "report.en.pdf").read_bytes())
    data[int(len(data) * where)] ^= 1
    path = tmp_path / "report.pdf"
    path.write_bytes(data)
    assert pdfsig(path).count("Signature is Valid.") < 2
    assert verify(path, [root]).failures


def test_pdfsig_refuses_a_changed_attachment_too(
    signed_twice: Path, root: Path, tmp_path: Path
) -> None:
    data = (signed_twice / SIGNATURES[1] / "report.en.pdf").read_bytes()
    with pikepdf.open(io.BytesIO(data)) as document:
        stream = document.attachments["scope.yaml"].obj.EF.F
        raw = stream.read_raw_bytes()
    assert data.count(raw) == 1
    path = tmp_path / "report.pdf"
    path.write_bytes(data.replace(raw, raw[:-9] + bytes(9)))
    assert "Signature is Valid." not in pdfsig(path)
    assert verify(path, [root]).failures


def test_pdfsig_shows_a_page_that_was_added_after_signing(
    signed_twice: Path, tmp_path: Path, root: Path
) -> None:
    data = (signed_twice / SIGNATURES[1] / "report.en.pdf").read_bytes()
    path = tmp_path / "report.pdf"
    path.write_bytes(data + b"\n% another word\n%%EOF\n")
    assert "Not total document signed" in pdfsig(path)
    assert verify(path, [root]).failures
