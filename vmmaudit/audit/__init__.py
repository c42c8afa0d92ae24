"""The façade that the command line and the notebooks call.

audit = open_audit(scope="contoso.yaml")     # collects, read-only
audit = open_audit(evidence="output/…")      # or replays what a pack holds
audit.assessment                             # every verdict, and the matrix
audit.document("de")                         # shows itself in a notebook
audit.write("output")                        # the pack with all documents
audit.explain("HYPER07", "x.iso")            # one chain; audit.plan() what would mend all of them

diagnosed("trace.log", "output/…", "de")     # who was refused, and why
developed("output")                          # all packs of a folder over time
discovery("contoso.com")                     # what the directory knows of VMM
examination("contoso.yaml")                  # what works from here

Each of these shows itself in a notebook, and has `to_frame()`.
"""

from vmmaudit.audit.audit import Audit, fingerprint
from vmmaudit.audit.collecting import Prompt, collected, discovery, examination, examined
from vmmaudit.audit.copying import pseudonymised
from vmmaudit.audit.opening import DEMO, assessed, demo, newest, open_audit, replayed
from vmmaudit.audit.telling import developed, diagnosed

__all__ = [
    "DEMO",
    "Audit",
    "Prompt",
    "assessed",
    "collected",
    "demo",
    "developed",
    "diagnosed",
    "discovery",
    "examination",
    "examined",
    "fingerprint",
    "newest",
    "open_audit",
    "pseudonymised",
    "replayed",
]
