"""Samba's own access check as an oracle: run by the system's Python, fed over pipes.

Each line in is `{"sd": base64, "sids": [...], "mask": int}`, each line out `1` or `0`, or `-`
where Samba cannot read the descriptor.
"""

import base64
import json
import sys


def main() -> None:
    from samba import NTSTATUSError, ndr, security
    from samba.dcerpc import security as idl

    cache: dict[str, idl.dom_sid] = {}
    out = []
    for line in sys.stdin:
        case = json.loads(line)
        try:
            descriptor = ndr.ndr_unpack(idl.descriptor, base64.b64decode(case["sd"]))
        except (RuntimeError, ValueError):
            out.append("-")
            continue
        token = idl.token()
        sids = []
        for text in case["sids"]:
            if text not in cache:
                cache[text] = idl.dom_sid(text)
            sids.append(cache[text])
        token.num_sids = len(sids)
        token.sids = sids
        try:
            security.access_check(descriptor, token, case["mask"])
            out.append("1")
        except NTSTATUSError:
            out.append("0")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
