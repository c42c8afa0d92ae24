from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.seal.conftest import NAMES, Hand
from tests.seal.people import NOW, Authority
from vmmaudit import audit as facade
from vmmaudit import pack as packs
from vmmaudit.errors import UsageError
from vmmaudit.scope import Role
from vmmaudit.seal import rejudge as rejudging
from vmmaudit.seal import sign as signing
from vmmaudit.seal.stages import add
from vmmaudit.seal.verify import verify

LAST = "signatures/2-reviewer"


@pytest.fixture
def signed(single_signed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(single_signed, tmp_path / "signed"))


def rewrite(folder: Path, name: str, data: bytes) -> None:
    """Changes a file and its line in the manifest, as somebody does who wants to hide it."""
    (folder / name).write_bytes(data)
    path = folder / packs.MANIFEST
    manifest = json.loads(path.read_bytes())
    for file in manifest["files"]:
        if file["path"] == name:
            file["sha256"] = hashlib.sha256(data).hexdigest()
    path.write_text(json.dumps(manifest, indent=1) + "\n")


def altered_verdict(folder: Path) -> bytes:
    value = json.loads((folder / packs.ASSESSMENT).read_bytes())
    for item in value["verdicts"]:
        if item["verdict"] == "FAIL":
            item["verdict"], item["code"] = "PASS", ""
            break
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def with_attachment(pdf: bytes, name: str, data: bytes) -> bytes:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        del document.attachments[name]
        document.attachments[name] = data
        written = io.BytesIO()
        document.save(written)
    return written.getvalue()


def test_an_unsigned_pack_is_a_draft(pack: Path) -> None:
    found = verify(pack)
    assert found.failures == ()
    assert found.status == "draft"
    assert found.missing == (Role.AUDITOR, Role.REVIEWER, Role.APPROVER)


def test_two_signatures_are_good_and_not_enough(single_signed: Path, root: Path) -> None:
    found = verify(single_signed, [root])
    assert found.failures == ()
    assert found.status == "draft"
    assert found.missing == (Role.APPROVER,)
    assert [(item.role, item.name) for item in found.signatures] == [
        (role, NAMES[role]) for role in (Role.AUDITOR, Role.REVIEWER)
    ]
    assert all(abs(item.moment - NOW) < timedelta(hours=1) for item in found.signatures)


def test_all_signatures_release(signed: Path, hand: Hand, root: Path) -> None:
    hand(signed, Role.APPROVER)
    found = verify(signed, [root])
    assert found.failures == ()
    assert found.status == "released"
    hand(signed, Role.AUDITEE)
    alone = verify(signed / "signatures/4-auditee/report.en.pdf", [root])
    assert alone.failures == ()
    assert alone.status == "released"
    assert [item.role for item in alone.signatures] == list(Role)
    assert json.loads(json.dumps(alone.data()))["status"] == "released"


def test_a_report_alone_is_judged_from_its_attachments(signed: Path, root: Path) -> None:
    found = verify(signed / LAST / "report.en.pdf", [root])
    assert found.failures == ()
    assert found.missing == (Role.APPROVER,)


def test_a_flipped_byte_in_a_file(signed: Path, root: Path) -> None:
    path = signed / "verdicts.en.csv"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    assert verify(signed, [root]).failures == (f"{path} was changed after the pack was written.",)


@pytest.mark.parametrize("where", [0.2, 0.5, 0.9, 0.999])
def test_a_flipped_byte_in_a_signed_report(signed: Path, root: Path, where: float) -> None:
    path = signed / LAST / "report.en.pdf"
    data = bytearray(path.read_bytes())
    data[int(len(data) * where)] ^= 1
    path.write_bytes(data)
    found = verify(signed, [root])
    assert any(sentence.startswith(f"{LAST}/report.en.pdf") for sentence in found.failures)
    alone = verify(path, [root])
    assert alone.failures
    assert not alone.released


