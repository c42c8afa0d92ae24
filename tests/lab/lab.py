"""The lab as a test sees it, from the auditor's workstation."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from tests.lab import build, machine, recipe
from tests.lab.agent import Agent, binary
from tests.lab.namespaces import LabError
from tests.lab.recipe import CONTROLLER, MACHINES, STATE, Machine

#: KDC_ERR_NAME_EXP, KDC_ERR_CLIENT_REVOKED, KDC_ERR_KEY_EXPIRED (RFC 4120 7.5.9) as MIT counts.
_REFUSALS: Final = frozenset({-1765328383, -1765328366, -1765328361})


class LogonRefusedError(RuntimeError):
    """The KDC gives this account no ticket: disabled, expired."""


class Lab:
    """One running lab; every path of it is inside the lab's own mounts."""

    domain = recipe.DOMAIN
    realm = recipe.REALM
    dns_domain = recipe.DNS_DOMAIN
    sid = recipe.DOMAIN_SID
    base_dn = recipe.BASE_DN
    machines: Mapping[str, Machine] = MACHINES
    controller = CONTROLLER

    def __init__(self, anchors: Mapping[str, int]) -> None:
        """Take the pids of the processes that keep the machines' namespaces."""
        self._anchors = anchors
        self._agents: dict[str, Agent] = {}
        self._aliases: dict[str, Mapping[str, Sequence[str]]] = {}
        self.generation = 0
        """Counts the changes; what was learnt in an earlier one may be wrong now."""

        self._tickets: dict[str, Path] = {}
        self._tickets_of = -1

    @classmethod
    def current(cls) -> Self:
        """The lab this process runs in.

        Raises:
            LabError: This process does not run in a lab.
        """
        if "VMMAUDIT_LAB" not in os.environ:
            raise LabError("not in a lab: run this by `python -m tests.lab exec -- COMMAND`")
        text = (Path(os.environ["VMMAUDIT_LAB"]) / "anchors.json").read_text(encoding="utf-8")
        return cls(json.loads(text))

    @property
    def ca(self) -> Path:
        """Certificate of the authority that signed the controller's."""
        return STATE / "tls/ca.pem"

    @property
    def wrong_ca(self) -> Path:
        """Certificate of an authority that signed nothing."""
        return STATE / "tls/wrong-ca.pem"

    @property
    def secrets(self) -> Path:
        """The file that holds the passwords."""
        return build.SECRETS

    def password(self, name: str) -> str:
        """Password of a user, or of a computer account (`HYPER03$`) that is no machine."""
        passwords = json.loads(self.secrets.read_text(encoding="utf-8"))
        try:
            return str(passwords[name])
        except KeyError:
            raise LabError(f"no password is known for {name}") from None

    def passwords(self, names: Sequence[str]) -> dict[str, str]:
        """Passwords by name; a new one is made and kept where there was none."""
        known = json.loads(self.secrets.read_text(encoding="utf-8"))
        missing = [name for name in names if name not in known]
        if missing:
            known |= {name: build.new_password() for name in missing}
            build.write_secrets(known)
        return {name: known[name] for name in names}

    def machine_of(self, principal: str) -> Machine | None:
        """The machine that owns the computer account `principal`, e.g. `HYPER01$`."""
        return MACHINES.get(principal.removesuffix("$").lower()) if "$" in principal else None

    def keytab(self, name: str) -> Path:
        """A keytab with the keys of an account (`HYPER01$`, `service.vmm`)."""
        owner = self.machine_of(name)
        if owner and owner.role == "member":
            return owner.home / "lib/private/krb5.keytab"
        target = self.private("keytabs", name)
        target.unlink(missing_ok=True)
        principal = f"--principal={name}"
        self.run(CONTROLLER.name, ["samba-tool", "domain", "exportkeytab", principal, str(target)])
        target.chmod(0o600)
        return target

    def ccache(self, name: str) -> Path:
        """A FILE ticket cache with a fresh ticket-granting ticket of an account.

        Tools that are given a cache may still prefer KRB5CCNAME: set both.

        Raises:
            LogonRefusedError: The account is disabled or has expired.
        """
        import krb5

        target = self.private("tickets", name)
        context = krb5.init_context()
        principal = krb5.parse_name_flags(context, f"{name}@{self.realm}".encode())
        options = krb5.get_init_creds_opt_alloc(context)
        krb5.get_init_creds_opt_set_forwardable(options, True)
        owner = self.machine_of(name)
        try:
            if owner and owner.role == "member":
                keytab = krb5.kt_resolve(context, f"FILE:{self.keytab(name)}".encode())
                ticket = krb5.get_init_creds_keytab(context, principal, options, keytab)
            else:
                secret = self.password(name).encode()
                ticket = krb5.get_init_creds_password(context, principal, options, secret)
        except krb5.Krb5Error as error:
            if error.err_code in _REFUSALS:
                raise LogonRefusedError(str(error)) from error
            raise
        fresh = target.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        cache = krb5.cc_resolve(context, f"FILE:{fresh}".encode())
        krb5.cc_initialize(context, cache, principal)
        krb5.cc_store_cred(context, cache, ticket)
        fresh.rename(target)
        return target

    def fresh_ccache(self, name: str) -> Path:
        """As `ccache`, asked for once in every generation of the lab."""
        if self._tickets_of != self.generation:
            self._tickets.clear()
            self._tickets_of = self.generation
        if name not in self._tickets:
            self._tickets[name] = self.ccache(name)
        return self._tickets[name]

    def private(self, kind: str, name: str) -> Path:
        """Path of a file in a folder that root alone may enter."""
        place = STATE / "auditor" / kind
        place.mkdir(mode=0o700, exist_ok=True)
        return place / name.replace("/", "_")

    def run(
        self, machine_name: str, argv: Sequence[str], *, check: bool = True, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root on a machine."""
        return machine.run(self._anchors[machine_name], argv, check=check, stdin=stdin)

    def start(self, machine_name: str) -> None:
        """Start a machine's daemons and wait until they answer."""
        machine.start(MACHINES[machine_name], self._anchors[machine_name])
        self.generation += 1

    def stop(self, machine_name: str) -> None:
        """Stop a machine's daemons: its ports refuse connections afterwards."""
        machine.stop(MACHINES[machine_name], self._anchors[machine_name])
        self.generation += 1

    def forget_aliases(self, machine_name: str, wanted: Mapping[str, Sequence[str]]) -> None:
        """End the server that keeps a list of local groups for 10 s, where they have changed."""
        if self._aliases.get(machine_name) != wanted:
            machine.end(self._anchors[machine_name], "rpcd_lsad")
            self._aliases[machine_name] = wanted

    def suspend(self, machine_name: str) -> None:
        """Make a machine hang: it accepts connections and never answers."""
        machine.freeze(self._anchors[machine_name], frozen=True)

    def resume(self, machine_name: str) -> None:
        """Let a machine that hangs go on."""
        machine.freeze(self._anchors[machine_name], frozen=False)

    def running(self, machine_name: str) -> bool:
        """Whether a machine's daemons run."""
        return machine.running(self._anchors[machine_name])

    def ask(self, machine_name: str, what: str, **values: Any) -> Any:
        """Have Samba's own Python do something on a machine (see remote.py)."""
        if machine_name not in self._agents:
            self._agents[machine_name] = Agent(self._anchors[machine_name])
        return self._agents[machine_name].ask(what, **values)

    def change(self, *changes: Mapping[str, Any]) -> None:
        """Change the directory as the system itself, in one transaction."""
        self.ask(CONTROLLER.name, "directory", changes=list(changes))
        self.generation += 1

    def search(self, text: str, attributes: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
        """Rows of the domain that match an LDAP filter."""
        rows = self.ask(
            CONTROLLER.name, "search", base=self.base_dn, text=text, attributes=list(attributes)
        )
        return [(dn, values) for dn, values in rows]

    def set_share_descriptors(
        self, machine_name: str, descriptors: Mapping[str, bytes | None]
    ) -> None:
        """Store the descriptors of shares as they are; None stores none."""
        packed = {name: binary(data) if data else None for name, data in descriptors.items()}
        self.ask(machine_name, "shares", descriptors=packed)
        # 4.17 reads it with the rights of the caller (samba PR 213 of truenas), so all may.
        (MACHINES[machine_name].home / "lib/share_info.tdb").chmod(0o666)
        self.generation += 1

    def reload(self, machine_name: str) -> None:
        """Have a member read its configuration again."""
        self.run(machine_name, ["smbcontrol", "all", "reload-config"])
        self.generation += 1

    def register(self, name: str, address: str) -> None:
        """Register a host name of the domain in the controller's DNS."""
        self.ask(
            CONTROLLER.name,
            "names",
            server=CONTROLLER.fqdn,
            zone=self.dns_domain,
            hosts={name: address},
            password=self.password("Administrator"),
        )

    def sid_of(self, name: str) -> str:
        """SID of a domain account, by sAMAccountName."""
        ((_, values),) = self.search(f"(sAMAccountName={name})", ["objectSid"])
        return str(values["objectSid"][0])

    def close(self) -> None:
        """End the agents; the lab itself stays."""
        for agent in self._agents.values():
            agent.close()
        self._agents.clear()
