"""What the lab consists of: names, addresses, accounts, and every configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

REALM: Final = "CONTOSO.COM"
DNS_DOMAIN: Final = REALM.lower()
DOMAIN: Final = "CONTOSO"
DOMAIN_SID: Final = "S-1-5-21-1004336348-1177238915-682003330"
BASE_DN: Final = "DC=contoso,DC=com"
GROUPS_DN: Final = f"OU=Gruppen,{BASE_DN}"
ACCOUNTS_DN: Final = f"OU=Dienstkonten,{BASE_DN}"
COMPUTERS_DN: Final = f"CN=Computers,{BASE_DN}"
USER_CONTROL: Final = 0x10200  # a normal account whose password does not expire

#: Where every lab finds its state inside its own mount namespace.
STATE: Final = Path("/media/vmmaudit-lab")
SYSTEM_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine of the lab: a mount and a host name of its own."""

    name: str
    address: str
    role: str

    @property
    def fqdn(self) -> str:
        """Full DNS name."""
        return f"{self.name}.{DNS_DOMAIN}"

    @property
    def home(self) -> Path:
        """The folder with everything the machine owns."""
        return STATE / self.name


MACHINES: Final[dict[str, Machine]] = {
    machine.name: machine
    for machine in (
        Machine("dc01", "10.53.57.10", "controller"),
        Machine("library01", "10.53.57.11", "member"),
        Machine("library02", "10.53.57.12", "member"),
        Machine("hyper01", "10.53.57.21", "member"),
        Machine("hyper02", "10.53.57.22", "member"),
        Machine("auditor", "10.53.57.50", "workstation"),
    )
}
CONTROLLER: Final = MACHINES["dc01"]
MEMBERS: Final = tuple(m for m in MACHINES.values() if m.role == "member")

#: Accounts of every lab. The last one is a local administrator of the members.
USERS: Final = ("auditor", "service.vmm", "auditadmin")

#: Private folder of a machine -> where Samba looks for it.
FOLDERS: Final = {
    "etc": "/etc/samba",
    "lib": "/var/lib/samba",
    "cache": "/var/cache/samba",
    "run": "/run/samba",
    "log": "/var/log/samba",
}
FILES: Final = ("hosts", "resolv.conf", "nsswitch.conf", "krb5.conf")


def files(machine: Machine) -> dict[str, str]:
    """Text of the private files of a machine, by path relative to its home."""
    return {
        "hosts": _hosts(),
        "resolv.conf": f"search {DNS_DOMAIN}\nnameserver {CONTROLLER.address}\noptions timeout:2\n",
        "nsswitch.conf": _nsswitch(winbind=machine.role == "member"),
        "krb5.conf": _krb5(),
        "etc/smb.conf": smb_conf(machine),
    }


def _hosts() -> str:
    lines = ["127.0.0.1 localhost"]
    lines += [f"{m.address} {m.fqdn} {m.name}" for m in MACHINES.values()]
    return "\n".join(lines) + "\n"


def _nsswitch(*, winbind: bool) -> str:
    more = " winbind" if winbind else ""
    return f"passwd: files{more}\ngroup: files{more}\nshadow: files\nhosts: files dns\n"


def _krb5() -> str:
    address = CONTROLLER.address
    return f"""[libdefaults]
    default_realm = {REALM}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 0
    forwardable = true
[realms]
    {REALM} = {{
        kdc = {address}
        admin_server = {address}
        kpasswd_server = {address}
    }}
[domain_realm]
    .{DNS_DOMAIN} = {REALM}
    {DNS_DOMAIN} = {REALM}
"""


def smb_conf(machine: Machine) -> str:
    """The smb.conf of a machine."""
    common = f"""[global]
    workgroup = {DOMAIN}
    realm = {REALM}
    netbios name = {machine.name.upper()}
    interfaces = {machine.address}/24
    bind interfaces only = yes
    disable netbios = yes
    load printers = no
    printcap name = /dev/null
    disable spoolss = yes
    log file = /var/log/samba/log.%m
"""
    return common + _ROLES[machine.role]


_ROLES: Final = {
    "controller": f"""
    server role = active directory domain controller
    server services = s3fs rpc ldap cldap kdc drepl winbindd dns
    ldap server require strong auth = allow_sasl_over_tls
    tls enabled = yes
    tls keyfile = {STATE}/tls/dc01.key
    tls certfile = {STATE}/tls/dc01.pem
    tls cafile = {STATE}/tls/ca.pem
    idmap_ldb:use rfc2307 = yes
[sysvol]
    path = /var/lib/samba/sysvol
    read only = no
[netlogon]
    path = /var/lib/samba/sysvol/{DNS_DOMAIN}/scripts
    read only = no
""",
    "member": f"""
    server role = member server
    security = ads
    kerberos method = dedicated keytab
    dedicated keytab file = /var/lib/samba/private/krb5.keytab
    machine password timeout = 0
    idmap config * : backend = tdb
    idmap config * : range = 3000000-3999999
    idmap config {DOMAIN} : backend = rid
    idmap config {DOMAIN} : range = 1000000-1999999
    winbind expand groups = 0
    template shell = /bin/false
    vfs objects = acl_xattr
    acl_xattr:ignore system acls = yes
    acl_xattr:default acl style = windows
    acl_xattr:security_acl_name = user.NTACL
    map acl inherit = yes
    inherit acls = yes
    store dos attributes = yes
    read only = no
    include = /etc/samba/shares.conf
""",
    "workstation": "    security = ads\n",
}
