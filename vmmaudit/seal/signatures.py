"""What each signature is worth: whole, by whom, when, and whether its certificate is believed."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asn1crypto import cms, x509
from asn1crypto import parser as asn1_parser
from cryptography.exceptions import UnsupportedAlgorithm
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import (
    DocumentSecurityStore,
    EmbeddedPdfSignature,
    async_validate_detached_cms,
    async_validate_pdf_signature,
    read_certification_data,
)
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.status import (
    PdfSignatureStatus,
    SignatureCoverageLevel,
    StandardCMSSignatureStatus,
)
from pyhanko_certvalidator import ValidationContext

from vmmaudit.errors import DAMAGED
from vmmaudit.scope import Role
from vmmaudit.seal.person import issuer_of, name_of, unfit
from vmmaudit.seal.signature import Signature
from vmmaudit.seal.trust import context, usages
from vmmaudit.seal.waiting import wait

# Its warnings are tracebacks of what the sentences here say.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)

Roots = Sequence[x509.Certificate]
Made = Callable[[datetime | None], ValidationContext]
Validate = Callable[[ValidationContext, bool], Coroutine[Any, Any, StandardCMSSignatureStatus]]
SKEW: Final = timedelta(minutes=5)
"""By how much clocks may differ, as in Kerberos."""
BROKEN: Final = (PdfError, UnsupportedAlgorithm, *DAMAGED)


def in_pdf(data: bytes, file: str, trusted: Roots) -> tuple[tuple[Signature, ...], tuple[str, ...]]:
    """The signatures of a PDF in the order they were made, and what is wrong with the whole."""
    try:
        reader = PdfFileReader(io.BytesIO(data))
        embedded = reader.embedded_regular_signatures
        stored = _store(reader)
        certified = read_certification_data(reader)
    except BROKEN:
        return (), (f"{file} is damaged: its signatures cannot be read.",)
    problems = []
    if embedded and (certified is None or certified.permission is not MDPPerm.FILL_FORMS):
        problems.append(f"{file} is not certified by its first signature.")
    found = []
    for index, signature in enumerate(embedded):
        last = index == len(embedded) - 1
        if signature.field_name not in set(Role):
            problems.append(
                f"{file} carries a signature '{signature.field_name}' that is none of the four."
            )
            continue
        try:
            found.append(_embedded(signature, data, file, trusted, stored, last=last))
        except BROKEN:
            problems.append(
                f"{file} is damaged: the signature '{signature.field_name}' cannot be read."
            )
    return tuple(found), tuple(problems)


def of_manifest(
    manifest: bytes, signature: bytes, role: Role, file: str, trusted: Roots
) -> tuple[Signature | None, tuple[str, ...]]:
    """The detached signature over a manifest."""

    def validate(
        roots: ValidationContext, _: bool
    ) -> Coroutine[Any, Any, StandardCMSSignatureStatus]:
        return async_validate_detached_cms(manifest, signed, roots, key_usage_settings=usages())

    try:
        signed = cms.ContentInfo.load(signature, strict=True)["content"]
        status, moment, stamped = _timed(validate, lambda at: context(trusted, at))
        found = _signature(file, role, status, moment, stamped=stamped)
        if status.intact and status.valid:
            problems = _certificate_problems(found, status, trusted)
            return replace(found, problems=problems), ()
    except BROKEN:
        return None, (f"{file} is damaged: it is no CMS signature.",)
    sentence = f"{file} does not fit the manifest: one of the two was changed."
    return replace(found, intact=False, problems=(sentence,)), ()


def _embedded(
    embedded: EmbeddedPdfSignature,
    data: bytes,
    file: str,
    trusted: Roots,
    stored: DocumentSecurityStore | None,
    *,
    last: bool,
) -> Signature:
    def made(at: datetime | None) -> ValidationContext:
        if stored is None:
            return context(trusted, at)
        kept = stored.as_validation_context({"trust_roots": list(trusted)})
        return context(
            trusted,
            at,
            list(stored.load_certs()),
            [item.dump() for item in kept.crls],
            [item.dump() for item in kept.ocsps],
        )

    status, moment, stamped = _timed(
        lambda roots, thorough: async_validate_pdf_signature(
            embedded, roots, key_usage_settings=usages(), skip_diff=not thorough
        ),
        made,
    )
    assert isinstance(status, PdfSignatureStatus)  # noqa: S101 - what the call above returns
    found = _signature(file, Role(embedded.field_name), status, moment, stamped=stamped)
    changed = _change(file, found, status, last=last)
    if not changed and not _plain(embedded, data):
        changed = f"{file} was changed within the signature of {found.name}."
    if changed:
        return replace(found, intact=False, problems=(changed,))
    return replace(found, problems=_certificate_problems(found, status, trusted))


def _plain(embedded: EmbeddedPdfSignature, data: bytes) -> bool:
    """The bytes no signature covers, which are its own, are its digits and zeros to the end."""
    start, length, after, _ = (int(number) for number in embedded.byte_range)
    digits = data[start + length : after]
    content = embedded.pkcs7_content
    written = (content.hex().encode(), content.hex().upper().encode())
    return digits[1:-1] in written and not any(content[asn1_parser.peek(content) :])


def _timed(
    validate: Validate, made: Made
) -> tuple[StandardCMSSignatureStatus, datetime | None, bool]:
    """The status as of the time the signature was made: a certificate may run out afterwards."""
    status = wait(validate(made(None), False))
    moment, stamped = status.signer_reported_dt, False
    stamp = status.timestamp_validity
    if stamp is not None and stamp.valid and stamp.intact:
        moment, stamped = stamp.timestamp, True
    return wait(validate(made(moment), True)), moment, stamped


def _signature(
    file: str,
    role: Role,
    status: StandardCMSSignatureStatus,
    moment: datetime | None,
    *,
    stamped: bool,
) -> Signature:
    signer = status.signing_cert
    _ = signer.native  # read to its last part here, where somebody minds that it is damaged
    return Signature(file, role, name_of(signer), issuer_of(signer), moment, stamped, signer)


def _change(file: str, found: Signature, status: PdfSignatureStatus, *, last: bool) -> str:
    """How the document differs from what was signed."""
    if not (status.intact and status.valid):
        return f"{file} was changed after {found.name} signed it as {found.role}."
    allowed = ModificationLevel.LTA_UPDATES if last else ModificationLevel.FORM_FILLING
    level = status.modification_level
    if (
        status.coverage < SignatureCoverageLevel.ENTIRE_REVISION
        or level is None
        or level > allowed
        or not status.docmdp_ok
    ):
        return f"{file} was added to after {found.name} signed it as {found.role}."
    return ""


def _certificate_problems(
    found: Signature, status: StandardCMSSignatureStatus, trusted: Roots
) -> tuple[str, ...]:
    whose = f"The certificate of {found.name} ({found.role})"
    if found.moment is None:
        return (f"{found.name} signed {found.file} at no time that is known.",)
    if found.moment > datetime.now(UTC) + SKEW:
        return (f"{found.name} signed {found.file} at a time that is still to come.",)
    problem = unfit(found.certificate, found.moment)
    if problem:
        return (f"{whose} {problem}; it signed on {found.moment:%Y-%m-%d}.",)
    if status.revoked:
        return (f"{whose} was revoked before it signed.",)
    if not status.trusted:
        if not trusted:
            return (f"Nobody vouches for {found.name} ({found.role}): name a CA with --trust.",)
        return (f"{whose} was issued by '{found.issuer}', which no --trust file vouches for.",)
    stamp = status.timestamp_validity
    if stamp is not None and not stamp.trusted:
        return (
            f"The time stamp of {found.name} ({found.role}) was issued by "
            f"'{issuer_of(stamp.signing_cert)}', which no --trust file vouches for.",
        )
    return ()


def _store(reader: PdfFileReader) -> DocumentSecurityStore | None:
    try:
        return DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return None
