"""Words, progress and exit codes; everything else is in `vmmaudit.audit`.

Exit: 0 all well (warnings and waived failures included) · 1 usage or scope · 2 no domain
could be read · 3 a failure · 4 no failure, but something not assessable · 5 internal error ·
6 verification failed · 130 interrupted.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from dataclasses import replace
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from typer.exceptions import TyperException

from vmmaudit import __version__, interruption
from vmmaudit.errors import AuditError, UsageError
from vmmaudit.progress import harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vmmaudit.assessment import Assessment
    from vmmaudit.audit import Audit
    from vmmaudit.change.moved import Moved

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Audit, read-only, whether Hyper-V hosts can use ISO images shared from a VMM library.",
    epilog="Exit: 0 ok, 1 usage or scope, 2 no domain readable, 3 failures, 4 something could "
    "not be assessed, 5 internal error, 6 verification failed, 130 interrupted.",
)


_PAIRS: Final = 20
"""So many pairs that are not ready are named on the screen."""


class Exit(IntEnum):
    """What the process returns."""

    OK = 0
    USAGE = 1
    NO_DOMAIN = 2
    FAILURES = 3
    NOT_ASSESSABLE = 4
    INTERNAL = 5
    VERIFICATION = 6
    INTERRUPTED = 130


ScopeFile = Annotated[
    Path, typer.Argument(metavar="SCOPE", help="The scope file (YAML).", show_default=False)
]
PackFolder = Annotated[
    Path,
    typer.Argument(
        metavar="PACK", help="A pack's folder, or an evidence file.", show_default=False
    ),
]
Language = Annotated[
    str, typer.Option("--language", "-l", help="Languages of the documents, e.g. de,en.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Where packs are written.")]
Imports = Annotated[
    Path | None,
    typer.Option("--imports", help="A folder of exports, for what the servers refuse."),
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Ask no server; only read --imports.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with a run of this scope that was cut off.")
]
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="URL",
        help="Have workers of a Dask cluster read: tls://HOST:PORT, or dask://HOST:PORT in clear.",
    ),
]
Incremental = Annotated[
    Path | None,
    typer.Option(
        "--incremental",
        metavar="PACK",
        help="Take the permissions of files that have not changed from this earlier pack.",
    ),
]
ScopeOption = Annotated[
    Path | None, typer.Option("--scope", help="Another scope than the pack's own.")
]


@app.command()
def init(
    domain: Annotated[
        str, typer.Argument(metavar="DOMAIN", help="DNS name of the domain.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write (default: print it).")
    ] = None,
    controller: Annotated[
        list[str] | None, typer.Option("--controller", help="A domain controller to ask.")
    ] = None,
    transport: Annotated[str, typer.Option(help="sealed, ldaps or starttls.")] = "sealed",
    ca: Annotated[Path | None, typer.Option(help="The CA's certificate, for TLS.")] = None,
    user: Annotated[str | None, typer.Option(help="Another user than yourself.")] = None,
    secret: Annotated[
        str, typer.Option(help="A reference: sso, ccache, prompt, env:NAME, keyring:service/user.")
    ] = "sso",  # noqa: S107 - names the logon of this session
) -> None:
    """Write a commented scope out of the directory.

    It finds VMM servers, hosts and libraries; read the scope before you use it.
    """
    from vmmaudit import audit as facade
    from vmmaudit import scope as scope_format

    asked = scope_format.parse_domain(
        {
            "name": domain,
            "controllers": controller or [],
            "transport": transport,
            "ca": ca,
            "auth": {"user": user, "secret": secret},
        }
    )
    text = facade.discovery(asked, _prompt).scope_text()
    if output is None:
        _print(text.rstrip())
        return
    if output.exists():
        raise UsageError(f"{output} exists already and is not overwritten; name another file.")
    _write(output, text.encode())
    _print(str(output))


@app.command()
def audit(
    scope: Annotated[
        Path | None,
        typer.Argument(metavar="SCOPE", help="The scope file (YAML).", show_default=False),
    ] = None,
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Use the embedded, made-up site.")] = False,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="Replay this pack instead of collecting.")
    ] = None,
    language: Language = "",
    output: Output = Path("output"),
    previous: Annotated[
        Path | None, typer.Option("--previous", help="The last audit's pack, to compare with.")
    ] = None,
    imports: Imports = None,
    offline: OfflineOption = False,
    resume: Resume = False,
    executor: ExecutorOption = None,
    incremental: Incremental = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", help="NAME=VALUE for the notebook.", metavar="NAME=VALUE"
        ),
    ] = None,
) -> None:
    """Collect, judge, and write the documents: the whole job."""
    from vmmaudit import audit as facade
    from vmmaudit.runner import check_parameters

    extra = dict(_parameter(text) for text in parameter or [])
    check_parameters("audit", extra)
    if sum((demo, evidence is not None, scope is not None and evidence is None)) != 1:
        raise UsageError("Name a scope file, or --evidence PACK, or --demo.")
    if demo:
        found, interrupted = facade.demo(), False
    elif evidence is not None:
        found, interrupted = facade.replayed(evidence, scope), False
    else:
        assert scope is not None  # noqa: S101 - one of the three was given
        found, interrupted = _collect(
            scope,
            output,
            imports,
            offline=offline,
            resume=resume,
            executor=executor,
            incremental=incremental,
        )
    if previous is not None:
        found = replace(found, previous=facade.assessed(previous))
    _finish(found, language, output, extra, interrupted=interrupted)


@app.command()
def collect(
    scope: ScopeFile,
    *,
    imports: Imports = None,
    offline: OfflineOption = False,
    resume: Resume = False,
    executor: ExecutorOption = None,
    incremental: Incremental = None,
    output: Output = Path("output"),
) -> None:
    """Read domain and servers into a pack; judge nothing."""
    found, interrupted = _collect(
        scope,
        output,
        imports,
        offline=offline,
        resume=resume,
        executor=executor,
        incremental=incremental,
    )
    written = found.save(output)
    if not interrupted:
        _settle(found)
    _say(f"{len(found.evidence.answers)} answers, {len(found.evidence.gaps)} gaps")
    _print(str(written.folder))
    if interrupted:
        raise typer.Exit(Exit.INTERRUPTED)
    raise typer.Exit(Exit.OK if found.any_domain else _verdict(found))


@app.command("judge")
def judge_(
    pack: PackFolder,
    scope: ScopeOption = None,
    output: Output = Path("output"),
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print assessment.json.")] = False,
) -> None:
    """Judge a pack again, offline, into a new pack.

    The new pack has no documents.
    """
    from vmmaudit import assessment as assessments
    from vmmaudit import audit as facade

    found = facade.replayed(pack, scope)
    if as_json:
        sys.stdout.buffer.write(assessments.dumps(found.assessment))
    else:
        written = found.save(output, judged=True)
        _summary(found.assessment)
        _print(str(written.folder))
    raise typer.Exit(_verdict(found))


@app.command()
def report(
    pack: PackFolder,
    scope: ScopeOption = None,
    language: Language = "",
    output: Output = Path("output"),
) -> None:
    """Render a pack's documents again, in any language.

    Nothing is read but the pack.
    """
    from vmmaudit import audit as facade

    _finish(facade.replayed(pack, scope), language, output, {})


@app.command()
def explain(
    host: Annotated[str, typer.Argument(metavar="HOST", help="E.g. HYPER07.", show_default=False)],
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="UNC path or name of the ISO file.", show_default=False
        ),
    ],
    *,
    evidence: Annotated[
        Path | None,
        typer.Option("--evidence", help="A pack (default: the newest one in output)."),
    ] = None,
    scope: Annotated[
        Path | None, typer.Option("--scope", help="Collect for this scope now.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Use the embedded, made-up site.")] = False,
    language: Annotated[str, typer.Option("--language", "-l", help="de or en.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say why a host can or cannot open an ISO image.

    It names every link of the chain for both identities, and what would mend it.
    """
    from vmmaudit import audit as facade

    if demo:
        found = facade.demo()
    elif scope is not None and evidence is None:
        found, _ = _collect(scope, None)
    else:
        source = evidence or facade.newest(Path("output"))
        _say(f"from {source}")
        found = facade.replayed(source, scope)
    (chosen,) = found.languages(language)[:1]
    explanation = found.explain(host, file)
    if as_json:
        _print(explanation.to_frame().to_json(orient="records", force_ascii=False, indent=1))
    else:
        for line in explanation.in_words(chosen).splitlines():
            _print(line)
    raise typer.Exit(
        {"yes": Exit.OK, "no": Exit.FAILURES}.get(explanation.ready.value, Exit.NOT_ASSESSABLE)
    )


