"""The plan that was filed: made again from the evidence it was made from, and compared.

A plan follows from evidence alone. So the one that was requested and carried out need not be
believed: the pairs it is for are taken from `plan.json`, the plan is made again, and every step
must be the one that was filed.
"""

from __future__ import annotations

import json
from typing import Any

from vmmaudit.change.goal import Goal
from vmmaudit.change.plan import FORMAT, Plan, dumps, goals, plan
from vmmaudit.errors import UsageError
from vmmaudit.facts import Facts


def filed(facts: Facts, data: bytes, name: str) -> Plan:
    """The plan whose `plan.json` is `data`; `name` is what sentences call it.

    Raises:
        UsageError: it is no plan, or none that follows from these facts.
    """
    value = _value(data, name)
    if value["evidence"] != facts.evidence.digest():
        raise UsageError(
            f"{name} was made from other evidence than the pack before the change holds; name the "
            "pack that it was planned from."
        )
    wanted = [goal for host, share in value["wanted"] for goal in _goals(facts, host, share)]
    found = plan(facts, wanted)
    again: dict[str, Any] = json.loads(dumps(found))
    if again["steps"] != value["steps"]:
        raise UsageError(
            f"{name} holds other steps than follow from the pack before the change: it was edited, "
            "or another version of vmmaudit made it."
        )
    return found


def _goals(facts: Facts, host: str, share: str) -> list[Goal]:
    hosts = [found for found in facts.scope.hyper_v_hosts if found.name == host]
    libraries = [found for found in facts.scope.libraries if found.share == share]
    return goals(facts, hosts, libraries)


def _value(data: bytes, name: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
        pairs = [(str(host), str(share)) for host, share in value["wanted"]]
        if value["format"] == FORMAT and isinstance(value["steps"], list):
            return {"evidence": value["evidence"], "wanted": pairs, "steps": value["steps"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise UsageError(f"{name} is no plan of this version: vmmaudit plan writes plan.json.")
