"""Commands for a pack that leaves the house: pseudonyms, signatures, verification."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vmmaudit.cli.screen import Exit, prompt, say, tell


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
        say(f"left, since they name nobody by themselves: {', '.join(left)}")
    say(f"{kept} maps back; keep it apart from the copy")
    tell(str(written.folder))


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
    signed = asked.sign(pack, role, key, secret, prompt, tsa, trust or ())
    say(f"signed as {signed.stage.role.value} by {signed.name} ({signed.issuer})")
    for file in sorted(signed.stage.folder.iterdir()):
        tell(str(file))


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
        tell(json.dumps(found.data(), ensure_ascii=False, indent=1))
    else:
        for line in found.lines():
            tell(line)
    raise typer.Exit(Exit.VERIFICATION if found.failures else Exit.OK)
