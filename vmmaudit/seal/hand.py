"""One person's signatures on the files of a pack."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import AxisAlignment, SimpleBoxLayoutRule
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes, select_suitable_signing_md
from pyhanko.sign.timestamps import TimeStamper, TimestampRequestError
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator.errors import PathError, ValidationError

from vmmaudit.scope import Role
from vmmaudit.seal.errors import SealError
from vmmaudit.seal.person import issuer_of, name_of, signing_usages
from vmmaudit.seal.stamp import moment_lines, stamp
from vmmaudit.seal.trust import fetching
from vmmaudit.seal.waiting import wait

if TYPE_CHECKING:
    from asn1crypto import x509
    from pyhanko.sign.signers import Signer

WHOLE_FIELD: Final = SimpleBoxLayoutRule(AxisAlignment.ALIGN_MIN, AxisAlignment.ALIGN_MIN)
"""The stamp is set in the size of its field; there is nothing to scale or to shift."""


@dataclass(frozen=True)
class Hand:
    """Whoever signs: the key, the certificate, the role, the moment.

    Attributes:
        anchors: as for `sign`.
        certify: whether this is the first signature.
    """

    signer: Signer
    certificate: x509.Certificate
    role: Role
    moment: datetime
    stamper: TimeStamper | None
    anchors: tuple[x509.Certificate, ...]
    certify: bool

    def sign_pdf(self, pdf: bytes, name: str) -> bytes:
        """The PDF with this person's signature in the field of the role."""
        context = fetching(self.anchors) if self.anchors else None
        with tempfile.TemporaryDirectory(prefix="vmmaudit-") as folder:
            appearance = Path(folder, "stamp.pdf")
            writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
            appearance.write_bytes(self._stamp(writer))
            signer = PdfSigner(
                PdfSignatureMetadata(
                    field_name=self.role.value,
                    md_algorithm=self._digest,
                    name=name_of(self.certificate),
                    certify=self.certify,
                    docmdp_permissions=MDPPerm.FILL_FORMS,
                    subfilter=SigSeedSubFilter.PADES,
                    signer_key_usage=signing_usages(self.certificate),
                    embed_validation_info=context is not None,
                    validation_context=context,
                ),
                self.signer,
                timestamper=self.stamper,
                stamp_style=StaticStampStyle.from_pdf_file(
                    str(appearance), border_width=0, background_layout=WHOLE_FIELD
                ),
            )
            work = signer.async_sign_pdf(writer, existing_fields_only=True)
            try:
                signed = wait(work, *([context] if context else []))
            except TimestampRequestError as error:
                raise _no_time(error) from error
            except (PathError, ValidationError) as error:
                raise SealError(
                    f"{name} cannot be signed for the long term: {_reason(error)}."
                ) from error
            except (SigningError, PdfError) as error:
                raise SealError(f"{name} cannot be signed: {_reason(error)}.") from error
        return bytes(signed.getvalue())

    def sign_manifest(self, manifest: bytes) -> bytes:
        """A detached CMS signature (RFC 5652) over the manifest."""
        work = self.signer.async_sign_general_data(
            manifest,
            self._digest,
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

    @property
    def _digest(self) -> str:
        """The digest that fits the key: SHA-256, or a longer one for longer keys."""
        return str(select_suitable_signing_md(self.certificate.public_key))

    def _stamp(self, writer: IncrementalPdfFileWriter) -> bytes:
        for name, _, reference in enumerate_sig_fields(writer, filled_status=False):
            if name == self.role.value:
                left, low, right, high = map(float, reference.get_object()["/Rect"])
                lines = moment_lines(self.moment, issuer_of(self.certificate))
                return stamp(right - left, high - low, name_of(self.certificate), lines)
        raise SealError(f"There is no empty signature field for the {self.role.value}.")


def _reason(error: Exception) -> str:
    """What the library says lies beneath, without its details."""
    return str(error.__cause__ or error).partition("\n")[0].rstrip(".")


def _no_time(error: TimestampRequestError) -> SealError:
    return SealError(f"The time-stamping authority gave no time stamp: {error}.")
