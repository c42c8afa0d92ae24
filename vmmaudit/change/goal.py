"""What shall work: a host opens an ISO image, link by link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vmmaudit.assessment import Ternary
from vmmaudit.facts import AccountFact, Missing, Principal
from vmmaudit.readiness import Chain, Link
from vmmaudit.scope import Host, Library

DELEGATION: Final = "delegation"
DELEGATABLE: Final = "delegatable"
ACCOUNT_SHARE: Final = "account_share"
ACCOUNT_FILE: Final = "account_file"
HOST_SHARE: Final = "host_share"
HOST_FILE: Final = "host_file"
IN_FORCE: Final = "in_force"


@dataclass(frozen=True)
class Goal:
    """One host is to open one file of a library.

    Attributes:
        path: the file's under the share. Empty where no image is known, since there is none or
            the share could not be listed: what can be judged without one shall hold.
        whole_group: whether files with an equal descriptor are meant as well.
    """

    host: Host
    library: Library
    path: str
    whole_group: bool = False


def identities(chain: Chain, host: Host) -> dict[str, Principal | Missing]:
    """A(H) and H$, in the order in which a chain is said to break."""
    account = chain.facts.account(host)
    return {
        "account": account.principal if isinstance(account, AccountFact) else account,
        "host": chain.facts.host(host),
    }


def links(chain: Chain, goal: Goal) -> dict[str, Link]:
    """The six links for one file, in the order in which a chain is said to break."""
    found = {
        DELEGATION: chain.delegation(goal.host, goal.library),
        DELEGATABLE: chain.delegatable(goal.host),
    }
    for prefix, who in identities(chain, goal.host).items():
        if isinstance(who, Missing):
            found[f"{prefix}_share"] = found[f"{prefix}_file"] = Link.unknown(who)
        else:
            found[f"{prefix}_share"] = chain.access.share(who, goal.library)
            found[f"{prefix}_file"] = (
                chain.access.file(who, goal.library, goal.path)
                if goal.path
                else chain.access.ntfs(who, goal.library)
            )
    return found


def ready(chain: Chain, goal: Goal) -> Ternary:
    """All six links together."""
    return Ternary.all([link.state for link in links(chain, goal).values()])
