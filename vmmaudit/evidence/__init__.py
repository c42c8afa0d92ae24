"""What was read, as bytes, and what could not be read, with the reason.

Evidence maps each question to its answer or to a gap. It is canonical: the same
answers give the same bytes and one digest, in whatever order they arrived.
No secret can be in it, since only listed attributes are ever asked for.

File format 1 (gzip, one JSON value a line, keys sorted):

    header   {"format":1, "tool":…, "commit":…, "moment":…, "who":…, "machine":…}
    blob     {"blob":SHA-256, "data":base64}                          sorted by digest
    answer   {"ask":[server, kind, …detail], "at":…, "from":…, "rows":[[name, {key:[value…]}]…]}
    gap      {"ask":[…], "at":…, "reason":…, "text":…}                both sorted by question
    trailer  {"end":number of lines before it, "sha256":digest of those lines}

A value is text where it is printable UTF-8, else {"b64":…}; values of 64 bytes
and more stand once as a blob and are named by {"blob":SHA-256}. There is no "commit" where it is
not known of which commit the tool was.

What somebody else than the reader in the header asked, elsewhere, has "by":[who, machine]. An
answer that was not asked for again has "taken":digest of the evidence that it was taken from.
"""

from vmmaudit.evidence.lines import FORMAT, record
from vmmaudit.evidence.reading import load, read
from vmmaudit.evidence.replies import (
    IMPORTED,
    Answer,
    Gap,
    Origin,
    Question,
    Reader,
    Reason,
    Row,
)
from vmmaudit.evidence.whole import Evidence, dumps, write

__all__ = [
    "FORMAT",
    "IMPORTED",
    "Answer",
    "Evidence",
    "Gap",
    "Origin",
    "Question",
    "Reader",
    "Reason",
    "Row",
    "dumps",
    "load",
    "read",
    "record",
    "write",
]
