"""A record for a ticket system: named fields as JSON, and as one row of CSV with a head."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from vmmaudit.report.escape import csv_cell


def as_json(value: Mapping[str, str] | Sequence[Mapping[str, Any]]) -> bytes:
    """The record, or a list of them, for machines."""
    return json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace") + b"\n"


def as_csv(fields: Mapping[str, str]) -> bytes:
    """For the import of ServiceNow or Jira; nothing in it is a formula."""
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow(fields)
    writer.writerow(
        "\n".join(csv_cell(line) for line in value.split("\n")) for value in fields.values()
    )
    return target.getvalue().encode("utf-8-sig", "replace")
