"""A slapd of its own, filled with computer accounts as Active Directory has them."""

from __future__ import annotations

import base64
import contextlib
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks.measure import process

SUFFIX: Final = "DC=bench,DC=example"
ADDRESS: Final = "127.0.0.1"
PORT: Final = 3890
_SIZES: Final = "size.soft=unlimited size.hard=unlimited size.prtotal=unlimited"
_SCHEMA: Final = """
attributetype ( 1.3.6.1.4.1.4203.666.1.1 NAME 'msDS-AllowedToDelegateTo'
  EQUALITY caseIgnoreMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 1.3.6.1.4.1.4203.666.3.1 NAME 'delegating' AUXILIARY
  MAY ( msDS-AllowedToDelegateTo $ objectSid $ sAMAccountName $ servicePrincipalName $
    dNSHostName $ userAccountControl ) )
"""


@contextlib.contextmanager
def filled(sizes: Sequence[int]) -> Iterator[str]:
    """The URI of a running slapd with an `OU=<size>` of so many computers for each size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        (folder / "ad.schema").write_text(_SCHEMA, encoding="ascii")
        conf = folder / "slapd.conf"
        conf.write_text(_conf(folder), encoding="ascii")
        entries = folder / "entries.ldif"
        with entries.open("w", encoding="ascii") as file:
            file.write(f"dn: {SUFFIX}\nobjectClass: domain\ndc: bench\n\n")
            for size in sizes:
                file.write(f"dn: OU={size},{SUFFIX}\nobjectClass: organizationalUnit\n\n")
                file.writelines(_computer(number, size) for number in range(size))
        add = [_found("slapadd"), "-q", "-f", str(conf), "-l", str(entries)]
        process(add)
        uri = f"ldap://{ADDRESS}:{PORT}"
        server = subprocess.Popen(
            [_found("slapd"), "-f", str(conf), "-h", uri, "-d", "0"], stderr=subprocess.DEVNULL
        )
        try:
            _wait()
            yield uri
        finally:
            server.terminate()
            server.wait()


def _conf(folder: Path) -> str:
    schemas = ("core", "cosine", "nis", "inetorgperson", "msuser")
    included = "\n".join(f"include /etc/ldap/schema/{name}.schema" for name in schemas)
    return f"""{included}
include {folder}/ad.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
maxsize 1073741824
suffix "{SUFFIX}"
directory {folder}/data
limits * {_SIZES}
index objectClass eq
"""


def _computer(number: int, size: int) -> str:
    name = f"HYPER{number:05}"
    full = f"{name.lower()}.bench.example"
    sid = b"\1\5\0\0\0\0\0\5" + struct.pack("<5I", 21, 1, 2, 3, 1000 + number)
    lines = [
        f"dn: CN={name},OU={size},{SUFFIX}",
        "objectClass: computer",
        "objectClass: delegating",
        "instanceType: 4",
        "sn: -",
        "objectCategory: CN=Computer,CN=Schema,CN=Configuration," + SUFFIX,
        "nTSecurityDescriptor:: AQAEgA==",
        f"objectSid:: {base64.b64encode(sid).decode()}",
        f"sAMAccountName: {name}$",
        "userAccountControl: 16781312",
        f"dNSHostName: {full}",
        *(f"servicePrincipalName: HOST/{form}" for form in (name, full)),
        *(f"servicePrincipalName: WSMAN/{form}" for form in (name, full)),
        *(f"msDS-AllowedToDelegateTo: cifs/library{n:02}.bench.example" for n in range(4)),
    ]
    return "\n".join(lines) + "\n\n"


def _found(program: str) -> str:
    return shutil.which(program, path="/usr/sbin:/usr/bin") or program


def _wait() -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection((ADDRESS, PORT), 1):
            return
        time.sleep(0.05)
    raise TimeoutError("slapd does not start")
