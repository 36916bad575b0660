"""What is remembered of objects goes with them."""

from __future__ import annotations

from gradtui.probe.weak import CROWD, Remembered


class Thing:
    pass


def test_a_fact_is_its_objects_own() -> None:
    facts = Remembered[int]()
    one, two = Thing(), Thing()
    facts.set(one, 1)
    assert (facts.get(one), facts.get(two), facts.by_id(id(one))) == (1, None, 1)
    assert facts.items() == [(one, 1)]
    number = id(one)
    del one
    assert facts.by_id(number) is None
    assert facts.items() == []


def test_a_crowd_of_the_dead_is_forgotten_and_the_living_stay() -> None:
    facts = Remembered[int]()
    living = [Thing() for _ in range(10)]
    passing = [Thing() for _ in range(2 * CROWD)]
    for i, thing in enumerate([*living, *passing]):
        facts.set(thing, i)
    del passing, thing
    for i in range(10, 9 * CROWD):
        living.append(Thing())
        facts.set(living[-1], i)
    assert len(facts) == len(facts.items())
    assert [facts.get(thing) for thing in living] == list(range(9 * CROWD))
