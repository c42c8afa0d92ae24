"""Whether a pack, or a report alone, is what was signed, by whom, and whether it is released."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from vmmaudit import pack as packs
from vmmaudit.errors import UsageError
from vmmaudit.scope import Role
from vmmaudit.seal.attachments import attached
from vmmaudit.seal.person import same_person
from vmmaudit.seal.rejudge import NEEDED, Rejudged, rejudge
from vmmaudit.seal.signature import Signature
from vmmaudit.seal.signatures import SKEW, Roots, in_pdf, of_manifest
from vmmaudit.seal.stages import CMS, FOLDER, Stage, reports, stages
from vmmaudit.seal.trust import roots
from vmmaudit.seal.verification import Verification

_FOLLOWS: Final = "It follows from an audit: its files are compared with its list, nobody signs it."


def verify(source: Path, trust: Sequence[Path] = ()) -> Verification:
    """Check a pack's folder, or one PDF report.

    Raises:
        UsageError: there is no such file, or a trust file holds no certificate.
        PackError: the folder is no pack.
    """
    trusted = roots(trust)
    if source.is_dir():
        return _pack(source, trusted)
    try:
        data = source.read_bytes()
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror or error}.") from error
    return _report(source, data, trusted)


def _pack(folder: Path, trusted: Roots) -> Verification:
    pack, problems = packs.examine(folder)
    names, made = reports(pack.manifest), stages(folder)
    if not (pack.of_audit or names or made):
        return Verification(str(folder), problems, (_FOLLOWS, *_strangers(pack)), (), ())
    failures = list(problems)
    files = {name: data for name in NEEDED if (data := _bytes(folder / name)) is not None}
    if packs.EVIDENCE not in files or packs.SCOPE not in files:
        failures.append(f"{folder} lacks its evidence or its scope, so nothing can be judged.")
    again = rejudge(files, folder)
    failures += again.problems
    unsigned = {name: data for name in names if (data := _bytes(folder / name)) is not None}
    for name, data in unsigned.items():
        failures += _attachments(name, data, files)
    failures += _sequence(made)
    signatures: list[Signature] = []
    manifest = packs.read_own(folder / packs.MANIFEST)
    for stage in made:
        where = f"{FOLDER}/{stage.folder.name}/{CMS}"
        signature = _bytes(stage.folder / CMS)
        if signature is None:
            failures.append(f"{where} is missing or cannot be read.")
            continue
        found, damage = of_manifest(manifest, signature, stage.role, where, trusted)
        failures += damage
        if found is not None:
            signatures.append(found)
    in_reports: list[Signature] = []
    for name in names if made else ():
        found_in, broken = _continued(folder, name, unsigned.get(name, b""), made, trusted)
        in_reports += found_in
        failures += broken
    failures += _alike(signatures, in_reports)
    notes = [*again.notes, *_strangers(pack)]
    return _verdict(str(folder), failures, notes, again, signatures, in_reports)


def _report(path: Path, data: bytes, trusted: Roots) -> Verification:
    name = path.name
    inside = attached(data)
    if inside is None:
        return Verification(str(path), (f"{path} is damaged: it is no PDF.",), (), (), ())
    failures, notes = [], []
    if inside.digests:
        notes.append(f"{name} carries a list of its files only: verify its pack to judge again.")
    elif any(needed not in inside.files for needed in NEEDED):
        failures.append(f"{name} does not carry its evidence, so it is no report of vmmaudit.")
    again = rejudge(inside.files, path.parent)
    signatures, problems = in_pdf(data, name, trusted)
    failures += [*again.problems, *problems]
    if signatures and signatures[0].role is not Role.AUDITOR:
        failures.append("The first signature is not the auditor's.")
    return _verdict(str(path), failures, [*again.notes, *notes], again, signatures, ())


def _verdict(
    source: str,
    failures: Iterable[str],
    notes: Iterable[str],
    again: Rejudged,
    signatures: Sequence[Signature],
    others: Sequence[Signature],
) -> Verification:
    every = [*signatures, *others]
    wrong = [problem for signature in every for problem in signature.problems]
    wrong += _persons(signatures)
    if again.moment is not None:
        wrong += [
            f"{item.name} signed {item.file} before the evidence was read."
            for item in every
            if item.moment is not None and item.moment < again.moment - SKEW
        ]
    said = [*notes, *_namings(signatures, again), *_doubled(signatures)]
    if signatures and not all(item.stamped for item in signatures):
        said.append("Times of signing are by the signers' own clocks where no authority stamped.")
    if signatures:
        said.append("Nothing was fetched: a revocation is known only where the report carries it.")
    present = {item.role for item in signatures if not item.problems}
    return Verification(
        source,
        tuple(dict.fromkeys([*failures, *wrong])),
        tuple(said),
        tuple(signatures),
        tuple(role for role in again.demanded if role not in present),
    )


def _attachments(name: str, pdf: bytes, files: Mapping[str, bytes]) -> Iterator[str]:
    inside = attached(pdf)
    if inside is None:
        yield f"{name} is damaged: its attachments cannot be read."
        return
    digests = inside.digests or {
        key: hashlib.sha256(data).hexdigest() for key, data in inside.files.items()
    }
    for key in NEEDED:
        if key not in files:
            continue
        if key not in digests:
            yield f"{name} does not carry {key}."
        elif digests[key] != hashlib.sha256(files[key]).hexdigest():
            yield f"{key} as attached to {name} is not the {key} of the pack."


def _sequence(made: Sequence[Stage]) -> Iterator[str]:
    if made and made[0].role is not Role.AUDITOR:
        yield "The first signature is not the auditor's."
    if [stage.number for stage in made] != list(range(1, len(made) + 1)):
        yield f"A signature was removed: {FOLDER} is not numbered without a gap."
    for role in Role:
        if sum(stage.role is role for stage in made) > 1:
            yield f"There are two signatures of the {role.value}."


def _continued(
    folder: Path, name: str, unsigned: bytes, made: Sequence[Stage], trusted: Roots
) -> tuple[tuple[Signature, ...], list[str]]:
    """The signatures of the last stage's file, and whether each stage continues the former."""
    problems = []
    before, shown = unsigned, name
    for stage in made:
        where = f"{FOLDER}/{stage.folder.name}/{name}"
        data = _bytes(stage.folder / name)
        if data is None:
            problems.append(f"{where} is missing or cannot be read.")
            continue
        if not data.startswith(before):
            problems.append(f"{where} was changed: it does not continue {shown}.")
        before, shown = data, where
    found, broken = in_pdf(before, shown, trusted)
    if [item.role for item in found] != [stage.role for stage in made] and not broken:
        problems.append(f"{shown} does not carry the signatures that {FOLDER} shows.")
    return found, [*problems, *broken]


