"""As many members have a value as was asked for, as far as there are combinations; and what cannot be is said first."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from noisette.attributes.imputation import Imputer
from noisette.attributes.schema import UNKNOWN, AttributeSchema, Choice, Flag, Group
from noisette.attributes.statistics import count, fingerprints
from noisette.errors import RequestError
from noisette.export.members import Members
from noisette.export.rules import NO_RULES, read_rules
from noisette.seeds import MEMBER, random_of

SCHEMA = AttributeSchema(
    attributes=(
        Choice(name="Body", options=("Red", "Green", "Blue")),
        Choice(name="Eyes", options=("Round", "Narrow", "Shut", "Wide")),
        Choice(name="Hat", options=("None", "Cap", "Crown", "Bow", "Helm")),
        Flag(name="Ring"),
    )
)
EVERY = np.array([*product(range(3), range(4), range(5), range(2))], np.int16)  # 120 combinations


def seen(keep):
    """The statistics of a collection of the combinations that `keep` is true of, in which no value is rare."""
    return count(SCHEMA, EVERY[keep(EVERY)])


def some(share, seed=0):
    """So much of all combinations, at random."""
    return lambda table: np.random.default_rng(seed).random(len(table)) < share


def chosen(text, statistics, members, tmp_path, seed=0, schema=SCHEMA):
    """The attributes of members, (N, A), and what is said of them."""
    (tmp_path / "rules.toml").write_text(text)
    rules = read_rules(tmp_path / "rules.toml", schema, statistics)
    maker = Members(schema, statistics, rules, seed)
    rows = maker.plan(members)
    table = np.stack(rows)
    known = set(statistics.seen_fingerprints.tolist())
    prints = fingerprints(table).tolist()
    assert len(set(prints)) == members
    assert not known & set(prints)
    assert all(rules.allow(row) for row in rows)
    return table, maker.missed(rows)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("members", "crowned"), [(10, 4), (40, 16), (37, 15)])
def test_a_share_is_met_as_exactly_as_whole_numbers_allow(tmp_path, seed, members, crowned):
    table, missed = chosen("[frequencies.Hat]\nCrown = 0.4\n", seen(some(0.1)), members, tmp_path, seed)
    assert (table[:, 2] == 2).sum() == crowned  # of 120 combinations 24 have a crown
    assert not missed


@pytest.mark.parametrize("seed", range(5))
def test_shares_of_several_attributes_are_met_together(tmp_path, seed):
    text = "[frequencies]\nRing = 0.25\n[frequencies.Hat]\nCrown = 0.2\nCap = 0.1\n[frequencies.Body]\nRed = 0.5\n"
    table, missed = chosen(text, seen(some(0.2)), 52, tmp_path, seed)  # of 96 that are new, 31 of them red
    assert [(table[:, 3] == 1).sum(), (table[:, 0] == 0).sum()] == [13, 26]
    assert [(table[:, 2] == code).sum() for code in (2, 1)] == [10, 5]
    assert not missed


@pytest.mark.parametrize("seed", range(5))
def test_where_nearly_all_combinations_are_taken_the_shares_are_still_met(tmp_path, seed):
    """44 are new: 20 with a crown, of which 12 have a ring, and 24 without one, of which 8 have a ring."""
    hat, ring, order = EVERY[:, 2], EVERY[:, 3], np.random.default_rng(1).permutation(120)
    new = np.zeros(120, bool)
    for crowned, ringed, room in ((True, 1, 12), (True, 0, 8), (False, 1, 8), (False, 0, 16)):
        new[[place for place in order if (hat[place] == 2) == crowned and ring[place] == ringed][:room]] = True
    text = "[frequencies]\nRing = 0.5\n[frequencies.Hat]\nCrown = 0.5\n"
    table, missed = chosen(text, seen(lambda every: ~new), 40, tmp_path, seed)
    assert [(table[:, 2] == 2).sum(), (table[:, 3] == 1).sum()] == [20, 20]
    assert not missed


@pytest.mark.parametrize("seed", range(3))
def test_where_there_are_too_few_combinations_all_are_used_and_it_says_so(tmp_path, seed):
    few = (EVERY[:, 2] == 2) & (EVERY[:, 1] > 0)  # six crowns are new, those with round eyes
    table, missed = chosen(
        "[frequencies.Hat]\nCrown = 0.4\n",
        seen(lambda every: few | some(0.2)(every) & (every[:, 2] != 2)),
        30,
        tmp_path,
        seed,
    )
    assert (table[:, 2] == 2).sum() == 6
    assert missed == [
        "Hat: Crown: 6 of 30 members have it, and 12 were asked for: no more combinations with it were found that are"
        " new, keep the rules and have a picture of their own"
    ]


def test_who_must_have_something_has_it_and_both_shares_are_met(tmp_path):
    text = 'together = [["Crown", "Ring"]]\nnever = [["Crown", "Red"]]\n[frequencies]\nRing = 0.3\n'
    text += "[frequencies.Hat]\nCrown = 0.3\n[frequencies.Body]\nRed = 0.6\n"
    table, missed = chosen(text, seen(some(0.1)), 20, tmp_path)
    assert np.array_equal(table[:, 2] == 2, table[:, 3] == 1)  # the six with a crown are the six with a ring
    assert [(table[:, 2] == 2).sum(), (table[:, 0] == 0).sum()] == [6, 12]
    assert not missed


def test_nobody_has_what_no_share_is_asked_of(tmp_path):
    table, _ = chosen("[frequencies]\nRing = 0\n", seen(some(0.1)), 30, tmp_path)
    assert not table[:, 3].any()


def test_flags_that_exclude_each_other_share_what_there_is(tmp_path):
    flags = [f"Hat{number}" for number in range(3)]
    schema = AttributeSchema(
        attributes=(*(Flag(name=name) for name in flags), Choice(name="Body", options=tuple("abcdefghij"))),
        groups=(Group(name="Hats", members=tuple(flags)),),
    )
    hats = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    table = np.array([(*hats[(7 * body) % 4], body) for body in range(10)], np.int16)
    statistics = count(schema, table)
    text = "[frequencies]\nHat0 = 0.5\nHat1 = 0.3\n"
    rows, missed = chosen(text, statistics, 10, tmp_path, schema=schema)
    assert rows[:, :3].sum(axis=1).max() == 1
    assert rows[:, :2].sum(axis=0).tolist() == [5, 3]
    assert not missed
    with pytest.raises(RequestError, match="Hat0, Hat1 exclude each other, and come to 1.1"):
        chosen("[frequencies]\nHat0 = 0.5\nHat1 = 0.6\n", statistics, 10, tmp_path, schema=schema)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'never = [["Crown", "Red"]]\n[frequencies.Hat]\nCrown = 0.7\n[frequencies.Body]\nRed = 0.5\n',
            "Body: Red comes to 0.5, but goes only with not Hat: Crown, which comes to 0.3",
        ),
        (
            'together = [["Crown", "Ring"]]\n[frequencies]\nRing = 0.1\n[frequencies.Hat]\nCrown = 0.4\n',
            "Hat: Crown comes to 0.4, but goes only with Ring, which comes to 0.1",
        ),
        (
            'together = [["Crown", "Red"], ["Red", "Ring"]]\nnever = [["Crown", "Ring"]]\n[frequencies.Hat]\nCrown = 0.1\n',
            "Hat: Crown comes to 0.1, and nothing may have it",
        ),
        (
            'together = [["Crown", "Red"], ["Crown", "Blue"]]\n[frequencies.Hat]\nCrown = 0.1\n',
            "Hat: Crown comes to 0.1, and nothing may have it",
        ),
        (
            'never = [["Crown", "Red"], ["Crown", "Green"], ["Crown", "Blue"]]\n[frequencies.Hat]\nCrown = 0.1\n',
            "Hat: Crown comes to 0.1, and nothing may have it",
        ),
        (
            'never = [["Crown", "Red"], ["Crown", "Green"]]\n[frequencies.Hat]\nCrown = 0.3\n[frequencies.Body]\n'
            "Red = 0.4\nGreen = 0.4\nBlue = 0.2\n",
            "Body: Red, Body: Green comes to 0.8, but goes only with not Hat: Crown, which comes to 0.7",
        ),
    ],
)
def test_rules_that_contradict_each_other_are_told_in_a_line(tmp_path, text, message):
    with pytest.raises(RequestError) as raised:
        chosen(text, seen(some(0.1)), 10, tmp_path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_without_rules_members_are_what_the_data_would_have_and_a_seed_says_all():
    statistics = seen(some(0.2))
    drawn = [np.stack(Members(SCHEMA, statistics, NO_RULES, seed).plan(30)) for seed in (0, 1, 0)]
    assert np.array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], drawn[1])
    imputer, nothing = Imputer(SCHEMA, statistics), np.full(4, UNKNOWN, np.int16)
    known = set(statistics.seen_fingerprints.tolist())
    for number, row in enumerate(drawn[0]):
        for attempt in range(1000):
            imputed = imputer.impute(nothing, random_of(0, MEMBER, number, attempt))
            if (its := int(fingerprints(imputed[None])[0])) not in known:
                break
        known.add(its)
        assert np.array_equal(row, imputed)


def test_a_member_whose_picture_is_not_new_gets_other_attributes_with_the_value_that_was_asked(tmp_path):
    (tmp_path / "rules.toml").write_text("[frequencies]\nRing = 0.3\n[frequencies.Hat]\nCrown = 0.25\n")
    statistics = seen(some(0.1))
    maker = Members(SCHEMA, statistics, read_rules(tmp_path / "rules.toml", SCHEMA, statistics), 0)
    rows = maker.plan(12)
    for number in range(12):
        other = maker.another(number)
        assert not any(np.array_equal(other, row) for row in rows)
        assert (other[2] == 2) == (rows[number][2] == 2)
        assert other[3] == rows[number][3]
        rows[number] = other
    assert not maker.missed(rows)


def test_more_members_than_there_are_combinations_are_refused(tmp_path):
    with pytest.raises(RequestError, match="only 20 members were found that are new and keep the rules"):
        chosen("[frequencies]\nRing = 0.5\n", seen(lambda every: np.arange(120) >= 20), 30, tmp_path)
