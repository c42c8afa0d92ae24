"""One person signs a pack: every PDF report in its prepared field, and the manifest.

The first signature certifies the reports: from then on nothing but further signatures may be
added (DocMDP, ISO 32000-1 12.8.2.2). PAdES B-B; with a time-stamping authority B-T.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko.stamp import StaticStampStyle

from vmmaudit import pack as packs
from vmmaudit.scope import Role
from vmmaudit.seal.errors import SealError
from vmmaudit.seal.keys import KeyFile, Token, opened
from vmmaudit.seal.person import SIGNING, issuer_of, name_of, same_person, unfit
from vmmaudit.seal.secret import Secret
from vmmaudit.seal.signatures import Signature, of_manifest
from vmmaudit.seal.stages import CMS, Stage, add, reports, stages
from vmmaudit.seal.stamp import moment_lines, stamp
from vmmaudit.seal.waiting import wait

if TYPE_CHECKING:
    from asn1crypto import x509
    from pyhanko.sign.signers import Signer

DIGEST: Final = "sha256"
SECOND: Final = (Role.REVIEWER, Role.APPROVER)
"""Who must be another person than the auditor."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What was added to the pack, and who signed."""

    stage: Stage
    name: str
    issuer: str
    moment: datetime


def sign(
    folder: Path,
    role: Role,
    key: KeyFile | Token,
    secret: Callable[[], Secret],
    stamper: TimeStamper | None = None,
) -> Signed:
    """Add one signature to a pack.

    Args:
        folder: the pack.
        role: in which role the person signs.
        key: where the person's key is.
        secret: gives its passphrase or PIN; called once nothing else is in the way.
        stamper: the time-stamping authority; without it the time is the signer's own clock.

    Raises:
        PackError: it is no pack, or it was changed.
        SealError: the order of roles, the person, the key, the reports.
    """
    pack = packs.read(folder)
    earlier = stages(folder)
    manifest = (folder / packs.MANIFEST).read_bytes()
    _in_order(role, earlier)
    standing = _standing(manifest, earlier)
    sources = _sources(pack, earlier, role)
    with opened(key, secret()) as signer:
        certificate = signer.signing_cert
        if certificate is None:
            raise SealError("There is no certificate beside the key; it says who signs.")
        moment = datetime.now(UTC).replace(microsecond=0)
        _may_sign(certificate, role, standing, moment)
        hand = _Hand(signer, certificate, role, moment, stamper, certify=not earlier)
        files = {name: hand.sign_pdf(data, name) for name, data in sources.items()}
        files[CMS] = hand.sign_manifest(manifest)
    stage = add(folder, role, files)
    return Signed(stage, name_of(certificate), issuer_of(certificate), moment)


def _in_order(role: Role, earlier: Sequence[Stage]) -> None:
    if not earlier and role is not Role.AUDITOR:
        raise SealError(
            f"The auditor signs first; the {role.value} can sign once the auditor has signed."
        )
    if any(stage.role is role for stage in earlier):
        raise SealError(f"This pack is signed by its {role.value} already.")


def _standing(manifest: bytes, earlier: Sequence[Stage]) -> tuple[Signature, ...]:
    """The signatures so far; nobody puts one on top of one that does not hold."""
    standing = []
    for stage in earlier:
        path = stage.folder / CMS
        try:
            found, problems = of_manifest(manifest, path.read_bytes(), stage.role, str(path), ())
        except OSError as error:
            raise SealError(f"{path} is missing or cannot be read.") from error
        if found is None or not found.intact:
            raise SealError((found.problems if found else problems)[0])
        standing.append(found)
    return tuple(standing)


