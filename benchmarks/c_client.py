"""Samba's C client: a file's descriptor after the other, signed as ours are.

Runs under the system's Python, for which Samba's module is made. Reads a JSON line per order,
{"server", "share", "paths"}; prints the seconds that each took, without the logon.
"""

from __future__ import annotations

import json
import os
import sys
import time

from samba.credentials import MUST_USE_KERBEROS, SPECIFIED, Credentials
from samba.samba3 import libsmb_samba_internal as libsmb
from samba.samba3 import param

_OWNER_GROUP_DACL = 7


def main() -> None:
    """Answer until there is no more order."""
    lp = param.get_context()
    lp.load("/etc/samba/smb.conf")
    lp.set("client signing", "required")
    lp.set("name cache timeout", "0")  # the server is about to be found elsewhere
    credentials = Credentials()
    credentials.guess(lp)
    credentials.set_kerberos_state(MUST_USE_KERBEROS)
    credentials.set_named_ccache(os.environ["KRB5CCNAME"], SPECIFIED, lp)
    for line in sys.stdin:
        order = json.loads(line)
        connection = libsmb.Conn(order["server"], order["share"], lp=lp, creds=credentials)
        connection.get_acl(order["paths"][0], _OWNER_GROUP_DACL)
        began = time.perf_counter()
        for path in order["paths"]:
            connection.get_acl(path, _OWNER_GROUP_DACL)
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main()
