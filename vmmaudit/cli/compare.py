"""Commands that compare packs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vmmaudit.cli.arguments import (
    Language,
)
from vmmaudit.cli.screen import Exit, say, tell, write_file
from vmmaudit.errors import UsageError

if TYPE_CHECKING:
    from vmmaudit.change.moved import Key, Moved


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
    was carried out the exit code is 0 if all of it moved and nothing else, 4 if something could
    not be compared, else 3.
    """
    from vmmaudit import audit as facade
    from vmmaudit.compare import compare

    found = compare(facade.assessed(before), facade.assessed(after))
    if as_json:
        tell(found.to_frame().to_json(orient="records", force_ascii=False, indent=1))
        return
    for moved in found.moved:
        was = moved.before.verdict.value if moved.before else "-"
        now = moved.after.verdict.value if moved.after else "-"
        judgement = moved.judgement
        note = "  (requirement changed)" if moved.requirement_changed else ""
        tell(
            f"{moved.change.value:20} {judgement.control}  {was} -> {now}  "
            f"{judgement.subject.name}{note}"
        )
    for was_ready, is_ready in found.ready:
        tell(
            f"{'readiness':20} {is_ready.host} -> {is_ready.share}: "
            f"{was_ready.ready.value} -> {is_ready.ready.value}"
        )
    say(f"{len(found.moved)} verdicts moved, {found.unchanged} did not")
    if before.is_dir() and after.is_dir():
        _prove(before, after, plan, language, output)
    elif plan or output:
        raise UsageError("What a change moved is seen in packs alone; name two packs' folders.")


def _prove(
    before: Path, after: Path, plan: Path | None, language: str, output: Path | None
) -> None:
    """Print the values that moved between two packs; with a plan, exit by whether it is so."""
    from vmmaudit import audit as facade
    from vmmaudit.change.moved import moved, unread
    from vmmaudit.planned import proved

    if not plan and not output:  # to make a plan, only to say nothing of it, would take long
        both = facade.replayed(before).evidence, facade.replayed(after).evidence
        _values(moved(*both), unread(*both))
        return
    proof = proved(before, after, plan or "")
    _values(proof.moves, proof.unread)
    for sentence in proof.not_made():
        tell(f"{'not to be seen':20} {sentence}")
    said, code = {
        "yes": ("all as planned, and nothing else", Exit.OK),
        "no": ("NOT as planned", Exit.FAILURES),
        "unknown": ("as planned, as far as it can be compared", Exit.NOT_ASSESSABLE),
    }[proof.outcome.value]
    say(said)
    if output:
        written = proof.write(output, language)
        assert written is not None  # noqa: S101 - an output was named
        tell(str(written.folder))
    raise typer.Exit(code)


def _values(moves: Sequence[Moved], unread: Sequence[Key]) -> None:
    notes = {True: "  (planned)", False: "  (NOT planned)", None: ""}
    for move in moves:
        gone, new = ("; ".join(values) or "-" for values in (move.gone, move.new))
        tell(f"{'value':20} {move.place}: {move.what}: {gone} -> {new}{notes[move.planned]}")
    for place, what in unread:
        tell(f"{'not comparable':20} {place}: {what}")
    more = f", {len(unread)} cannot be compared" if unread else ""
    say(f"{len(moves)} {'value' if len(moves) == 1 else 'values'} moved{more}")


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
        say(f"vmmaudit: {problem}")
    if as_json:
        every = [point for points in found.values() for point in points]
        tell(json.dumps(trends.data(every), ensure_ascii=False, indent=1))
        return
    texts = Texts.load(language)
    for scope, points in found.items():
        tell(scope)
        rows = trends.table(points, texts)
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
            tell("  " + "  ".join(cells))
    page = output or folder / f"trend.{language}.html"
    write_file(page, trends.render(found, texts))
    tell(str(page))
