"""A change as a sentence in the reader's language, and who can make it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from vmmaudit.change.changes import (
    AddDelegationTarget,
    AddMember,
    AllowToAct,
    Change,
    ClearControlBit,
    GrantOnFile,
    GrantOnShare,
    RegisterSpn,
    RemoveFromFile,
    RemoveFromShare,
    RemoveMember,
    RemoveSpn,
    Restart,
    SetControlBit,
)
from vmmaudit.controls.texts import Fill, Texts
from vmmaudit.display import visible
from vmmaudit.windows.account_control import AccountControl

if TYPE_CHECKING:
    import pandas as pd

_BITS = {
    (ClearControlBit, AccountControl.ACCOUNT_DISABLE): "ClearControlBit_disabled",
    (ClearControlBit, AccountControl.NOT_DELEGATED): "ClearControlBit_sensitive",
    (SetControlBit, AccountControl.TRUSTED_TO_AUTH_FOR_DELEGATION): "SetControlBit",
}


def sentence(change: Change, texts: Texts) -> str:
    """What is to be done."""
    key, values = _told(change)
    return texts.fill(texts.word("change", "step", key), values)


def actor(change: Change, texts: Texts) -> str:
    """Who can do it."""
    return texts.word("change", "actor", change.actor.value)


def headings(texts: Texts) -> list[str]:
    """What the columns of `listed` are called in the reader's language."""
    return [texts.word("change", "column", name) for name in ("number", "who", "change")]


def listed(changes: Iterable[tuple[int, Change]], language: str) -> pd.DataFrame:
    """One row per change, each with the number of its step."""
    import pandas as pd  # noqa: PLC0415 - costs 0.3 s

    texts = Texts.load(language)
    rows = [
        (number, actor(change, texts), visible(sentence(change, texts)))
        for number, change in changes
    ]
    return pd.DataFrame(rows, columns=["step", "who", "what"])


def _told(change: Change) -> tuple[str, dict[str, Fill]]:
    name = type(change).__name__
    match change:
        case SetControlBit(account=account, bit=bit) | ClearControlBit(account=account, bit=bit):
            key = _BITS.get((type(change), AccountControl(bit)), f"{name}_other")
            return key, {"account": account.shown, "bit": f"0x{bit:x}"}
        case AllowToAct(account=account, caller=caller):
            return name, {"account": account.shown, "caller": caller.shown}
        case (
            AddDelegationTarget(account=account, spn=spn)
            | RegisterSpn(account=account, spn=spn)
            | RemoveSpn(account=account, spn=spn)
        ):
            return name, {"account": account.shown, "spn": spn}
        case AddMember(group=group, member=member) | RemoveMember(group=group, member=member):
            return name, {"group": group.shown, "member": member.shown}
        case GrantOnShare(share=share, trustee=named):
            return name, {"share": share, "trustee": named.shown}
        case RemoveFromShare(share=share, trustee=trustee):
            return name, {"share": share, "trustee": trustee}
        case GrantOnFile(share=share, path=path, is_folder=is_folder, trustee=named):
            kind = "folder" if is_folder else "file"
            return f"{name}_{kind}", {"place": _unc(share, path), "trustee": named.shown}
        case RemoveFromFile(share=share, path=path, trustee=trustee):
            return name, {"place": _unc(share, path), "trustee": trustee}
        case Restart(host=host):
            return name, {"host": host}
    return name, {"account": change.account.shown}


def _unc(share: str, path: str) -> str:
    return rf"{share}\{path}" if path else share
