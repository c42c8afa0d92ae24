"""Words that name nobody: Windows', Active Directory's and VMM's own, and those of every site.

A name made of one of these alone is left as it is: `OU=Servers` tells nothing about a
customer, and `CN=Configuration` has to stay what it is.
"""

from __future__ import annotations

from typing import Final

_DIRECTORY: Final = """
    builtin computers configuration container controllers defaults deleted directory domain
    domains foreignsecurityprincipals infrastructure keys lostandfound managed microsoft ntds
    objects partitions password policies program data psps quotas recycle schema services
    settings sites subnets system sysvol tpm devices users winsockservices operations
    default-first-site-name msvmm hyper-v top person organizationalperson user computer group
    domaindns crossref trusteddomain serviceconnectionpoint default enterprise
"""
_ACCOUNTS: Final = """
    administrator administrators administratoren admin admins guest guests gast gäste everyone
    jeder anonymous authority autorität local lokal localsystem localservice networkservice
    network netzwerk service services dienst dienste account accounts konto konten creator owner
    restricted power krbtgt authenticated protected backup operators print replicator remote
    desktop nt vordefiniert benutzer domänen-admins domänencomputer domänen-benutzer group groups
    gruppe gruppen role roles rolle rollen read write lesen schreiben full voll
"""
_MACHINES: Final = """
    host hosts server servers client clients member cluster node nodes knoten library libraries
    bibliothek share shares freigabe freigaben virtual machine machines virtuell manager vmm scvmm
    hyper hyperv vms file files datei dateien storage backup test prod production produktion dev
    http https cifs smb nfs ldap ldaps rpc wsman termsrv restrictedkrbhost dns gc mssqlsvc
    msserverclustermgmtapi msserverclusterserver msclustervirtualserver windows server standard
    datacenter enterprise linux ubuntu debian esx esxi vmware
"""
_PATHS: Final = """
    iso isos script scripts vhd vhds vhdx msscvmmlibrary template templates vorlagen
    applicationframeworks image images abbild abbilder software tools install setup driver drivers
    treiber data daten temp tmp netlogon ipc adminshare program programme files
"""
_COMPANY: Final = """
    gmbh gesellschaft mbh kgaa inc ltd llc limited company konzern gruppe holding stadt amt und
    and the der die das für von intern interne internal revision audit auditor leitung abteilung
    information informationssicherheit sicherheit security betrieb operations
"""
_PHRASES: Final = (
    "microsoft hyper-v",
    "microsoft virtual console service",
    "microsoft virtual system migration service",
    "hyper-v replica service",
    "domain admins",
    "domain computers",
    "domain controllers",
    "domain guests",
    "domain users",
    "enterprise admins",
    "schema admins",
    "protected users",
    "read-only domain controllers",
    "key admins",
    "program data",
    "windows nt",
    "directory service",
    "managed service accounts",
    "system management",
)
GENERIC: Final = frozenset(
    [*" ".join((_DIRECTORY, _ACCOUNTS, _MACHINES, _PATHS, _COMPANY)).casefold().split(), *_PHRASES]
)
_SUFFIXES: Final = """
    com net org edu gov mil int info biz eu de at ch li lu nl be fr it es pt uk ie dk se no fi pl
    cz sk hu us ca au local localdomain lan intern internal corp home arpa test example invalid
    localhost
"""
SUFFIXES: Final = frozenset(_SUFFIXES.split())
"""Last labels of DNS names that say nothing about whose they are."""
WELL_KNOWN_PREFIXES: Final = frozenset(
    {"nt authority", "nt-autorität", "nt service", "builtin", "vordefiniert", "window manager"}
)
"""What stands before the backslash in names of Windows itself."""