@app.command()
def diagnose(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="VMM traces, job or event exports, error texts; - is standard input.",
            show_default=False,
        ),
    ],
    *,
    evidence: Annotated[
        Path | None, typer.Option("--evidence", help="A pack to look the failures up in.")
    ] = None,
    language: Annotated[str, typer.Option("--language", "-l", help="de or en.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what failed in VMM's traces, jobs and events.

    It names code and result with their meaning, whose access was refused, and what to look at;
    with a pack, the broken link and its remedy.
    """
    from vmmaudit import audit as facade

    found = facade.diagnosed(files, evidence or "", language)
    if as_json:
        _print(json.dumps(found.data(), indent=1))
    elif sys.stdout.isatty():
        from vmmaudit.diagnosis.shown import on_terminal

        on_terminal(found, sys.stdout)
    else:
        _print(str(found))


@app.command()
def plan(
    pack: PackFolder,
    *,
    host: Annotated[
        list[str] | None,
        typer.Option("--host", metavar="HOST", help="Only this host; may be given again."),
    ] = None,
    library: Annotated[
        list[str] | None,
        typer.Option("--library", metavar="UNC", help="Only this share; may be given again."),
    ] = None,
    scope: ScopeOption = None,
    language: Language = "",
    output: Output = Path("output"),
) -> None:
    """Write what would make hosts ready, and the way back.

    A folder with change.ps1, rollback.ps1 and the change request. Nothing is changed by it.
    """
    from vmmaudit import audit as facade

    found = facade.replayed(pack, scope).plan(host or (), library or ())
    for row in found.to_frame().itertuples():
        _say(f"{row.step:3}. {row.what}  [{row.who}]")
    for obstacle in found.plan.obstacles:
        _say(f"  no simple change mends {obstacle.goal.host.name}: {obstacle.link}")
    for proposal in found.plan.proposals:
        _say(f"  accounts stand in {proposal.share} one by one; the request proposes groups")
    written = found.write(output, language)
    assert written is not None  # noqa: S101 - an output was named
    _print(str(written.folder))


@app.command()
def explore(
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="PACK|SCOPE",
            help="A pack's folder, an evidence file, or a scope file to collect for.",
            show_default=False,
        ),
    ] = None,
    *,
    scope: ScopeOption = None,
    language: Annotated[str, typer.Option("--language", "-l", help="de or en.")] = "",
    browser: Annotated[bool, typer.Option(help="Open a browser.")] = True,
    port: Annotated[int | None, typer.Option(help="Where JupyterLab listens.")] = None,
) -> None:
    """Look around in a pack by hand, in JupyterLab.

    Without a pack it is the made-up site.
    """
    from vmmaudit.explore import lab

    written = lab.own_copy(Path(), lab.parameters(source, scope, language))
    _say(f"{written} is yours; what you change in it stays.")
    raise typer.Exit(lab.start(written, browser=browser, port=port))


@app.command()
def notebooks(
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="The folder to copy to.", show_default=False)
    ],
) -> None:
    """Copy the notebooks into a folder of your own.

    Nothing there is overwritten.
    """
    from vmmaudit.explore import lab

    for path, copied in lab.copy_notebooks(destination):
        if copied:
            _print(str(path))
        else:
            _say(f"{path} is there already and was left as it is.")


@app.command()
def collector(
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="The folder to write to.", show_default=False)
    ],
    scope: Annotated[
        Path | None, typer.Option("--scope", help="Write what this scope needs to be read, too.")
    ] = None,
) -> None:
    """Write the script for sites that give you no rights.

    Their administrators run it (PowerShell, read-only) and hand over what it wrote.
    """
    from vmmaudit import collector as scripts
    from vmmaudit import scope as scopes

    wanted = scopes.load(scope) if scope is not None else None
    for path in scripts.write(destination, wanted):
        _print(str(path))


@app.command()
def diff(
    before: Annotated[
        Path, typer.Argument(metavar="BEFORE", help="The earlier pack.", show_default=False)
    ],
    after: Annotated[
        Path, typer.Argument(metavar="AFTER", help="The later pack.", show_default=False)
    ],
    *,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", help="The folder of the plan that was carried out between them."),
    ] = None,
    language: Language = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the proof of the change into this folder."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the verdicts that moved as JSON.")
    ] = False,
) -> None:
    """Print what changed between two packs, and if planned.

    Verdicts, pairs of host and share, and every value that was read in both. With the plan that
    was carried out the exit code is 0 if all of it moved and nothing else, else 3.
    """
    from vmmaudit import audit as facade
    from vmmaudit.compare import compare

    found = compare(facade.assessed(before), facade.assessed(after))
    if as_json:
        _print(found.to_frame().to_json(orient="records", force_ascii=False, indent=1))
        return
    for moved in found.moved:
        was = moved.before.verdict.value if moved.before else "-"
        now = moved.after.verdict.value if moved.after else "-"
        judgement = moved.judgement
        note = "  (requirement changed)" if moved.requirement_changed else ""
        _print(
            f"{moved.change.value:20} {judgement.control}  {was} -> {now}  "
            f"{judgement.subject.name}{note}"
        )
    for was_ready, is_ready in found.ready:
        _print(
            f"{'readiness':20} {is_ready.host} -> {is_ready.share}: "
            f"{was_ready.ready.value} -> {is_ready.ready.value}"
        )
    _say(f"{len(found.moved)} verdicts moved, {found.unchanged} did not")
    if before.is_dir() and after.is_dir():
        _prove(before, after, plan, language, output)
    elif plan or output:
        raise UsageError("What a change moved is seen in packs alone; name two packs' folders.")


def _prove(
    before: Path, after: Path, plan: Path | None, language: str, output: Path | None
) -> None:
    """Print the values that moved between two packs; with a plan, exit by whether it is so."""
    from vmmaudit import audit as facade
    from vmmaudit.change.moved import moved
    from vmmaudit.planned import proved

    if not plan and not output:  # to make a plan, only to say nothing of it, would take long
        moves = moved(facade.replayed(before).evidence, facade.replayed(after).evidence)
        _values(moves)
        return
    proof = proved(before, after, plan or "")
    _values(proof.moves)
    for sentence in proof.not_made():
        _print(f"{'not made':20} {sentence}")
    _say("all as planned, and nothing else" if proof.as_planned else "NOT as planned")
    if output:
        written = proof.write(output, language)
        assert written is not None  # noqa: S101 - an output was named
        _print(str(written.folder))
    raise typer.Exit(Exit.OK if proof.as_planned else Exit.FAILURES)


def _values(moves: Sequence[Moved]) -> None:
    notes = {True: "  (planned)", False: "  (NOT planned)", None: ""}
    for move in moves:
        gone, new = ("; ".join(values) or "-" for values in (move.gone, move.new))
        _print(f"{'value':20} {move.place}: {move.what}: {gone} -> {new}{notes[move.planned]}")
    _say(f"{len(moves)} values moved")


@app.command()
def trend(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A folder of packs.", show_default=False)
    ],
    *,
    language: Annotated[str, typer.Option("--language", "-l", help="de or en.")] = "en",
    name: Annotated[str, typer.Option("--name", help="Only packs of this scope name.")] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The page (default: in FOLDER)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and write no page.")] = False,
) -> None:
    """Show how verdicts developed over a folder of packs.

    As a page, and as a table here.
    """
    from vmmaudit import audit as facade
    from vmmaudit import trend as trends
    from vmmaudit.controls.texts import Texts, languages

    if language not in languages():
        raise UsageError(
            f"There are no texts in '{language}'; choose from {', '.join(languages())}."
        )
    developed = facade.developed(folder, name, language)
    found = developed.series
    for problem in developed.problems:
        _say(f"vmmaudit: {problem}")
    if as_json:
        every = [point for points in found.values() for point in points]
        _print(json.dumps(trends.data(every), ensure_ascii=False, indent=1))
        return
    texts = Texts.load(language)
    for scope, points in found.items():
        _print(scope)
        rows = trends.table(points, texts)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            _print("  " + "  ".join(cells))
    page = output or folder / f"trend.{language}.html"
    _write(page, trends.render(found, texts))
    _print(str(page))


@app.command()
def pseudonymise(
    pack: Annotated[
        Path, typer.Argument(metavar="PACK", help="The pack's folder.", show_default=False)
    ],
    dest: Annotated[
        Path,
        typer.Argument(
            metavar="DEST", help="The folder to write the copy into.", show_default=False
        ),
    ],
    key: Annotated[
        Path | None,
        typer.Option(help="The key; made where there is none (default: DEST.key.json)."),
    ] = None,
) -> None:
    """Copy a pack under other names, and keep the key.

    People, machines, accounts and addresses get other names; the verdicts stay.
    """
    from vmmaudit import audit as facade

    kept = key or dest.with_name(f"{dest.name or 'pack'}.key.json")
    written, left = facade.pseudonymised(pack, dest, kept)
    if left:
        _say(f"left, since they name nobody by themselves: {', '.join(left)}")
    _say(f"{kept} maps back; keep it apart from the copy")
    _print(str(written.folder))


@app.command()
def sign(
    pack: Annotated[
        Path, typer.Argument(metavar="PACK", help="The pack's folder.", show_default=False)
    ],
    *,
    role: Annotated[
        str, typer.Option(help="auditor, reviewer, approver or auditee.", show_default=False)
    ],
    p12: Annotated[
        Path | None, typer.Option("--p12", help="Key and certificate as PKCS#12 (.p12, .pfx).")
    ] = None,
    pkcs11_module: Annotated[
        Path | None, typer.Option("--pkcs11-module", help="The library of a token or smart card.")
    ] = None,
    token: Annotated[str, typer.Option(help="The token's label, where there are several.")] = "",
    key_label: Annotated[str, typer.Option("--key-label", help="The key on the token.")] = "",
    secret: Annotated[
        str, typer.Option(help="Passphrase or PIN: prompt, env:NAME or keyring:service/user.")
    ] = "prompt",  # noqa: S107 - asks for it
    tsa: Annotated[
        str, typer.Option("--tsa", help="URL of a time-stamping authority (RFC 3161).")
    ] = "",
    trust: Annotated[
        list[Path] | None,
        typer.Option("--trust", help="With --tsa: fetch and embed proof of no revocation."),
    ] = None,
) -> None:
    """Sign a pack's reports and manifest.

    The auditor first, then another person.
    """
    from vmmaudit.seal import asked

    key = asked.key(p12, pkcs11_module, token, key_label)
    signed = asked.sign(pack, role, key, secret, _prompt, tsa, trust or ())
    _say(f"signed as {signed.stage.role.value} by {signed.name} ({signed.issuer})")
    for file in sorted(signed.stage.folder.iterdir()):
        _print(str(file))


@app.command()
def verify(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="PACK|PDF", help="A pack's folder, or one PDF report.", show_default=False
        ),
    ],
    *,
    trust: Annotated[
        list[Path] | None, typer.Option("--trust", help="Certificate of an authority to believe.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a pack's digests, signatures and verdicts.

    The evidence is judged again. It says whether the report is released.
    """
    from vmmaudit.seal.verify import verify as examine

    found = examine(source, trust or ())
    if as_json:
        _print(json.dumps(found.data(), ensure_ascii=False, indent=1))
    else:
        for line in found.lines():
            _print(line)
    raise typer.Exit(Exit.VERIFICATION if found.failures else Exit.OK)


@app.command()
def controls(
    language: Annotated[str, typer.Option("--language", "-l", help="de or en.")] = "en",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the whole catalogue as a document.")
    ] = False,
) -> None:
    """Print the catalogue of controls.

    Each with its id, version, severity, origin and title.
    """
    from vmmaudit.controls import CATALOGUE
    from vmmaudit.controls.texts import Texts, languages

    if language not in languages():
        raise UsageError(
            f"There are no texts in '{language}'; choose from {', '.join(languages())}."
        )
    texts = Texts.load(language)
    rows = [
        {
            "id": control.id,
            "version": control.version,
            "severity": control.severity.value,
            "origin": control.origin.value,
            "title": texts.control(control.id).title,
        }
        for control in CATALOGUE
    ]
    if as_markdown:
        from vmmaudit.controls.handbook import markdown

        _print(markdown(CATALOGUE, texts).rstrip())
        return
    if as_json:
        _print(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        head = f"{row['id']:8} v{row['version']}  {row['severity']:9} {row['origin']:9}"
        _print(f"{head} {row['title']}")


@app.command()
def doctor(
    scope: ScopeFile,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Try what an audit needs from here, and say what helps."""
    from dataclasses import asdict

    from vmmaudit import audit as facade

    checks = []
    for check in facade.examined(scope, _prompt):
        checks.append(check)
        if not as_json:
            sign = {True: "ok", False: "NO", None: "-"}[check.works]
            _print(f"{sign:3} {check.target}: {check.what}: {check.sentence}")
    if as_json:
        _print(json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=1))
    readable = any(check.what == "directory" and check.works for check in checks)
    if not readable:
        raise typer.Exit(Exit.NO_DOMAIN)
    if any(check.works is False for check in checks):
        raise typer.Exit(Exit.NOT_ASSESSABLE)


@app.command()
def schema(
    name: Annotated[str, typer.Argument(help="scope or assessment")] = "scope",
) -> None:
    """Print the JSON Schema of a published format."""
    from vmmaudit import schemas

    _print(json.dumps(schemas.by_name(name), ensure_ascii=False, indent=1))


@app.command()
def version() -> None:
    """Print the version, and the commit of the source."""
    from vmmaudit.commit import commit

    _print(f"vmmaudit {__version__} (commit {commit() or 'not known'})")


def _version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_version,
            is_eager=True,
            help="Print version and commit, and exit.",
        ),
    ] = False,
) -> None:
    """What goes before a command."""
    del version


def main() -> None:
    """The entry point of the process."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.ERROR)
    gc.set_threshold(50_000, 20, 100)  # a large site is millions of values, and none is a cycle
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(encoding="utf-8", errors="backslashreplace")
    interruption.listen()
    code = run()
    interruption.ending()
    sys.exit(code)


def run() -> int:
    """Do what `sys.argv` asks for: every error becomes one sentence and one exit code."""
    try:
        code = app(standalone_mode=False)
        if code == Exit.INTERRUPTED and not isinstance(code, Exit):  # typer's word, not ours
            _say("vmmaudit: interrupted; nothing was written.")
    except AuditError as error:
        _say(f"vmmaudit: {error}")
        code = error.exit_code
    except TyperException as error:
        _say(f"vmmaudit: {error.format_message().rstrip('.')}. See {_asked(error)} --help.")
        code = Exit.USAGE
    except (KeyboardInterrupt, typer.Abort):
        _say("vmmaudit: interrupted; nothing was written.")
        code = Exit.INTERRUPTED
    except BrokenPipeError:
        code = Exit.OK
    except Exception as error:
        code = _unexpected(error)
    return int(code or 0)


def _asked(error: TyperException) -> str:
    """The command that was typed, as far as it is known."""
    context = getattr(error, "ctx", None)
    return f"vmmaudit {context.info_name}" if context and context.parent else "vmmaudit"


def _unexpected(error: Exception) -> int:
    """Nobody foresaw this; say so without a traceback, unless one is asked for."""
    _say(
        f"vmmaudit: internal error: {type(error).__name__}: {error}. Please report it together "
        "with what you typed; VMMAUDIT_DEBUG=1 shows where it happened."
    )
    if os.environ.get("VMMAUDIT_DEBUG"):
        raise error
    return Exit.INTERNAL


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"'{text}' is not a parameter; write NAME=VALUE.")
    return name, value


def _collect(
    scope: Path,
    output: Path | None,
    imports: Path | None = None,
    *,
    offline: bool = False,
    resume: bool = False,
    executor: str | None = None,
    incremental: Path | None = None,
) -> tuple[Audit, bool]:
    """The audit, and whether somebody interrupted it; what was read by then is kept."""
    from vmmaudit import audit as facade
    from vmmaudit.collect.gather import Interruption
    from vmmaudit.progress import display

    if executor and executor.startswith("dask:"):
        _say(
            "vmmaudit: the way to the workers is neither encrypted nor authenticated; "
            "use it in a closed network alone, else tls://."
        )
    interruption = Interruption()
    with display(sys.stderr) as report:
        found = facade.collected(
            scope,
            report,
            interruption,
            _prompt,
            imports,
            offline=offline,
            journal=output,
            resume=resume,
            executor=executor,
            incremental=incremental,
        )
    return found, interruption.requested


def _prompt(question: str) -> str:
    import getpass

    return getpass.getpass(question)


def _finish(
    found: Audit, language: str, output: Path, extra: dict[str, str], *, interrupted: bool = False
) -> None:
    """Judge, execute the notebook, render, write the pack, and say what came out."""
    if interrupted:
        _say("vmmaudit: interrupted; what was read by then is kept, the rest are gaps.")
        _print(str(found.save(output).folder))
        raise typer.Exit(Exit.INTERRUPTED)
    languages = found.languages(language)
    written = found.write(output, languages, notebook=True, parameters=extra)
    assert written is not None  # noqa: S101 - an output was named
    _settle(found)
    _summary(found.assessment)
    for file in sorted(written.folder.iterdir()):
        if file.suffix in (".pdf", ".html"):
            _print(str(file))
    raise typer.Exit(_verdict(found))


def _settle(found: Audit) -> None:
    """The pack is written: what would have continued the run is not needed any more."""
    if found.journal:
        found.journal.unlink(missing_ok=True)


def _verdict(found: Audit) -> Exit:
    from vmmaudit.assessment import Verdict

    if not found.any_domain:
        for sentence in found.domain_problems():
            _say(f"vmmaudit: no domain could be read: {sentence}")
        return Exit.NO_DOMAIN
    open_verdicts = {j.verdict for j in found.assessment.verdicts if j.waiver is None}
    if Verdict.FAIL in open_verdicts:
        return Exit.FAILURES
    return Exit.NOT_ASSESSABLE if Verdict.NOT_ASSESSABLE in open_verdicts else Exit.OK


def _summary(assessment: Assessment) -> None:
    from vmmaudit.assessment import Ternary, Verdict

    counts = assessment.counts()
    _say("  ".join(f"{verdict.value} {counts[verdict]}" for verdict in Verdict))
    ready = [entry.ready for entry in assessment.readiness]
    _say(
        f"{ready.count(Ternary.YES)} of {len(ready)} pairs of host and share are ready, "
        f"{ready.count(Ternary.NO)} are not, {ready.count(Ternary.UNKNOWN)} could not be assessed"
    )
    broken = [entry for entry in assessment.readiness if entry.broken]
    for entry in broken[:_PAIRS]:
        _say(f"  {entry.host} -> {entry.share}: {', '.join(entry.broken)}")
    if len(broken) > _PAIRS:
        _say(f"  and {len(broken) - _PAIRS} more, which the report's matrix shows")


def _write(path: Path, data: bytes) -> None:
    from vmmaudit import pack

    try:
        pack.write_file(path, data)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error


def _print(text: str) -> None:
    """Results go to standard output."""
    sys.stdout.write(harmless(text) + "\n")


def _say(text: str) -> None:
    """Everything else goes to standard error."""
    sys.stderr.write(harmless(text) + "\n")
