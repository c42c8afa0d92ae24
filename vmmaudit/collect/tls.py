"""Whose certificates are believed."""

from __future__ import annotations

import ssl

import truststore

from vmmaudit.collect.wire import WireError
from vmmaudit.evidence import Reason
from vmmaudit.scope import Domain


def trusted(domain: Domain) -> ssl.SSLContext:
    """TLS 1.2 or newer; the CA of the scope, else those that the operating system trusts."""
    if domain.ca is None:
        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cafile=domain.ca)
        except (OSError, ssl.SSLError) as error:
            raise WireError(
                Reason.CERTIFICATE_UNTRUSTED,
                f"The CA file {domain.ca} holds no certificate that can be read.",
            ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
