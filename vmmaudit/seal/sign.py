"""One person signs a pack: every PDF report in its prepared field, and the manifest.

The first signature certifies the reports: from then on nothing but further signatures may be
added (DocMDP, ISO 32000-1 12.8.2.2). PAdES B-B; with a time-stamping authority B-T.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.timestamps import TimeStamper

from vmmaudit import pack as packs
from vmmaudit.scope import Role
from vmmaudit.seal.errors import SealError
from vmmaudit.seal.hand import Hand
from vmmaudit.seal.keys import KeyFile, Token, opened
from vmmaudit.seal.person import issuer_of, name_of, same_person, unfit
from vmmaudit.seal.signature import Signature
from vmmaudit.seal.signatures import of_manifest
from vmmaudit.seal.stages import CMS, Stage, add, reports, stages
from vmmaudit.secret import Secret

if TYPE_CHECKING:
    from asn1crypto import x509

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
    anchors: Sequence[x509.Certificate] = (),
) -> Signed:
    """Add one signature to a pack.

    Args:
        folder: the pack.
        role: in which role the person signs.
        key: where the person's key is.
        secret: gives its passphrase or PIN; called once nothing else is in the way.
        stamper: the time-stamping authority; without it the time is the signer's own clock.
        anchors: authorities; with them the proof that nothing was revoked is fetched and
            embedded in the reports (PAdES B-LT), so that they can be verified in years.

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
        hand = Hand(signer, certificate, role, moment, stamper, tuple(anchors), not earlier)
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