def _alike(manifest: Sequence[Signature], others: Sequence[Signature]) -> Iterator[str]:
    """Reports and manifest must be signed with the same certificate."""
    signers = {item.role: item for item in manifest}
    for item in others:
        signer = signers.get(item.role)
        if signer is not None and signer.certificate.dump() != item.certificate.dump():
            yield (
                f"{item.file} was signed as {item.role.value} by {item.name}, the manifest by "
                f"{signer.name} with another certificate."
            )


def _persons(signatures: Sequence[Signature]) -> Iterator[str]:
    auditor = next((item for item in signatures if item.role is Role.AUDITOR), None)
    for item in signatures:
        if auditor is None or item.role not in (Role.REVIEWER, Role.APPROVER):
            continue
        shared = same_person(auditor.certificate, item.certificate)
        if shared:
            yield (
                f"{item.name} signed as auditor and as {item.role.value}: both certificates have "
                f"{shared}."
            )


def _namings(signatures: Sequence[Signature], again: Rejudged) -> Iterator[str]:
    for item in signatures:
        named = (again.people or {}).get(item.role, "")
        if named and not set(named.casefold().split()) & set(item.name.casefold().split()):
            yield f"The scope names {named} as {item.role.value}; {item.name} signed."


def _doubled(signatures: Sequence[Signature]) -> Iterator[str]:
    """One person in two roles, where that is allowed but should be known."""
    for one, other in combinations(signatures, 2):
        allowed = one.role is not Role.AUDITOR or other.role is Role.AUDITEE
        if allowed and same_person(one.certificate, other.certificate):
            yield f"{other.name} signed as {one.role.value} and as {other.role.value}."


def _strangers(pack: packs.Pack) -> Iterator[str]:
    listed = {file["path"] for file in pack.manifest["files"]} | {packs.MANIFEST, FOLDER}
    for entry in sorted(pack.folder.iterdir()):
        if entry.name not in listed:
            yield f"{entry.name} lies in the pack's folder and is no part of it."


def _bytes(path: Path) -> bytes | None:
    try:
        return packs.read_own(path)
    except OSError:
        return None
