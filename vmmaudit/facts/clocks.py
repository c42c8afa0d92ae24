"""What clocks show, against the one of the machine that read: Kerberos bears a few minutes."""

from __future__ import annotations

from datetime import UTC, datetime

from vmmaudit import questions
from vmmaudit.errors import FormatError
from vmmaudit.evidence import Answer, Evidence
from vmmaudit.windows import srvsvc


def apart(evidence: Evidence, server: str, domain: str) -> float | None:
    """Seconds between the clocks of a server and of its domain controller; None if one is unread.

    Both were read with the time of their reading, so that the time in between does not count;
    two readers have two clocks, and then nothing can be said.
    """
    asked = evidence.reply(questions.clock(server)), evidence.reply(questions.root_dse(domain))
    if asked[0].by != asked[1].by:
        return None
    of_server, of_controller = _server(evidence, server), _controller(evidence, domain)
    if of_server is None or of_controller is None:
        return None
    return abs(of_server - of_controller)


def _server(evidence: Evidence, server: str) -> float | None:
    reply = evidence.reply(questions.clock(server))
    if not isinstance(reply, Answer) or not reply.rows:
        return None
    try:
        time = srvsvc.decode_time(reply.rows[0].first("reply") or b"")
    except FormatError:
        return None
    return time.elapsed - reply.at.timestamp()


def _controller(evidence: Evidence, domain: str) -> float | None:
    reply = evidence.reply(questions.root_dse(domain))
    if not isinstance(reply, Answer) or not reply.rows:
        return None
    text = (reply.rows[0].first("currentTime") or b"").decode("ascii", "replace")[:14]
    try:
        there = datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return (there - reply.at).total_seconds()
