"""The questions that are asked: one function each, so that collecting and decoding agree.

Everything the tool ever reads from a directory or a server stands in this file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vmmaudit.evidence import Question
from vmmaudit.scope import Host, Library, Scope, VmmServer
from vmmaudit.windows import lsat
from vmmaudit.windows.sid import ADMINISTRATORS, sid_to_bytes

SEARCH: Final = "ldap.search"
CONTROLLER: Final = "ldap.controller"
SHARES: Final = "smb.shares"
SHARE: Final = "smb.share"
LIST: Final = "smb.list"
DESCRIPTOR: Final = "smb.descriptor"
SERVER: Final = "smb.server"
LEGACY_SMB: Final = "smb.legacy"
TIME: Final = "srvsvc.time"
BOOT: Final = "cim.boot"
SAM_DOMAIN: Final = "samr.domain"
ALIASES: Final = "samr.aliases"
MEMBERS: Final = "samr.members"
SERVICE: Final = "svcctl.service"
REGISTRY: Final = "winreg.value"
LOCAL_NAMES: Final = "lsa.names"
VMM_OBJECTS: Final = "vmm.objects"
REACH: Final = "net.reach"

VMM_SERVICES: Final = ("SCVMMService", "VMMService")
"""The VMM service since 2012, and before."""
VMM_AGENTS: Final = ("SCVMMAgent", "VMMAgent")
"""The agent on every machine that VMM manages, since 2012 and before."""
VMM_CMDLETS: Final = (
    "Get-SCISO",
    "Get-SCJob",
    "Get-SCLibraryShare",
    "Get-SCRunAsAccount",
    "Get-SCVMHost",
    "Get-SCVMHostCluster",
    "Get-SCVMMManagedComputer",
    "Get-SCVMMServer",
    "Get-SCVirtualDVDDrive",
)
"""What VMM is asked about itself."""
SERVICE_ACCOUNT: Final = "ObjectName"
SERVICE_START: Final = "Start"
_SERVICE_KEYS: Final = "SYSTEM\\CurrentControlSet\\Services\\"
_VMM: Final = "SOFTWARE\\Microsoft\\Microsoft System Center Virtual Machine Manager "
VMM_SETUP: Final = _VMM + "Server\\Setup"
VMM_SETTINGS: Final = _VMM + "Server\\Settings"
AGENT_SETUP: Final = _VMM + "Agent\\Setup"
VMM_VERSION: Final = (VMM_SETUP, "ProductVersion")
VMM_OWN_SPNS: Final = (VMM_SETUP, "VmmServicePrincipalNames")
BITS_OF_SERVER: Final = (VMM_SETTINGS, "BITSTcpPort")
BITS_OF_AGENT: Final = (AGENT_SETUP, "BITSTcpPort")
NAME_HARDENING: Final = (
    _SERVICE_KEYS + "LanmanServer\\Parameters",
    "SmbServerNameHardeningLevel",
)
"""Whether an SMB server takes only tickets for names that it knows as its own."""
NTLM_RECEIVED: Final = (
    "SYSTEM\\CurrentControlSet\\Control\\Lsa\\MSV1_0",
    "RestrictReceivingNTLMTraffic",
)
"""Whether a server refuses NTLM."""

PRINCIPAL: Final = (
    "accountExpires",
    "cn",
    "dNSHostName",
    "groupType",
    "lastLogonTimestamp",
    "msDS-AdditionalDnsHostName",
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
    "msDS-AllowedToDelegateTo",
    "msDS-AssignedAuthNPolicy",
    "msDS-SupportedEncryptionTypes",
    "msDS-User-Account-Control-Computed",
    "objectClass",
    "objectSid",
    "operatingSystem",
    "operatingSystemVersion",
    "primaryGroupID",
    "pwdLastSet",
    "replPropertyMetaData",
    "sAMAccountName",
    "sIDHistory",
    "servicePrincipalName",
    "userAccountControl",
    "userPrincipalName",
    "whenChanged",
)
"""What is read of every account; no attribute of it holds a secret."""
_NAMES: Final = (
    "cn",
    "groupType",
    "member",
    "objectClass",
    "objectSid",
    "sAMAccountName",
    "whenChanged",
)
_SIDS_AT_ONCE: Final = 50
_REPLICATED: Final = (
    "member",
    "msDS-AllowedToActOnBehalfOfOtherIdentity",
    "msDS-AllowedToDelegateTo",
    "objectClass",
    "objectSid",
    "replPropertyMetaData",
    "sAMAccountName",
    "servicePrincipalName",
    "userAccountControl",
)
"""What is compared between the controllers of a domain, and by which version each has it."""


def escape(value: str) -> str:
    r"""A value inside a filter (RFC 4515): `*()\` and NUL and all beyond ASCII as `\xx`."""
    return "".join(
        chr(byte) if 0x20 <= byte < 0x7F and chr(byte) not in "*()\\" else f"\\{byte:02x}"
        for byte in value.encode()
    )


def search(domain: str, base: str, scope: str, query: str, attributes: Iterable[str]) -> Question:
    """A search in the directory of `domain`."""
    return Question(domain, SEARCH, (base, scope, query, ",".join(sorted(attributes))))


def base_dn(domain: str) -> str:
    """The naming context of a domain (RFC 2247, MS-ADTS 3.1.1.1.5)."""
    return ",".join(f"DC={label}" for label in domain.split("."))


def root_dse(domain: str) -> Question:
    """The root of the domain controller that answers."""
    return search(
        domain,
        "",
        "base",
        "(objectClass=*)",
        (
            "configurationNamingContext",
            "currentTime",
            "defaultNamingContext",
            "dnsHostName",
            "domainControllerFunctionality",
            "domainFunctionality",
            "forestFunctionality",
            "rootDomainNamingContext",
        ),
    )


def security_context(domain: str) -> Question:
    """As whom the controller sees the one who asks: SIDs, and from Windows the name too.

    Attributes of the rootDSE that are told on request alone (MS-ADTS 3.1.1.3.2).
    """
    return search(domain, "", "base", "(objectClass=*)", ("msDS-PrincipalName", "tokenGroups"))


def domain_object(domain: str) -> Question:
    """The domain itself: SID and functional level."""
    return search(
        domain,
        base_dn(domain),
        "base",
        "(objectClass=*)",
        ("msDS-Behavior-Version", "nTMixedDomain", "objectSid"),
    )


def partition(domain: str, configuration: str) -> Question:
    """The cross-reference that tells the domain's NetBIOS name."""
    return search(
        domain,
        f"CN=Partitions,{configuration}",
        "one",
        f"(&(objectClass=crossRef)(nCName={escape(base_dn(domain))}))",
        ("nCName", "nETBIOSName", "msDS-Behavior-Version"),
    )


def trusts(domain: str) -> Question:
    """The domains trusted by or trusting this one."""
    return search(
        domain,
        f"CN=System,{base_dn(domain)}",
        "one",
        "(objectClass=trustedDomain)",
        ("flatName", "securityIdentifier", "trustAttributes", "trustDirection", "trustPartner"),
    )


def computer(domain: str, name: str) -> Question:
    """The computer account of a server, by its DNS name or its short name."""
    short = name.split(".", maxsplit=1)[0]
    wanted = [f"(sAMAccountName={escape(short)}$)"]
    if "." in name:
        wanted.append(f"(dNSHostName={escape(name)})")
        wanted.append(f"(msDS-AdditionalDnsHostName={escape(name)})")
    query = f"(&(objectCategory=computer)(|{''.join(wanted)}))"
    return search(domain, base_dn(domain), "sub", query, PRINCIPAL)


def account(domain: str, name: str) -> Question:
    r"""A user or service account by `DOMAIN\name` or `name@domain`."""
    if "\\" in name:
        query = f"(sAMAccountName={escape(name.rpartition(chr(92))[2])})"
    else:
        short = escape(name.partition("@")[0])
        query = f"(|(userPrincipalName={escape(name)})(sAMAccountName={short}))"
    return search(domain, base_dn(domain), "sub", f"(&(objectSid=*){query})", PRINCIPAL)


def spn(domain: str, name: str) -> Question:
    """Who owns `cifs/name` or `HOST/name`."""
    host = escape(name)
    query = f"(|(servicePrincipalName=cifs/{host})(servicePrincipalName=HOST/{host}))"
    return search(domain, base_dn(domain), "sub", query, PRINCIPAL)


def vmm_spns(domain: str) -> Question:
    """Who owns the SPNs of VMM (`SCVMM/…`): the account its service runs under."""
    return search(domain, base_dn(domain), "sub", "(servicePrincipalName=SCVMM/*)", PRINCIPAL)


def connection_points(domain: str) -> Question:
    """The service connection points of VMM servers and of Hyper-V hosts."""
    return search(
        domain,
        base_dn(domain),
        "sub",
        "(&(objectClass=serviceConnectionPoint)(|(cn=MSVMM)(cn=Microsoft Hyper-V)))",
        ("cn", "keywords", "serviceBindingInformation", "serviceClassName", "serviceDNSName"),
    )


def hyper_v_computers(domain: str) -> Question:
    """Computers that registered a service of Hyper-V (KB 2961630)."""
    services = (
        "Microsoft Virtual System Migration Service",
        "Microsoft Virtual Console Service",
        "Hyper-V Replica Service",
    )
    query = "".join(f"(servicePrincipalName={service}/*)" for service in services)
    wanted = f"(&(objectCategory=computer)(|{query}))"
    return search(domain, base_dn(domain), "sub", wanted, PRINCIPAL)


def domain_controllers(domain: str) -> Question:
    """The controllers of a domain, read-only ones too (MS-ADTS 2.2.16, 6.1.1.3.2)."""
    bits = ":1.2.840.113556.1.4.803:="
    kinds = f"(userAccountControl{bits}8192)(userAccountControl{bits}67108864)"
    wanted = ("dNSHostName", "objectSid", "operatingSystem", "operatingSystemVersion")
    return search(
        domain,
        base_dn(domain),
        "sub",
        f"(&(objectCategory=computer)(|{kinds}))",
        (*wanted, "sAMAccountName", "userAccountControl"),
    )


def replicas(controller: str, domain: str, wanted: Iterable[str]) -> list[Question]:
    """The audited attributes of accounts and groups as one controller has them, by SID."""
    asked = [found.detail for found in _of_sids(domain, wanted, _REPLICATED)]
    return [Question(controller, CONTROLLER, (domain, *detail)) for detail in asked]


def cluster_names(domain: str) -> Question:
    """The names of failover clusters and of their roles, and who owns each of them."""
    wanted = ("dNSHostName", "nTSecurityDescriptor", "objectSid", "sAMAccountName")
    return search(
        domain,
        base_dn(domain),
        "sub",
        "(&(objectCategory=computer)(servicePrincipalName=MSClusterVirtualServer/*))",
        wanted,
    )


def silos(domain: str) -> Question:
    """The accounts that are assigned to an authentication policy silo, by DN."""
    attribute = "msDS-AssignedAuthNPolicySilo"
    return search(domain, base_dn(domain), "sub", f"({attribute}=*)", (attribute,))


def computer_at(domain: str, dn: str) -> Question:
    """The computer account that a service connection point lies under."""
    return search(domain, dn, "base", "(objectCategory=computer)", PRINCIPAL)


def token_groups(domain: str, dn: str) -> Question:
    """All groups an account is in, as its domain controller sees it."""
    return search(
        domain,
        dn,
        "base",
        "(objectClass=*)",
        ("tokenGroups", "tokenGroupsGlobalAndUniversal"),
    )


def link_times(domain: str, dn: str) -> Question:
    """When each member of a group came to be one, where the directory tells."""
    return search(domain, dn, "base", "(objectClass=group)", ("msDS-ReplValueMetaData",))


def names(domain: str, wanted: Iterable[str]) -> list[Question]:
    """The accounts behind SIDs, some at a time."""
    return _of_sids(domain, wanted, _NAMES)


def readers(domain: str, wanted: Iterable[str]) -> list[Question]:
    """Those of the SIDs that are of a user or a computer, not of a group: who it is."""
    return [
        found._replace(detail=(*found.detail[:2], f"(&(objectClass=user){query})", attributes))
        for found in _of_sids(domain, wanted, ("objectClass", "objectSid", "sAMAccountName"))
        for query, attributes in (found.detail[2:],)
    ]


def looks_up(question: Question, sid: str) -> bool:
    """Whether it asks for whatever has this SID."""
    if question.kind == LOCAL_NAMES:
        return sid in question.detail
    asks = question.kind == SEARCH and question.detail[2].startswith("(|")
    return asks and _by_sid(sid) in question.detail[2]


def _of_sids(domain: str, wanted: Iterable[str], attributes: Iterable[str]) -> list[Question]:
    ordered = sorted(set(wanted))
    return [
        search(
            domain,
            base_dn(domain),
            "sub",
            f"(|{''.join(_by_sid(sid) for sid in ordered[start : start + _SIDS_AT_ONCE])})",
            attributes,
        )
        for start in range(0, len(ordered), _SIDS_AT_ONCE)
    ]


def _by_sid(sid: str) -> str:
    return f"(objectSid={''.join(f'{chr(92)}{byte:02x}' for byte in sid_to_bytes(sid))})"


def shares(server: str) -> Question:
    """The shares a server offers."""
    return Question(server, SHARES)


def share(server: str, name: str) -> Question:
    """One share, with its own descriptor where the caller's rights allow."""
    return Question(server, SHARE, (name.lower(),))


def listing(server: str, name: str, path: str) -> Question:
    """The content of a folder."""
    return Question(server, LIST, (name.lower(), path))


def descriptor(server: str, name: str, path: str) -> Question:
    """Owner, group and DACL of a folder or file."""
    return Question(server, DESCRIPTOR, (name.lower(), path))


def smb_server(server: str) -> Question:
    """What the server negotiated."""
    return Question(server, SERVER)


def legacy_smb(server: str) -> Question:
    """Whether the server speaks SMB 1, which is offered to it and nothing else."""
    return Question(server, LEGACY_SMB)


def clock(server: str) -> Question:
    """The server's time and the milliseconds since it started, which wrap at 49.7 days."""
    return Question(server, TIME)


def boot(server: str) -> Question:
    """Win32_OperatingSystem.LastBootUpTime."""
    return Question(server, BOOT)


def sam_domains(server: str) -> Question:
    """The SAM domains of a server: BUILTIN and its own."""
    return Question(server, SAM_DOMAIN)


def aliases(server: str, domain_sid: str) -> Question:
    """The local groups of one of the server's SAM domains."""
    return Question(server, ALIASES, (domain_sid,))


def members(server: str, alias_sid: str) -> Question:
    """The direct members of a local group."""
    return Question(server, MEMBERS, (alias_sid,))


def service(server: str, name: str) -> Question:
    """How a service is configured and whether it runs; no row where there is no such service."""
    return Question(server, SERVICE, (name,))


def registry(server: str, key: str, value: str) -> Question:
    """One value under HKEY_LOCAL_MACHINE; no row where there is no such value."""
    return Question(server, REGISTRY, (key, value))


def registered_service(server: str, name: str) -> tuple[Question, Question]:
    """Account and start type of a service as the registry has them, a second source."""
    key = _SERVICE_KEYS + name
    return registry(server, key, SERVICE_ACCOUNT), registry(server, key, SERVICE_START)


def local_names(server: str, wanted: Iterable[str]) -> list[Question]:
    """The names that a server finds for SIDs of itself and of foreign domains."""
    ordered = sorted(set(wanted))
    return [
        Question(server, LOCAL_NAMES, tuple(ordered[start : start + lsat.AT_ONCE]))
        for start in range(0, len(ordered), lsat.AT_ONCE)
    ]


def vmm_objects(server: str, cmdlet: str) -> Question:
    """What a cmdlet of VMM returns: a row per object, its properties as text."""
    return Question(server, VMM_OBJECTS, (cmdlet,))


def reach(server: str, other: str, port: int) -> Question:
    """Whether `server` reaches a TCP port of another one, which only it can try."""
    return Question(server, REACH, (other, str(port)))


def computer_security(domain: str, dn: str) -> Question:
    """Who may change a computer account: owner and DACL of the object."""
    return search(
        domain, dn, "base", "(objectCategory=computer)", ("nTSecurityDescriptor", "objectSid")
    )


def administrators(server: str) -> Question:
    """The direct members of the built-in group of administrators, by whatever name."""
    return members(server, ADMINISTRATORS)


def computer_name(library: Library) -> str:
    """The name by which a library's computer account is looked for."""
    return library.server or library.unc_name


def file_server(scope: Scope, library: Library) -> str:
    """The server that is asked about a library: fully qualified, so that Kerberos finds it."""
    name = computer_name(library)
    return name if "." in name or ":" in name else f"{name}.{scope.domain_of(name).name}"


def account_domain(scope: Scope, name: str) -> str:
    r"""The domain to ask for an account: by UPN suffix or DNS name, else the first one.

    `CONTOSO\name` names a domain by its NetBIOS name, which in the usual case is the first
    label of the DNS name.
    """
    prefix = (name.partition("\\")[0] if "\\" in name else name.partition("@")[2]).lower()
    for domain in scope.domains:
        if prefix in (domain.name, domain.name.split(".")[0]):
            return domain.name
    return scope.domains[0].name


def host_server(scope: Scope, host: Host) -> str:
    """The host as a server that is asked about itself, fully qualified."""
    return qualified(scope, host.name)


def vmm_server(scope: Scope, vmm: VmmServer) -> str:
    """The VMM server as a server that is asked about itself, fully qualified."""
    return qualified(scope, vmm.server)


def qualified(scope: Scope, name: str) -> str:
    """A server's name with its domain, so that Kerberos finds it."""
    return name if "." in name else f"{name}.{scope.domain_of(name).name}"
