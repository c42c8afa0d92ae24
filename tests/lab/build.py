"""Build the state of a lab from nothing: provision the domain, join the members."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tests.lab import machine, recipe
from tests.lab.agent import Agent, unicode_password
from tests.lab.certificates import write_certificates
from tests.lab.recipe import BASE_DN, CONTROLLER, MACHINES, MEMBERS, Machine

SECRETS: Final = recipe.STATE / "secrets.json"
_NEVER: Final = "0"


def new_password() -> str:
    """A random password that every policy accepts."""
    return f"Aa1-{secrets.token_urlsafe(18)}"


def write_secrets(passwords: Mapping[str, str]) -> None:
    """Keep the passwords where root alone may read them."""
    fresh = SECRETS.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(dict(passwords), indent=1), encoding="utf-8")
    fresh.rename(SECRETS)


def build(anchors: Mapping[str, int]) -> None:
    """Provision, join, and leave every daemon running."""
    passwords = {name: new_password() for name in ("Administrator", *recipe.USERS)}
    write_secrets(passwords)
    write_certificates(recipe.STATE / "tls")
    _provision(anchors[CONTROLLER.name], passwords["Administrator"])
    machine.start(CONTROLLER, anchors[CONTROLLER.name])
    machine.run(anchors[CONTROLLER.name], ["samba_spnupdate"])
    with Agent(anchors[CONTROLLER.name]) as agent:
        _accounts(agent, passwords)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda m: join(m, anchors[m.name]), MEMBERS))
    _names(anchors[CONTROLLER.name])


def _provision(pid: int, password: str) -> None:
    # The configuration comes from the recipe; provisioning insists on writing its own.
    conf = Path(CONTROLLER.home / "etc/smb.conf")
    conf.unlink()
    machine.run(
        pid,
        [
            *("samba-tool", "domain", "provision", "--server-role=dc", "--use-rfc2307"),
            *(f"--realm={recipe.REALM}", f"--domain={recipe.DOMAIN}"),
            *(f"--domain-sid={recipe.DOMAIN_SID}", f"--host-name={CONTROLLER.name}"),
            *(f"--host-ip={CONTROLLER.address}", f"--adminpass={password}"),
            *("--dns-backend=SAMBA_INTERNAL", "--function-level=2008_R2"),
            f"--option=interfaces={CONTROLLER.address}/24",
            "--option=bind interfaces only=yes",
        ],
    )
    conf.write_text(recipe.smb_conf(CONTROLLER), encoding="utf-8")


def _accounts(agent: Agent, passwords: Mapping[str, str]) -> None:
    # A snapshot may be old: no password of the lab expires.
    policy = {name: [_NEVER] for name in ("maxPwdAge", "minPwdAge", "pwdHistoryLength")}
    changes: list[dict[str, Any]] = [{"do": "modify", "dn": BASE_DN, "replace": policy}]
    for unit in (recipe.GROUPS_DN, recipe.ACCOUNTS_DN):
        unit_class = {"objectClass": ["organizationalUnit"]}
        changes.append({"do": "add", "dn": unit, "attributes": unit_class})
    changes += [
        {
            "do": "add",
            "dn": f"CN={name},{recipe.ACCOUNTS_DN}",
            "attributes": {
                "objectClass": ["user"],
                "sAMAccountName": [name],
                "userPrincipalName": [f"{name}@{recipe.DNS_DOMAIN}"],
                "unicodePwd": [unicode_password(passwords[name])],
                "userAccountControl": [str(recipe.USER_CONTROL)],
            },
        }
        for name in recipe.USERS
    ]
    admins = f"CN=Domain Admins,CN=Users,{BASE_DN}"
    member = f"CN={recipe.USERS[-1]},{recipe.ACCOUNTS_DN}"
    changes.append({"do": "modify", "dn": admins, "add": {"member": [member]}})
    agent.ask("directory", changes=changes)


def join(member: Machine, pid: int) -> None:
    """Let a new member join the domain, and start it."""
    login = member.home / "join"
    login.touch(mode=0o600)
    password = json.loads(SECRETS.read_text(encoding="utf-8"))["Administrator"]
    login.write_text(
        f"username = Administrator\npassword = {password}\ndomain = {recipe.DOMAIN}\n",
        encoding="utf-8",
    )
    try:
        machine.run(pid, ["net", "ads", "join", "-A", str(login), "--no-dns-updates"])
        machine.run(pid, ["net", "ads", "keytab", "create", "-P"])
    finally:
        login.unlink()
    machine.start(member, pid)


def _names(pid: int) -> None:
    zone = {"zone": recipe.DNS_DOMAIN, "server": CONTROLLER.fqdn}
    hosts = {m.name: m.address for m in MACHINES.values() if m is not CONTROLLER}
    password = json.loads(SECRETS.read_text(encoding="utf-8"))["Administrator"]
    with Agent(pid) as agent:
        agent.ask("names", hosts=hosts, password=password, **zone)
