"""To which requirements of the IT-Grundschutz-Kompendium, Edition 2023, a control contributes.

By identifier alone: titles circulate in wrong versions, so they are left to the BSI's own text.
That a control contributes to a requirement does not say that it fulfils it.
"""

from __future__ import annotations

from typing import Final

ACCOUNTS: Final = ("APP.2.2.A7", "APP.2.2.A16", "ORP.4")
DELEGATED: Final = ("APP.2.2.A9", "APP.2.2.A16")
"""That an account can be delegated, and with which protocol: at odds with hardening."""
DELEGATION: Final = ("APP.2.2.A21", "APP.2.2.A23")
PERMISSIONS: Final = ("APP.3.3.A15", "ORP.4")
STRUCTURE: Final = ("APP.3.3.A8", "APP.3.3.A15")
EVERYBODY: Final = ("APP.2.2.A16", *PERMISSIONS)
"""What nearly everybody may do."""
OPERATION: Final = (
    *("SYS.1.5.A2", "SYS.1.5.A5", "SYS.1.5.A6", "SYS.1.5.A10", "SYS.1.5.A12", "SYS.1.5.A14"),
)
NETWORK: Final = ("SYS.1.5.A4", "SYS.1.5.A11")
PROTECTED_NETWORK: Final = ("APP.2.2.A9", *NETWORK)
SAMPLE: Final = ("DER.3.1.A14",)
DOCUMENTS: Final = ("DER.3.1.A22", "DER.3.1.A25", "DER.3.1.A27")
CHANGES: Final = ("OPS.1.1.3", *DOCUMENTS)
