"""What was judged: verdict by verdict, and the matrix of hosts and shares.

`assessment.json` is format 1 (`vmmaudit schema assessment`). Other tools read it:
keys are added, never renamed or removed, within one format.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from vmmaudit import canonical
from vmmaudit.display import Tone, framed, properties, table, tiles
from vmmaudit.errors import PackError

if TYPE_CHECKING:
    import pandas as pd

FORMAT: Final = 1

Value: TypeAlias = str | int | tuple[str, ...]
"""What fills a placeholder of a sentence: a name, a number, or a list of names."""


class Verdict(StrEnum):
    """The six outcomes a control can have; anything else is a remark."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    WARN = "WARN"
    FAIL = "FAIL"
    NOT_ASSESSABLE = "NOT_ASSESSABLE"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    MANUAL = "MANUAL"

    @property
    def tone(self) -> Tone:
        """The symbol and the colour in which it is shown."""
        return _TONES[self]


_TONES: Final[Mapping[Verdict, Tone]] = {
    Verdict.PASS: Tone.GOOD,
    Verdict.WARN: Tone.WARN,
    Verdict.FAIL: Tone.BAD,
    Verdict.NOT_ASSESSABLE: Tone.UNKNOWN,
    Verdict.NOT_APPLICABLE: Tone.NONE,
    Verdict.MANUAL: Tone.MANUAL,
}


class Ternary(StrEnum):
    """Kleene's three values: any `no` is no, else any `unknown` is unknown, else yes."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, value: bool | None) -> Ternary:
        """True, False and None as yes, no and unknown."""
        return cls.UNKNOWN if value is None else cls.YES if value else cls.NO

    @classmethod
    def all(cls, values: Sequence[Ternary]) -> Ternary:
        """The conjunction; of nothing it is yes."""
        if cls.NO in values:
            return cls.NO
        return cls.UNKNOWN if cls.UNKNOWN in values else cls.YES

    @classmethod
    def any(cls, values: Sequence[Ternary]) -> Ternary:
        """The disjunction; of nothing it is no."""
        if cls.YES in values:
            return cls.YES
        return cls.UNKNOWN if cls.UNKNOWN in values else cls.NO


class SubjectKind(StrEnum):
    """What a verdict is about."""

    DOMAIN = "domain"
    ACCOUNT = "account"
    HOST = "host"
    LIBRARY = "library"
    CLUSTER = "cluster"
    SHARE = "share"
    VMM = "vmm"
    HOST_SHARE = "host-share"
    HOST_LIBRARY = "host-library"
    ACCOUNT_SHARE = "account-share"
    VMM_SHARE = "vmm-share"
    VMM_HOST = "vmm-host"
    AUDIT = "audit"
    CONTROLLER = "controller"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    r"""What a verdict is about: `id` is stable over time, `name` is shown.

    Ids are lower-case names as in the scope: `hyper01.contoso.com`, `\\library01\iso`,
    and for pairs both, joined by ` -> `.
    """

    kind: SubjectKind
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Remark:
    """Something worth saying that is not a verdict: a code of the control's texts."""

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GrantedWaiver:
    """A waiver as it lies over a verdict."""

    reason: str
    owner: str
    approver: str
    ticket: str
    until: date


@dataclass(frozen=True, slots=True)
class Judgement:
    """One control, one subject, one verdict, and what it rests on.

    Attributes:
        code: names the sentence in the control's texts; empty only for a plain PASS.
        values: fill the sentence's placeholders.
        evidence: ids of the questions whose answers or gaps decided.
    """

    control: str
    version: int
    subject: Subject
    verdict: Verdict
    code: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    evidence: tuple[str, ...] = ()
    waiver: GrantedWaiver | None = None


@dataclass(frozen=True, slots=True)
class SharedFile:
    """An ISO file: its path under the share and the SHA-256 of its descriptor (None: unread)."""

    path: str
    descriptor: str | None


