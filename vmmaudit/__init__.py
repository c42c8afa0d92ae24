"""Audit the prerequisites of shared ISO images in System Center VMM.

To look around, in a notebook or in any Python (`help(explore)` and the help of what it returns
say more; without arguments it is the embedded, made-up site):

    from vmmaudit.explore import explore

    audit = explore(evidence="output/contoso_2026-10-01T060000Z")
    audit.matrix                     # which host is ready for which library share
    audit.explain("HYPER07")         # why not, down to the entry that decides
    audit.what_if()                  # what would be, were it mended
    audit.hosts.to_frame()           # any result as a pandas DataFrame

The steps of the command line: `vmmaudit.audit` (collect, judge, documents, `discovery`,
`examination`, `diagnosed`, `developed`), `vmmaudit.planned` (a change and its proof),
`vmmaudit.compare` (two assessments), `vmmaudit.seal.verify` (signatures).
"""

from __future__ import annotations

from importlib.metadata import version as _version

__version__ = _version("vmmaudit")