def _sources(pack: packs.Pack, earlier: Sequence[Stage], role: Role) -> dict[str, bytes]:
    """The reports as the last signer left them."""
    names = reports(pack.manifest)
    if not names:
        raise SealError(
            f"{pack.folder} has no report to sign; make one with vmmaudit report {pack.folder}."
        )
    folder = earlier[-1].folder if earlier else pack.folder
    found = {}
    for name in names:
        try:
            data = (folder / name).read_bytes()
        except OSError as error:
            raise SealError(f"{folder / name} is missing or cannot be read.") from error
        if not data.startswith((pack.folder / name).read_bytes()):
            raise SealError(f"{folder / name} does not continue the report of this pack.")
        if role.value not in _empty_fields(data, folder / name):
            raise SealError(
                f"{folder / name} has no empty signature field for the {role.value}; render the "
                "report again with vmmaudit report."
            )
        found[name] = data
    return found


def _empty_fields(pdf: bytes, path: Path) -> list[str]:
    try:
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        return [name for name, _, _ in enumerate_sig_fields(writer, filled_status=False)]
    except (PdfError, ValueError, KeyError, TypeError) as error:
        raise SealError(f"{path} is damaged and cannot be signed.") from error


def _may_sign(
    certificate: x509.Certificate, role: Role, standing: Sequence[Signature], moment: datetime
) -> None:
    problem = unfit(certificate, moment)
    if problem:
        raise SealError(f"The certificate of {name_of(certificate)} {problem}.")
    for signature in standing:
        shared = same_person(signature.certificate, certificate)
        if shared and signature.role is Role.AUDITOR and role in SECOND:
            raise SealError(
                f"{name_of(certificate)} signed as auditor and cannot be the {role.value} too: "
                f"both certificates have {shared}."
            )


@dataclass(frozen=True)
class _Hand:
    signer: Signer
    certificate: x509.Certificate
    role: Role
    moment: datetime
    stamper: TimeStamper | None
    certify: bool

    def sign_pdf(self, pdf: bytes, name: str) -> bytes:
        """The PDF with this person's signature in the field of the role."""
        with tempfile.TemporaryDirectory(prefix="vmmaudit-") as folder:
            appearance = Path(folder, "stamp.pdf")
            writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
            appearance.write_bytes(self._stamp(writer))
            signer = PdfSigner(
                PdfSignatureMetadata(
                    field_name=self.role.value,
                    md_algorithm=DIGEST,
                    name=name_of(self.certificate),
                    certify=self.certify,
                    docmdp_permissions=MDPPerm.FILL_FORMS,
                    subfilter=SigSeedSubFilter.PADES,
                    signer_key_usage=set(SIGNING),
                ),
                self.signer,
                timestamper=self.stamper,
                stamp_style=StaticStampStyle.from_pdf_file(str(appearance), border_width=0),
            )
            try:
                signed = wait(signer.async_sign_pdf(writer, existing_fields_only=True))
            except TimestampRequestError as error:
                raise _no_time(error) from error
            except (SigningError, PdfError) as error:
                raise SealError(f"{name} cannot be signed: {error}.") from error
        return bytes(signed.getvalue())

    def sign_manifest(self, manifest: bytes) -> bytes:
        """A detached CMS signature (RFC 5652) over the manifest."""
        work = self.signer.async_sign_general_data(
            manifest,
            DIGEST,
            detached=True,
            use_cades=True,
            timestamper=self.stamper,
            signed_attr_settings=PdfCMSSignedAttributes(signing_time=self.moment),
        )
        try:
            return bytes(wait(work).dump())
        except TimestampRequestError as error:
            raise _no_time(error) from error
        except SigningError as error:
            raise SealError(f"The manifest cannot be signed: {error}.") from error

    def _stamp(self, writer: IncrementalPdfFileWriter) -> bytes:
        for name, _, reference in enumerate_sig_fields(writer, filled_status=False):
            if name == self.role.value:
                left, low, right, high = map(float, reference.get_object()["/Rect"])
                lines = moment_lines(self.moment, issuer_of(self.certificate))
                return stamp(right - left, high - low, name_of(self.certificate), lines)
        raise SealError(f"There is no empty signature field for the {self.role.value}.")


def _no_time(error: TimestampRequestError) -> SealError:
    return SealError(f"The time-stamping authority gave no time stamp: {error}.")