@dataclass(frozen=True, slots=True)
class ShareContent:
    """The ISO files of one share."""

    library: str
    share: str
    files: tuple[SharedFile, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """The six links of the chain (semantics 1)."""

    delegation: Ternary
    delegatable: Ternary
    account_share: Ternary
    account_ntfs: Ternary
    host_share: Ternary
    host_ntfs: Ternary

    def conjunction(self) -> Ternary:
        """All six together."""
        return Ternary.all(
            [
                self.delegation,
                self.delegatable,
                self.account_share,
                self.account_ntfs,
                self.host_share,
                self.host_ntfs,
            ]
        )


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read the files that carry one descriptor, share and file layers together."""

    descriptor: str
    host_read: Ternary
    account_read: Ternary


@dataclass(frozen=True, slots=True)
class Readiness:
    r"""Host × UNC share.

    Attributes:
        host: the host's name in the scope.
        library: name of the library server's computer account, or the UNC's server part.
        share: the UNC, `\\name\share`.
        name: the UNC's server part, whose SPN counts.
        account: A(H), the account VMM uses on that host, as shown; empty if unknown.
        broken: ids of failing controls, the first broken link first; empty unless not ready.
        reason: a code where `ready` needs a word (`LOCAL`, `ESX`), else empty.
    """

    host: str
    library: str
    share: str
    name: str
    account: str
    links: Links
    access: tuple[Access, ...]
    ready: Ternary
    in_force: Ternary
    broken: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, repr=False)
class Assessment:
    """Everything that was judged from one evidence file.

    assessment.to_frame()                  # one row per verdict
    assessment.counts()[Verdict.FAIL]      # how many
    assessment.readiness                   # host × share: ready, in force, the first broken link

    Shown with the names of `assessment.json`, which are the same in every language; an audit
    shows the same in words.

    `tool` and `commit` are those of the evidence: whoever judges it again gets the same.
    """

    tool: str
    catalogue: str
    moment: datetime
    evidence: str
    scope: str
    verdicts: tuple[Judgement, ...]
    shares: tuple[ShareContent, ...]
    readiness: tuple[Readiness, ...]
    commit: str = ""

    def counts(self) -> Counter[Verdict]:
        """How many verdicts of each kind."""
        return Counter(judgement.verdict for judgement in self.verdicts)

    def to_frame(self) -> pd.DataFrame:
        """One row per verdict, in the order of the catalogue."""
        import pandas as pd  # noqa: PLC0415 - costs 0.3 s

        names = ("control", "subject", "verdict", "code", "waiver", "evidence")
        return pd.DataFrame(
            [
                (
                    judgement.control,
                    judgement.subject.name,
                    judgement.verdict,
                    judgement.code,
                    judgement.waiver.ticket or judgement.waiver.reason if judgement.waiver else "",
                    ", ".join(judgement.evidence),
                )
                for judgement in self.verdicts
            ],
            columns=names,
        )

    def _repr_html_(self) -> str:
        counts = self.counts()
        about = {
            "moment": self.moment.isoformat(),
            "tool": self.tool,
            "catalogue": self.catalogue,
            "evidence": self.evidence,
            "ready": f"{sum(p.ready is Ternary.YES for p in self.readiness)}"
            f" / {len(self.readiness)}",
        }
        numbers = [(v, f"{v.tone.symbol} {counts[v]}") for v in Verdict if counts[v]]
        worst = (Verdict.FAIL, Verdict.WARN, Verdict.NOT_ASSESSABLE)
        order = [*worst, *(verdict for verdict in Verdict if verdict not in worst)]
        frame = self.to_frame()
        frame = frame.sort_values("verdict", key=lambda v: v.map(order.index), kind="stable")
        return framed(tiles(numbers), properties(about), table(frame))

    def __repr__(self) -> str:
        counts = self.counts()
        told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])
        return f"<Assessment of {self.moment.isoformat()}: {told}>"


def dumps(assessment: Assessment) -> bytes:
    """`assessment.json`: equal assessments give equal bytes."""
    value = {
        "format": FORMAT,
        "tool": assessment.tool,
        **({"commit": assessment.commit} if assessment.commit else {}),
        "catalogue": assessment.catalogue,
        "moment": assessment.moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "evidence": assessment.evidence,
        "scope": assessment.scope,
        "verdicts": [_judgement(item) for item in assessment.verdicts],
        "shares": [
            {
                "library": item.library,
                "share": item.share,
                "files": [{"path": f.path, "descriptor": f.descriptor} for f in item.files],
            }
            for item in assessment.shares
        ],
        "readiness": [_readiness(item) for item in assessment.readiness],
    }
    return canonical.dumps(value)


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in sorted(values.items())
    }


def _judgement(item: Judgement) -> dict[str, Any]:
    waiver = item.waiver
    return {
        "control": item.control,
        "version": item.version,
        "subject": {
            "kind": item.subject.kind.value,
            "id": item.subject.id,
            "name": item.subject.name,
        },
        "verdict": item.verdict.value,
        "code": item.code,
        "values": _values(item.values),
        "remarks": [{"code": r.code, "values": _values(r.values)} for r in item.remarks],
        "evidence": list(item.evidence),
        "waiver": None
        if waiver is None
        else {
            "reason": waiver.reason,
            "owner": waiver.owner,
            "approver": waiver.approver,
            "ticket": waiver.ticket,
            "until": waiver.until.isoformat(),
        },
    }


def _readiness(item: Readiness) -> dict[str, Any]:
    links = item.links
    return {
        "host": item.host,
        "library": item.library,
        "share": item.share,
        "name": item.name,
        "account": item.account,
        "links": {
            "delegation": links.delegation.value,
            "delegatable": links.delegatable.value,
            "account_share": links.account_share.value,
            "account_ntfs": links.account_ntfs.value,
            "host_share": links.host_share.value,
            "host_ntfs": links.host_ntfs.value,
        },
        "access": [
            {
                "descriptor": a.descriptor,
                "host_read": a.host_read.value,
                "account_read": a.account_read.value,
            }
            for a in item.access
        ],
        "ready": item.ready.value,
        "in_force": item.in_force.value,
        "broken": list(item.broken),
        "reason": item.reason,
    }


def loads(data: bytes, name: str) -> Assessment:
    """The assessment in an `assessment.json`; `name` is used in error sentences.

    Raises:
        PackError: not an assessment, or of a newer format.
    """
    try:
        value = json.loads(data)
        if value["format"] > FORMAT:
            raise PackError(f"{name} has format {value['format']}; use a newer vmmaudit.")
        return Assessment(
            tool=value["tool"],
            commit=value.get("commit", ""),
            catalogue=value["catalogue"],
            moment=datetime.fromisoformat(value["moment"]),
            evidence=value["evidence"],
            scope=value["scope"],
            verdicts=tuple(_load_judgement(item) for item in value["verdicts"]),
            shares=tuple(
                ShareContent(
                    item["library"],
                    item["share"],
                    tuple(SharedFile(f["path"], f["descriptor"]) for f in item["files"]),
                )
                for item in value["shares"]
            ),
            readiness=tuple(_load_readiness(item) for item in value["readiness"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PackError(f"{name} is not an assessment that can be read ({error}).") from error


def _load_values(values: Mapping[str, Any]) -> dict[str, Value]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}


def _load_judgement(item: Mapping[str, Any]) -> Judgement:
    subject, waiver = item["subject"], item.get("waiver")
    return Judgement(
        control=item["control"],
        version=item["version"],
        subject=Subject(SubjectKind(subject["kind"]), subject["id"], subject["name"]),
        verdict=Verdict(item["verdict"]),
        code=item.get("code", ""),
        values=_load_values(item.get("values", {})),
        remarks=tuple(
            Remark(r["code"], _load_values(r.get("values", {}))) for r in item.get("remarks", ())
        ),
        evidence=tuple(item.get("evidence", ())),
        waiver=waiver
        and GrantedWaiver(
            **{k: waiver.get(k, "") for k in ("reason", "owner", "approver", "ticket")},
            until=date.fromisoformat(waiver["until"]),
        ),
    )


def _load_readiness(item: Mapping[str, Any]) -> Readiness:
    names = ("host", "library", "share", "name", "account")
    return Readiness(
        **{name: item[name] for name in names},
        reason=item.get("reason", ""),
        links=Links(**{name: Ternary(state) for name, state in item["links"].items()}),
        access=tuple(
            Access(a["descriptor"], Ternary(a["host_read"]), Ternary(a["account_read"]))
            for a in item["access"]
        ),
        ready=Ternary(item["ready"]),
        in_force=Ternary(item["in_force"]),
        broken=tuple(item["broken"]),
    )
