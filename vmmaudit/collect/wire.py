"""The one seam between the plan of a collection and the network.

A wire answers questions. The live wire asks real servers, the replay answers
from an evidence file, a made-up world is a replay too. A refusal is a value
(`Gap`), never an exception, so that one dead server costs only its own gaps.

Kinds of question and the rows of their answers (values are raw bytes):

kind, its detail, and its rows:

`ldap.search`     base, scope (`base` `one` `sub`), filter, attributes joined by `,`
                  → a row per entry: its DN, its attributes as the server spelt them
`ldap.controller` domain, then as before: the same search asked of one controller of it
`smb.shares`      → `reply`: stub of NetrShareEnum level 1 (MS-SRVS 3.1.4.8)
`smb.share`       share → `level` (502, 1501 or 1), `reply`: stub of NetrShareGetInfo (3.1.4.10)
`smb.list`        share, path → `entries`: FileIdBothDirectoryInformation (MS-FSCC 2.4.17)
`smb.descriptor`  share, path → `descriptor`: SECURITY_DESCRIPTOR (MS-DTYP 2.4.6): owner,
                  group and DACL
`smb.server`      → `dialect`, `signing`, `guid` of the negotiation, as text
`smb.legacy`      → `reply`: SMB_COM_NEGOTIATE response (MS-CIFS 2.2.4.52.2) to an offer of
                  `NT LM 0.12` alone; empty: the server hung up, but speaks SMB 2 or 3
`srvsvc.time`     → `reply`: stub of NetrRemoteTOD (MS-SRVS 3.1.4.21)
`cim.boot`        → `LastBootUpTime`: CIM_DATETIME as text (DSP0004 5.2.4)
`samr.domain`     → a row per SAM domain: its name, `sid`: RPC_SID (MS-DTYP 2.4.2)
`samr.aliases`    domain SID → `reply`: SamrEnumerateAliasesInDomain (MS-SAMR 3.1.5.2.3)
`samr.members`    alias SID → `reply`: SamrGetMembersInAlias (MS-SAMR 3.1.5.8.2)
`svcctl.service`  name → `config`: stub of RQueryServiceConfigW (MS-SCMR 3.1.4.17), and where it
                  is not refused `status`: of RQueryServiceStatus (3.1.4.7); no row: no service
`winreg.value`    key under HKEY_LOCAL_MACHINE, value → `reply`: stub of BaseRegQueryValue
                  (MS-RRP 3.1.5.17); no row: no such key or value
`net.reach`       server, TCP port → `open`: `true` or `false`, as the asked server tried it itself
`vmm.objects`     cmdlet → a row per object: its name, its properties as text
`lsa.names`       SIDs → `operation` (57 or 15), `reply`: stub of LsarLookupSids2 or
                  LsarLookupSids (MS-LSAT 3.1.4.10 and 3.1.4.11)

Over WinRM, and in what an administrator hands over, some of it is told in plain values instead
(`vmmaudit.facts.replies` takes both):

`smb.share`       → `descriptor`: SECURITY_DESCRIPTOR; `path`: the folder on the server
`smb.list`        → a row per entry: its name, `kind` (`folder` or `file`), `size`
`samr.aliases`    → a row per group: its name, `rid`
`samr.members`    → `sid`: a value per member
`smb.legacy`      → `enabled`: `true` or `false`, as the server is configured
`svcctl.service`  → `account`, `start`, `state` (the numbers of MS-SCMR, as text)

`path` is relative to the share, with backslashes, `""` for the share's root.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vmmaudit.evidence import Answer, Gap, Origin, Question, Reason


class Wire(Protocol):
    """Something that answers questions."""

    @property
    def origin(self) -> Origin:
        """When, by whom, from where and with what the reading is done."""
        ...

    def ask(self, questions: Sequence[Question]) -> list[Answer | Gap]:
        """One reply per question, in their order; questions of one call are independent."""
        ...

    def close(self) -> None:
        """End all sessions; never raises."""
        ...


class WireError(Exception):
    """A server did not answer: the reason code, and one sentence saying what and what to do.

    Raised inside `collect` only; the live wire turns it into a gap.
    """

    def __init__(self, reason: Reason, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