def test_flipped_bytes_never_pass_and_never_crash(
    single_signed: Path, root: Path, tmp_path: Path
) -> None:
    original = (single_signed / LAST / "report.en.pdf").read_bytes()
    chance = random.Random(7)  # noqa: S311
    for number in range(5):
        data = bytearray(original)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(5)
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(data)
        found = verify(path, [root])
        assert found.failures, number
        assert all(sentence.endswith(".") for sentence in found.failures)


def test_something_added_to_a_signed_report(signed: Path, root: Path) -> None:
    path = signed / LAST / "report.en.pdf"
    data = path.read_bytes()
    from pyhanko.pdf_utils.generic import TextStringObject
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    writer.root["/Lang"] = TextStringObject("fr")
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    path.write_bytes(out.getvalue())
    assert (
        f"{LAST}/report.en.pdf was added to after {NAMES[Role.REVIEWER]} signed it as reviewer."
        in verify(signed, [root]).failures
    )


def test_a_changed_attachment(pack: Path) -> None:
    pdf = (pack / "report.en.pdf").read_bytes()
    changed = with_attachment(pdf, packs.SCOPE, (pack / packs.SCOPE).read_bytes() + b"# x\n")
    rewrite(pack, "report.en.pdf", changed)
    assert verify(pack).failures == (
        "scope.yaml as attached to report.en.pdf is not the scope.yaml of the pack.",
    )


def test_a_removed_evidence_record(signed: Path, root: Path) -> None:
    lines = gzip.decompress((signed / packs.EVIDENCE).read_bytes()).splitlines(keepends=True)
    dropped = next(index for index, line in enumerate(lines) if b'"rows"' in line)
    del lines[dropped]
    rewrite(signed, packs.EVIDENCE, gzip.compress(b"".join(lines)))
    failures = verify(signed, [root]).failures
    assert any(s.startswith("evidence.jsonl.gz was altered: its content") for s in failures)
    assert (
        "signatures/1-auditor/manifest.p7s does not fit the manifest: one of the two was changed."
        in failures
    )
    # Even with a closing line that fits, the assessment is of other evidence.
    body = lines[:-1]
    digest = hashlib.sha256(b"".join(body)).hexdigest()
    end = json.dumps({"end": len(body), "sha256": digest}).encode() + b"\n"
    rewrite(signed, packs.EVIDENCE, gzip.compress(b"".join([*body, end])))
    assert (
        "assessment.json was not judged from this evidence: the digests differ."
        in verify(signed, [root]).failures
    )


def test_an_altered_verdict(signed: Path, root: Path) -> None:
    rewrite(signed, packs.ASSESSMENT, altered_verdict(signed))
    failures = verify(signed, [root]).failures
    assert any(
        s.startswith("assessment.json says PASS for ") and s.endswith("the evidence gives FAIL.")
        for s in failures
    )
    assert (
        "assessment.json as attached to report.en.pdf is not the assessment.json of the pack."
        in (failures)
    )


def test_an_altered_verdict_in_a_report_alone(pack: Path, tmp_path: Path) -> None:
    pdf = (pack / "report.en.pdf").read_bytes()
    path = tmp_path / "report.pdf"
    path.write_bytes(with_attachment(pdf, packs.ASSESSMENT, altered_verdict(pack)))
    (failure,) = verify(path).failures
    assert failure.startswith("assessment.json says PASS for ")


