"""Where accounts stand in permissions themselves, groups are proposed, and nothing is done."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests import worlds
from tests.change.test_planned import shown
from tests.change.test_powershell import nodes, parsed
from tests.simulate import scope_text, simulate
from tests.worlds import BOTH, FULL, INHERITED, READ_EXECUTE, SHARE, Ace, Descriptor, Item, World
from vmmaudit.audit import Audit
from vmmaudit.change.agdlp import Proposal, proposals
from vmmaudit.change.commands import grouping
from vmmaudit.controls.texts import languages
from vmmaudit.facts import decode

UNC = rf"\\library01.contoso.com\{SHARE}"


def one_by_one(*accounts: str, groups: bool = False, mask: int = READ_EXECUTE) -> World:
    """LIBRARY01 lets these accounts read by entries of their own, at the share and at its root."""
    world = worlds.conforming()
    kept = ("DL_VMMLib_R",) if groups else ()
    named = (*kept, *accounts)
    own = tuple(Ace(name, mask if name in accounts else READ_EXECUTE) for name in named)
    root = tuple(replace(ace, flags=BOTH) for ace in own)
    below = tuple(replace(ace, flags=INHERITED) for ace in own)
    admins = Ace(r"BUILTIN\Administrators", FULL)
    items = (
        Item("ISOs", Descriptor(tuple(replace(a, flags=BOTH | INHERITED) for a in own))),
        Item(worlds.ISO, Descriptor(below), size=worlds.ISO_SIZE),
    )
    return world.with_share(
        "LIBRARY01",
        SHARE,
        descriptor=Descriptor((admins, *own)),
        root=Descriptor(root, protected=True),
        items=items,
    )


def proposed(world: World) -> tuple[Proposal, ...]:
    facts = decode(*simulate(world))
    return proposals(facts, facts.scope.libraries)


def audit(world: World) -> Audit:
    evidence, scope = simulate(world)
    return Audit("site", scope_text(world), scope, evidence)


def test_groups_that_read_already_need_no_proposal():
    assert proposed(worlds.conforming()) == ()


def test_new_groups_where_there_are_none():
    (found,) = proposed(one_by_one("HYPER01", "HYPER02", "service.vmm"))
    assert (found.share, found.places) == (UNC, ("share", UNC))
    hosts, accounts = found.joining
    assert hosts.group.shown == rf"CONTOSO\GG_{SHARE}_Hosts"
    assert [account.shown for account in hosts.accounts] == [
        r"CONTOSO\HYPER01$",
        r"CONTOSO\HYPER02$",
    ]
    assert [account.shown for account in accounts.accounts] == [r"CONTOSO\service.vmm"]
    assert found.local.shown == rf"CONTOSO\DL_{SHARE}_R"
    assert not any(group.exists for group in (hosts.group, accounts.group, found.local))
    assert list(grouping(found)) == [
        f"New-ADGroup -Name 'GG_{SHARE}_Hosts' -GroupScope Global -GroupCategory Security "
        "-Server 'contoso.com'",
        *(
            f"Add-ADGroupMember -Identity 'GG_{SHARE}_Hosts' "
            f"-Members 'CN={name},CN=Computers,DC=contoso,DC=com' -Server 'contoso.com'"
            for name in ("HYPER01", "HYPER02")
        ),
        f"New-ADGroup -Name 'GG_{SHARE}_Accounts' -GroupScope Global -GroupCategory Security "
        "-Server 'contoso.com'",
        f"Add-ADGroupMember -Identity 'GG_{SHARE}_Accounts' "
        f"-Members '{accounts.accounts[0].dn}' -Server 'contoso.com'",
        f"New-ADGroup -Name 'DL_{SHARE}_R' -GroupScope DomainLocal -GroupCategory Security "
        "-Server 'contoso.com'",
        *(
            f"Add-ADGroupMember -Identity 'DL_{SHARE}_R' -Members 'GG_{SHARE}_{kind}' "
            "-Server 'contoso.com'"
            for kind in ("Hosts", "Accounts")
        ),
        f"Grant-SmbShareAccess -CimSession 'library01.contoso.com' -Name '{SHARE}' "
        rf"-AccountName 'CONTOSO\DL_{SHARE}_R' -AccessRight Read -Force",
        rf"icacls '{UNC}' /grant 'CONTOSO\DL_{SHARE}_R:(OI)(CI)(R)'",
    ]


def test_groups_that_are_there_are_taken():
    world = one_by_one("HYPER01", "HYPER07", groups=True)
    hosts = tuple(name for name in worlds.HOSTS if name != "HYPER07")
    (found,) = proposed(world.with_group("GG_HyperV_Hosts", members=hosts))
    (joining,) = found.joining
    assert joining.group.exists
    assert (joining.group.name, found.local.name) == ("GG_HyperV_Hosts", "DL_VMMLib_R")
    assert len(joining.accounts) == 2
    assert list(grouping(found)) == [
        "Add-ADGroupMember -Identity 'GG_HyperV_Hosts' "
        "-Members 'CN=HYPER07,CN=Computers,DC=contoso,DC=com' -Server 'contoso.com'"
    ]


def test_who_may_write_is_no_reader_to_be_grouped():
    assert proposed(one_by_one("service.vmm", groups=True, mask=FULL)) == ()


def test_a_name_that_is_taken_is_numbered():
    world = one_by_one("HYPER01")
    taken = worlds.Group(f"GG_{SHARE}_Hosts", "global", ("HYPER02",))
    (found,) = proposed(replace(world, groups=(*world.groups, taken)))
    assert found.joining[0].group.name == f"GG_{SHARE}_Hosts_2"


def test_a_plan_that_has_only_single_entries_to_offer_proposes_groups_for_them():
    """HYPER07 is in no group that reads: it gets an entry, and the request says what is better."""
    everybody = [name for name in worlds.HOSTS if name != "HYPER07"]
    world = one_by_one(*everybody, "service.vmm", "run.as")
    found = audit(world.with_group("GG_HyperV_Hosts", members=())).plan(libraries=[UNC])
    (proposal,) = found.plan.proposals
    assert r"CONTOSO\HYPER07$" in [a.shown for a in proposal.joining[0].accounts]
    data = json.loads(found.files(())["plan.json"])
    assert data["proposals"][0]["local"] == {
        "group": rf"CONTOSO\DL_{SHARE}_R",
        "exists": False,
    }
    for script in found.scripts().values():
        assert b"New-ADGroup" not in script


@pytest.mark.parametrize("language", languages())
def test_the_request_shows_the_proposal(language: str):
    found = audit(one_by_one("HYPER01", "service.vmm")).plan(libraries=[UNC])
    text = shown(found.document(language)).replace("\u200b", "")
    for said in (rf"CONTOSO\GG_{SHARE}_Hosts", "New-ADGroup", "(AGDLP)"):
        assert said in text
    assert "(AGDLP)" not in shown(audit(worlds.conforming()).plan().document(language))


def test_the_commands_of_hostile_names_are_one_command_each():
    (found,) = proposed(one_by_one("HYPER01"))
    evil = "x'; Remove-Item C:\\ #\u2019\n$(calc)"
    group = replace(found.local, name=evil, shown=evil, domain=evil)
    joining = replace(found.joining[0], group=group)
    hostile = replace(found, share=evil, server=evil, local=group, joining=(joining,))
    for line in grouping(hostile):
        tree = parsed(line.encode())
        assert not tree.has_error
        assert len(list(nodes(tree, "command_name"))) == 1
