"""A group that is emptied or filled between two packs moved, though one of them did not read it."""

from tests import worlds
from tests.simulate import simulate
from vmmaudit.change.moved import moved

GROUP = "GG_HyperV_Hosts"
FULL = simulate(worlds.conforming())[0]
EMPTY = simulate(worlds.conforming().with_group(GROUP, members=()))[0]


def moves(before, after):
    return {
        (move.place.split(",")[0], move.what, *(dn.split(",")[0] for dn in move.gone + move.new))
        for move in moved(before, after)
    }


EVERY_HOST = {(f"CN={GROUP}", "member", f"CN={name}") for name in worlds.HOSTS}


def test_an_emptied_group_lost_its_members():
    assert moves(FULL, EMPTY) == EVERY_HOST
    assert all(move.gone and not move.new for move in moved(FULL, EMPTY))


def test_a_filled_group_got_them():
    assert moves(EMPTY, FULL) == EVERY_HOST
    assert all(move.new and not move.gone for move in moved(EMPTY, FULL))


def test_a_group_that_is_read_twice_is_compared_by_itself():
    fewer = worlds.conforming().with_group(GROUP, members=worlds.HOSTS[:-1])
    assert moves(FULL, simulate(fewer)[0]) == {(f"CN={GROUP}", "member", "CN=HYPER07")}


def test_nothing_moves_between_equals():
    assert moves(EMPTY, EMPTY) == moves(FULL, FULL) == set()
