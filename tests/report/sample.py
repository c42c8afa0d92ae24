"""A made-up audit: seven hosts, two libraries, and enough wrong to fill every part of a report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from vmmaudit.assessment import (
    Access,
    Assessment,
    GrantedWaiver,
    Judgement,
    Links,
    Readiness,
    Remark,
    ShareContent,
    SharedFile,
    Subject,
    SubjectKind,
    Ternary,
    Verdict,
)
from vmmaudit.controls.texts import ControlTexts, Texts
from vmmaudit.evidence import Answer, Evidence, Gap, Origin, Question, Reason, Row
from vmmaudit.report.document import ControlInfo
from vmmaudit.scope import Scope

MOMENT = datetime(2026, 9, 30, 6, 15, tzinfo=UTC)
SID = "S-1-5-21-1004336348-1177238915-682003330-{}"
SHARES = (r"\\library01.contoso.com\MSSCVMMLibrary", r"\\library02.contoso.com\ISO")
ACCOUNT = r"CONTOSO\service.vmm"
YES, NO, UNKNOWN = Ternary.YES, Ternary.NO, Ternary.UNKNOWN

CATALOGUE = (
    ControlInfo("ENV-02", 1, "medium", "seed", ("Seed 2",)),
    ControlInfo("ACC-01", 1, "high", "seed", ("ORP.4",)),
    ControlInfo("ACC-06", 1, "critical", "vendor", ("APP.2.2.A9", "APP.2.2.A16")),
    ControlInfo("SVC-01", 1, "medium", "seed"),
    ControlInfo("LIB-01", 1, "medium", "seed", ("APP.3.3.A15",)),
    ControlInfo("PRM-04", 2, "high", "seed", ("APP.3.3.A15", "ISO 27001 A.8.3")),
    ControlInfo("PRM-07", 1, "low", "seed"),
    ControlInfo("DEL-01", 1, "critical", "seed", ("APP.2.2.A23",)),
    ControlInfo("DEL-03", 1, "critical", "security", ("APP.2.2.A23", "CIS 2.3.11")),
    ControlInfo("HST-01", 1, "medium", "seed"),
    ControlInfo("OPS-02", 1, "info", "seed"),
)

_DE = {
    "ENV-02": ControlTexts(
        "Domänenfunktionsebene mindestens Windows Server 2003",
        "Die Domäne arbeitet mindestens auf der Funktionsebene Windows Server 2003.",
        "Darunter gibt es keine eingeschränkte Delegierung.",
    ),
    "ACC-01": ControlTexts(
        "VMM-Dienst läuft unter einem Domänenkonto",
        "Der Dienst des Virtual Machine Manager läuft unter einem Konto der Domäne.",
        "Unter „Lokales System“ gibt es kein Konto, das delegiert werden könnte.",
    ),
    "ACC-06": ControlTexts(
        "Konto ist delegierbar",
        "Das Konto, das VMM auf dem Host verwendet, ist nicht von der Delegierung ausgenommen.",
        "Ist das Konto als „vertraulich“ gekennzeichnet, verweigert der Domänencontroller das "
        "Ticket, und kein Host kann ein freigegebenes ISO-Abbild einbinden.",
        finding={
            "NOT_DELEGATED": "Das Konto {{account}} ({{sid}}) ist von der Delegierung ausgenommen."
        },
        remedy={
            "default": "Ein nicht privilegiertes Konto für VMM verwenden. Das Kennzeichen darf bei "
            "einem privilegierten Konto **nicht** entfernt werden."
        },
    ),
    "SVC-01": ControlTexts(
        "VMM-Dienst gestartet, Starttyp automatisch",
        "Der Dienst `SCVMMService` läuft und startet selbsttätig.",
    ),
    "LIB-01": ControlTexts(
        "Bibliotheksfreigabe vorhanden",
        "Die SMB-Freigabe der Bibliothek besteht auf dem Bibliotheksserver.",
        remark={"COMMENT": "Der Kommentar der SMB-Freigabe {{share}} lautet „{{comment}}“."},
    ),
    "PRM-04": ControlTexts(
        "Host hat Leserecht im Dateisystem",
        "Das Computerkonto jedes Hosts hat wirksames Leserecht auf die ISO-Abbilder (NTFS).",
        "Ohne dieses Recht startet eine virtuelle Maschine mit eingelegtem Abbild nicht mehr.",
        finding={
            "MISSING": "Dem Computerkonto {{account}} ({{sid}}) fehlt auf {{share}} das Recht "
            "{{right}}; betroffen sind {{files}} ISO-Abbilder."
        },
        remedy={
            "default": "Das Computerkonto in die Gruppe aufnehmen, der das Leserecht erteilt ist:\n"
            "\n```powershell\nAdd-ADGroupMember -Identity 'DL-VMM-Library-Read' "
            "-Members '{{account}}'\n```\n\nDanach:\n\n- den Host neu starten,\n"
            "- die Kontrolle `PRM-04` wiederholen."
        },
    ),
    "PRM-07": ControlTexts(
        "Nur Leserechte für Hosts",
        "Computerkonten von Hosts haben auf der Bibliothek keine Schreibrechte.",
        "Ein übernommener Host könnte Abbilder verändern, die andere Hosts einbinden.",
        finding={
            "WRITE": "Das Computerkonto {{account}} darf auf {{share}} schreiben ({{rights}})."
        },
        remedy={"default": "Das Recht auf Lesen beschränken."},
    ),
    "DEL-01": ControlTexts(
        "Jeder Host darf an jeden Bibliotheksserver für CIFS delegieren",
        "In der Delegierungsliste des Hosts steht `cifs/` mit dem Namen, den VMM verwendet.",
        "Ohne diesen Eintrag kann der Host das Konto gegenüber dem Bibliotheksserver nicht "
        "vertreten; das Einbinden scheitert mit Fehler 12700.",
        finding={
            "MISSING": "In der Delegierungsliste von {{host}} ({{dn}}) fehlt {{spn}}. "
            "Eingetragen ist: {{listed}}."
        },
        remedy={
            "MISSING": "Den Eintrag ergänzen, ohne vorhandene zu entfernen:\n\n```powershell\n"
            "Set-ADComputer -Identity '{{host}}' "
            "-Add @{ 'msDS-AllowedToDelegateTo' = '{{spn}}' }\n```"
        },
    ),
    "DEL-03": ControlTexts(
        "Keine uneingeschränkte Delegierung",
        "Kein Host und kein Bibliotheksserver ist für uneingeschränkte Delegierung freigeschaltet.",
        "Wer den Server übernimmt, kann jedes dort angemeldete Konto gegenüber der ganzen "
        "Gesamtstruktur vertreten.",
        finding={
            "UNCONSTRAINED": "Für {{computer}} ({{sid}}) ist uneingeschränkte Delegierung gesetzt."
        },
        remedy={"default": "Das Kennzeichen entfernen und die Delegierung auf `cifs` beschränken."},
    ),
    "HST-01": ControlTexts(
        "Neustart nach der Änderung",
        "Der Host wurde nach der letzten Änderung an seiner Delegierung neu gestartet.",
        "Bis dahin arbeitet der Host mit alten Kerberos-Tickets.",
        finding={
            "PENDING": "{{host}} wurde seit der Änderung vom {{changed}} nicht neu gestartet."
        },
        remedy={"default": "Den Host in einem Wartungsfenster neu starten."},
    ),
    "OPS-02": ControlTexts(
        "Einschränkung des Assistenten dokumentiert",
        "Die Betriebsanleitung sagt, dass das Abbild erst nach dem Erstellen angehängt wird.",
        finding={"ASK": "Von einer verantwortlichen Person zu bestätigen."},
    ),
}
_EN = {
    name: replace(
        texts,
        title=title,
        requirement="The requirement of this control, stated in one sentence.",
        rationale="Why this matters to whoever relies on it.",
    )
    for (name, texts), title in zip(
        _DE.items(),
        (
            "Domain functional level at least Windows Server 2003",
            "VMM service runs as a domain account",
            "Account can be delegated",
            "VMM service running",
            "Library share exists",
            "Host can read in the file system",
            "Hosts have no more than Read",
            "Each host may delegate to every library server, service CIFS",
            "No unconstrained delegation",
            "Restart after the change",
            "New-VM wizard limitation documented",
        ),
        strict=True,
    )
}


def texts(language: str = "de") -> Texts:
    """The real words of a language with the controls of this sample."""
    return replace(Texts.load(language), controls=_DE if language == "de" else _EN)


def host(number: int) -> str:
    return f"hyper{number:02}.contoso.com"


def scope(hosts: int = 7, **audit: object) -> Scope:
    return Scope.model_validate(
        {
            "format": 1,
            "audit": {
                "title": "Freigegebene ISO-Abbilder in der VMM-Bibliothek – Prüfung Q3/2026",
                "client": "Contoso AG, Interne Revision",
                "mandate": "Regelprüfung gemäß Revisionsplan 2026, Auftrag IR-2026-031.",
                "period": {"from": "2026-07-01", "to": "2026-09-30"},
                "classification": "confidential",
                "distribution": ["Leitung IT-Betrieb", "Informationssicherheit"],
                "exclusions": ["Testumgebung LAB"],
                "retention_years": 10,
                **audit,
            },
            "people": [
                {"role": "auditor", "name": "Jörg Müller-Weiß", "organisation": "Interne Revision"},
                {"role": "reviewer", "name": "Änne Größlein"},
                {"role": "approver", "name": "Dr. Sébastien Łuczak"},
            ],
            "domains": [{"name": "contoso.com"}],
            "vmm": [{"server": "vmm01.contoso.com", "account": ACCOUNT}],
            "hosts": [{"name": host(n)} for n in range(1, hosts + 1)],
            "libraries": [{"share": share} for share in SHARES],
            "waivers": [
                {
                    "control": "PRM-07",
                    "subject": "*",
                    "reason": "Ablösung durch neue Gruppe bis Jahresende zugesagt.",
                    "owner": "T. Häßler",
                    "approver": "Leitung Informationssicherheit",
                    "ticket": "CHG0031234",
                    "until": "2026-12-31",
                },
                {"control": "DEL-03", "reason": "Altsystem.", "until": "2026-03-31"},
            ],
            "branding": {"sender": "Contoso AG · Interne Revision"},
        }
    )


def question(number: int) -> Question:
    return Question(
        "contoso.com",
        "ldap.search",
        (
            "DC=contoso,DC=com",
            "sub",
            f"(&(objectCategory=computer)(sAMAccountName=HYPER{number:02}$))",
            "msDS-AllowedToDelegateTo,objectSid,userAccountControl",
        ),
    )


def evidence(hosts: int = 7) -> Evidence:
    answers = {
        question(n): Answer(
            (Row(f"CN=HYPER{n:02},OU=Hosts,DC=contoso,DC=com", {"objectSid": (bytes(28),)}),),
            f"dc{n % 2 + 1:02}.contoso.com",
            MOMENT + timedelta(seconds=n % 60),
        )
        for n in range(1, hosts + 1)
    }
    for share in SHARES:
        _, _, server, name = share.split("\\")
        answers[Question(server, "smb.descriptor", (name, ""))] = Answer(
            (Row("", {"descriptor": (bytes(120),)}),), server, MOMENT
        )
    gaps = {
        Question(host(5), "cim.boot"): Gap(
            Reason.TIMEOUT, f"{host(5)} did not answer within 10 seconds.", MOMENT
        ),
        Question(SHARES[1].split("\\")[2], "samr.aliases", ("S-1-5-21-1-2-3",)): Gap(
            Reason.ACCESS_DENIED, "The server refused to list its local groups.", MOMENT
        ),
    }
    return Evidence(Origin(MOMENT, r"CONTOSO\audit.ro", "audit01", "vmmaudit 0.1.0"), answers, gaps)


def subject(number: int, share: str = "") -> Subject:
    name = f"HYPER{number:02}"
    if share:
        return Subject(
            SubjectKind.HOST_SHARE, f"{host(number)} -> {share.lower()}", f"{name} → {share}"
        )
    return Subject(SubjectKind.HOST, host(number), name)


def judgements(hosts: int = 7) -> list[Judgement]:
    audit = Subject(SubjectKind.DOMAIN, "contoso.com", "contoso.com")
    vmm = Subject(SubjectKind.ACCOUNT, ACCOUNT.lower(), ACCOUNT)
    found = [
        Judgement("ENV-02", 1, audit, Verdict.PASS),
        Judgement("ACC-01", 1, vmm, Verdict.PASS),
        Judgement(
            "ACC-06",
            1,
            Subject(SubjectKind.ACCOUNT, r"contoso\admin.hv", r"CONTOSO\admin.hv"),
            Verdict.FAIL,
            "NOT_DELEGATED",
            {"account": r"CONTOSO\admin.hv", "sid": SID.format(1106)},
            evidence=(question(1).id,),
        ),
        Judgement("ACC-06", 1, vmm, Verdict.PASS, evidence=(question(2).id,)),
        Judgement("SVC-01", 1, audit, Verdict.NOT_ASSESSABLE, "access-denied"),
        Judgement("OPS-02", 1, audit, Verdict.MANUAL, "ASK"),
    ]
    found += [
        Judgement(
            "LIB-01",
            1,
            Subject(SubjectKind.SHARE, share.lower(), share),
            Verdict.PASS,
            remarks=(Remark("COMMENT", {"share": share, "comment": "ISO-Ablage für alle"}),),
        )
        for share in SHARES
    ]
    for n in range(1, hosts + 1):
        spn = "cifs/library02.contoso.com"
        if n % 5 == 3:
            found.append(
                Judgement(
                    "DEL-01",
                    1,
                    subject(n, SHARES[1]),
                    Verdict.FAIL,
                    "MISSING",
                    {
                        "host": f"HYPER{n:02}",
                        "dn": f"CN=HYPER{n:02},OU=Hyper-V-Hosts,OU=Server,DC=contoso,DC=com",
                        "spn": spn,
                        "listed": ("cifs/library01.contoso.com", "cifs/LIBRARY01"),
                    },
                    evidence=(question(n).id,),
                )
            )
        else:
            found.append(
                Judgement("DEL-01", 1, subject(n), Verdict.PASS, evidence=(question(n).id,))
            )
        if n % 7 == 4:
            found.append(
                Judgement(
                    "PRM-04",
                    2,
                    subject(n, SHARES[0]),
                    Verdict.FAIL,
                    "MISSING",
                    {
                        "account": f"HYPER{n:02}$",
                        "sid": SID.format(2000 + n),
                        "share": SHARES[0],
                        "right": "Lesen",
                        "files": 1234,
                    },
                    evidence=(question(n).id, question(1).id),
                )
            )
        else:
            found.append(Judgement("PRM-04", 2, subject(n), Verdict.PASS))
        if n == 5:
            found.append(Judgement("HST-01", 1, subject(n), Verdict.NOT_ASSESSABLE, "timeout"))
        elif n % 7 == 6:
            found.append(
                Judgement(
                    "HST-01",
                    1,
                    subject(n),
                    Verdict.WARN,
                    "PENDING",
                    {"host": f"HYPER{n:02}", "changed": "29. September 2026"},
                )
            )
        else:
            found.append(Judgement("HST-01", 1, subject(n), Verdict.PASS))
    found.append(
        Judgement(
            "PRM-07",
            1,
            subject(2, SHARES[1]),
            Verdict.FAIL,
            "WRITE",
            {"account": "HYPER02$", "share": SHARES[1], "rights": ("Ändern", "Löschen")},
            waiver=GrantedWaiver(
                "Ablösung durch neue Gruppe bis Jahresende zugesagt.",
                "T. Häßler",
                "Leitung Informationssicherheit",
                "CHG0031234",
                date(2026, 12, 31),
            ),
        )
    )
    found.append(
        Judgement(
            "DEL-03",
            1,
            subject(7),
            Verdict.FAIL,
            "UNCONSTRAINED",
            {"computer": "HYPER07$", "sid": SID.format(2007)},
        )
    )
    return found


def readiness(number: int, share: str) -> Readiness:
    kcd = number % 5 != 3 or share == SHARES[0]
    ntfs = number % 7 != 4 or share == SHARES[1]
    unread = number == 5 and share == SHARES[1]
    links = Links(Ternary.of(kcd), YES, UNKNOWN if unread else YES, YES, YES, Ternary.of(ntfs))
    ready = links.conjunction()
    broken = () if ready is not NO else ("DEL-01",) if not kcd else ("PRM-04",)
    force = ready if ready is not YES else NO if number % 7 == 6 else YES
    library = share.split("\\")[2].split(".", maxsplit=1)[0].upper() + "$"
    access = (Access("d" * 64, Ternary.of(ntfs), YES),)
    name = share.split("\\")[2]
    return Readiness(
        host(number), library, share, name, ACCOUNT, links, access, ready, force, broken
    )


def assessment(hosts: int = 7) -> Assessment:
    return Assessment(
        tool="vmmaudit 0.1.0",
        catalogue="2026.3",
        moment=MOMENT,
        evidence=evidence(hosts).digest(),
        scope=scope(hosts).digest(),
        verdicts=tuple(judgements(hosts)),
        shares=(
            ShareContent("LIBRARY01$", SHARES[0], (SharedFile(r"ISOs\ws2025.iso", "d" * 64),)),
        ),
        readiness=tuple(readiness(n, share) for n in range(1, hosts + 1) for share in SHARES),
    )
