import itertools

import msgspec
import pytest

from bridge.session.patterns import ToolPattern
from bridge.session.permission import Person
from bridge.session.rights import ANY, Access, Grant, Policy, Right, lacking

ADA, BOB = Person(1, "ada", 500), Person(2, "bob", 500, frozenset({7, 8}))


def allows(policy: Policy, person: Person, guild_id: int = 500, channel_id: int = 600) -> list[Right]:
    access = policy.access(channel_id)
    return [right for right in ANY if access.holds(right, person, guild_id)]


def only(right: Right, grant: Grant) -> Access:
    """An access in which one right is given."""
    return msgspec.structs.replace(Access(), **{right: grant})


def test_nobody_has_a_right_by_default() -> None:
    assert allows(Policy(), BOB) == []
    assert allows(Policy(), Person(0, ""), 0) == []


def test_who_is_on_the_old_list_has_every_right_everywhere() -> None:
    policy = Policy(users=frozenset({1}))
    assert allows(policy, ADA) == allows(policy, ADA, 501, 9) == list(ANY)
    assert allows(policy, BOB) == []


def test_a_role_counts_only_in_the_guild_of_the_channel() -> None:
    policy = Policy(roles=frozenset({7}))
    assert allows(policy, BOB) == list(ANY)
    assert allows(policy, Person(2, "x", 501, frozenset({7}))) == []
    assert allows(policy, Person(2, "x", 500, frozenset({9}))) == []
    assert allows(policy, Person(2, "x", 0, frozenset({7})), 0) == []
    assert allows(policy, Person(2, "x", 500)) == []


@pytest.mark.parametrize("right", ANY)
def test_no_right_implies_another(right: Right) -> None:
    policy = Policy(everywhere=only(right, Grant(frozenset({1}))))
    assert allows(policy, ADA) == [right]


@pytest.mark.parametrize("right", ANY)
def test_what_a_channel_gives_comes_on_top_and_stays_there(right: Right) -> None:
    here = only(right, Grant(roles=frozenset({8})))
    policy = Policy(users=frozenset({1}), channels={600: here})
    assert allows(policy, BOB) == [right]
    assert allows(policy, BOB, channel_id=601) == []
    assert allows(policy, ADA) == allows(policy, ADA, channel_id=601) == list(ANY)


def test_work_in_another_channels_directory_gives_nobody_more_than_is_given_there() -> None:
    one, two = Grant(frozenset({1})), Grant(frozenset({1, 2}))
    few, many = Access(one, one, one), Access(two, two, two)
    rm = (ToolPattern("Bash", "rm*"),)
    strict = Access(few.talk, few.decide, few.manage, decide_own=False, second=rm)
    assert few.is_within(many) and strict.is_within(few) and strict.is_within(strict)
    assert not many.is_within(few) and not few.is_within(strict)


def test_who_lacks_a_right_is_told_which_and_who_has_it() -> None:
    access = Access(decide=Grant(frozenset({3, 1}), frozenset({7})))
    assert lacking(("decide",), access) == (
        "You do not have the right **decide** here, so nothing was done. <@1>, <@3>, <@&7> have it."
    )
    assert "**talk** or **manage**" in lacking(("talk", "manage"), access)
    assert "Nobody has it yet" in lacking(("talk",), access) and "[access.talk]" in lacking(("talk",), access)
    many = Access(talk=Grant(frozenset(range(1, 2000))))
    assert len(lacking(("talk",), many)) < 600 and "and 1987 more have it" in lacking(("talk",), many)
    for rights, one in itertools.product([("talk",), ANY], [access, many]):
        assert "@everyone" not in lacking(rights, one)