def backdated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signing goes on as if nobody had looked at the certificate."""
    monkeypatch.setattr(signing, "unfit", lambda certificate, moment: "")
    monkeypatch.setattr(signing, "SECOND", ())


def test_an_expired_certificate(
    pack: Path,
    hand: Hand,
    authority: Authority,
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backdated(monkeypatch)
    expired = authority.issue("Otto Alt", days=(-300, -1))
    hand(pack, Role.AUDITOR, expired.p12(tmp_path / "key.p12"))
    (failure,) = verify(pack, [root]).failures
    assert failure.startswith("The certificate of Otto Alt (auditor) expired on ")


def test_a_certificate_of_another_authority(
    pack: Path, hand: Hand, root: Path, tmp_path: Path
) -> None:
    other = Authority("Fabrikam CA").issue("Mallory")
    hand(pack, Role.AUDITOR, other.p12(tmp_path / "key.p12"))
    assert verify(pack, [root]).failures == (
        "The certificate of Mallory (auditor) was issued by 'Fabrikam CA', which no --trust file "
        "vouches for.",
    )


def test_without_a_trusted_authority(single_signed: Path) -> None:
    assert verify(single_signed).failures == tuple(
        f"Nobody vouches for {NAMES[role]} ({role.value}): name a CA with --trust."
        for role in (Role.AUDITOR, Role.REVIEWER)
    )


def test_an_authority_of_the_same_name(single_signed: Path, tmp_path: Path) -> None:
    impostor = Authority().pem(tmp_path / "ca.pem")
    found = verify(single_signed, [impostor])
    assert len(found.failures) == 2
    assert not any(item.role for item in found.signatures if not item.problems)


def test_the_same_person_twice(
    pack: Path, hand: Hand, keys: dict[Role, Path], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backdated(monkeypatch)
    hand(pack, Role.AUDITOR)
    hand(pack, Role.APPROVER, keys[Role.AUDITOR])
    assert (
        f"{NAMES[Role.AUDITOR]} signed as auditor and as approver: both certificates have the "
        "same key."
    ) in verify(pack, [root]).failures


def test_reviewer_and_approver_may_be_one_person(
    signed: Path, hand: Hand, keys: dict[Role, Path], root: Path
) -> None:
    hand(signed, Role.APPROVER, keys[Role.REVIEWER])
    found = verify(signed, [root])
    assert found.released
    assert f"{NAMES[Role.REVIEWER]} signed as reviewer and as approver." in found.notes


def test_a_removed_signature(signed: Path, root: Path) -> None:
    shutil.rmtree(signed / "signatures/1-auditor")
    failures = verify(signed, [root]).failures
    assert "The first signature is not the auditor's." in failures
    assert "A signature was removed: signatures is not numbered without a gap." in failures


def test_a_report_that_somebody_else_signed_first(
    pack: Path, hand: Hand, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "_in_order", lambda role, earlier: None)
    hand(pack, Role.APPROVER)
    for source in (pack, pack / "signatures/1-approver/report.en.pdf"):
        assert verify(source, [root]).failures == ("The first signature is not the auditor's.",)


def test_signatures_of_another_pack(signed: Path, pack: Path, root: Path) -> None:
    """A signature counts for the manifest that was signed, not for any pack it is put into."""
    rewrite(pack, packs.OSCAL, b"{}\n")
    shutil.copytree(signed / "signatures", pack / "signatures")
    failures = verify(pack, [root]).failures
    assert (
        "signatures/1-auditor/manifest.p7s does not fit the manifest: one of the two was changed."
        in failures
    )


def test_the_manifest_is_signed_by_who_signed_the_report(
    signed: Path, pack: Path, hand: Hand, authority: Authority, root: Path, tmp_path: Path
) -> None:
    hand(pack, Role.AUDITOR, authority.issue("Somebody Else").p12(tmp_path / "key.p12"))
    path = "signatures/1-auditor/manifest.p7s"
    shutil.copy(pack / path, signed / path)
    failures = verify(signed, [root]).failures
    assert any("with another certificate" in failure for failure in failures)


def test_signed_before_the_evidence_was_read(
    pack: Path, hand: Hand, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vmmaudit.seal import verify as verifying

    hand(pack, Role.AUDITOR)
    real: Callable[..., object] = verifying.rejudge
    from dataclasses import replace

    monkeypatch.setattr(
        verifying,
        "rejudge",
        lambda *given: replace(real(*given), moment=NOW + timedelta(days=1)),  # type: ignore[type-var]
    )
    failures = verify(pack, [root]).failures
    assert all("before the evidence was read" in failure for failure in failures)
    assert failures


@pytest.mark.parametrize("data", [b"", b"no pdf", b"%PDF-1.7\n%%EOF\n"])
def test_what_is_no_report(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(data)
    (failure,) = verify(path).failures
    assert "damaged" in failure


def test_another_pdf_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    with pikepdf.new() as document:
        document.add_blank_page()
        document.save(path)
    (failure,) = verify(path).failures
    assert "is no report of vmmaudit" in failure


def test_a_damaged_signature_file(signed: Path, root: Path) -> None:
    (signed / LAST / "manifest.p7s").write_bytes(b"\x30\x03\x02\x01\x01")
    assert f"{LAST}/manifest.p7s is damaged: it is no CMS signature." in (
        verify(signed, [root]).failures
    )


def test_a_trust_file_without_a_certificate(single_signed: Path, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(b"nothing")
    with pytest.raises(UsageError, match="holds no certificate"):
        verify(single_signed, [path])


def test_a_stage_is_written_whole_or_not_at_all(signed: Path) -> None:
    before = sorted((signed / "signatures").iterdir())
    with pytest.raises(TypeError):
        add(signed, Role.APPROVER, {"report.en.pdf": None})  # type: ignore[dict-item]
    assert sorted((signed / "signatures").iterdir()) == before


def test_another_version_is_named(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejudging, "__version__", "99.0")
    found = verify(pack)
    assert found.failures == ()
    assert any(note.endswith("this is vmmaudit 99.0.") for note in found.notes)


def test_another_commit_is_named_and_judges_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = facade.demo()
    origin = replace(demo.evidence.origin, commit="a" * 40)
    written = replace(demo, evidence=replace(demo.evidence, origin=origin)).write(tmp_path, "en")
    assert written is not None
    assert written.manifest["commit"] == "a" * 40
    for here, notes in (("b" * 40, 1), ("a" * 40, 0), ("", 0)):
        monkeypatch.setattr(rejudging, "commit", lambda here=here: here)
        found = verify(written.folder)
        assert found.failures == ()
        assert [note.endswith(f"this is {here}.") for note in found.notes] == [True] * notes


def test_a_report_that_carries_a_list_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vmmaudit.report import pdf

    monkeypatch.setattr(pdf, "ATTACH_LIMIT", 10)
    written = facade.demo().write(tmp_path, "en")
    assert written is not None
    assert verify(written.folder).failures == ()
    found = verify(written.folder / "report.en.pdf")
    assert found.failures == ()
    assert found.notes == (
        "report.en.pdf carries a list of its files only: verify its pack to judge again.",
    )
    rewrite(written.folder, packs.SCOPE, (written.folder / packs.SCOPE).read_bytes() + b"# x\n")
    assert verify(written.folder).failures == (
        "scope.yaml as attached to report.en.pdf is not the scope.yaml of the pack.",
    )


def test_a_scope_that_names_files_is_judged_alike_elsewhere(tmp_path: Path) -> None:
    text = (facade.DEMO / packs.SCOPE).read_text()
    scope = tmp_path / "there" / "scope.yaml"
    scope.parent.mkdir()
    scope.write_text(text.replace("- name: contoso.com\n", "- name: contoso.com\n    ca: ca.pem\n"))
    assert "ca.pem" in scope.read_text()
    written = facade.replayed(facade.DEMO / packs.EVIDENCE, scope).save(tmp_path, judged=True)
    assert verify(written.folder).failures == ()


@pytest.mark.parametrize("kind", ["p256", "p384", "ed25519", "rsa4096"])
def test_other_keys(
    pack: Path, hand: Hand, authority: Authority, root: Path, tmp_path: Path, kind: str
) -> None:
    key = {
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "rsa4096": lambda: rsa.generate_private_key(65537, 4096),
    }[kind]()
    person = authority.issue("Karl Kurve", key=key, usage="content_commitment")
    hand(pack, Role.AUDITOR, person.p12(tmp_path / "key.p12"))
    assert verify(pack, [root]).failures == ()
