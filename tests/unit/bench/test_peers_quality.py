"""Which presentations the sides are held against, and how their verdicts are counted."""

from bench.peers.quality import OTHER_PERSON, Verdict, sample, score_of
from bench.peers.tables import figures_of
from bench.peers.wire import Saw

ROWS = sample(2026, genuine_count=16, attack_count=24)
GENUINE, ATTACKS = [row for row in ROWS if not row.is_attack], [row for row in ROWS if row.is_attack]


def test_a_seed_draws_the_same_again_and_another_seed_others():
    again, other = ([row.id for row in sample(seed, genuine_count=16, attack_count=24)] for seed in (2026, 7))
    assert again == [row.id for row in ROWS]
    assert other != again


def test_there_are_as_many_as_asked_for_and_none_that_only_cues_or_an_index_can_tell():
    assert (len(GENUINE), len(ATTACKS)) == (16, 24)
    assert all("no_cues" in row.modes and not row.earlier for row in ROWS)


def test_attacks_are_spread_over_the_species_and_some_show_another_person():
    species = [row.species for row in ATTACKS]
    assert species.count(OTHER_PERSON) == 4
    assert len(set(species)) >= 18


def test_who_sees_nothing_is_right_about_nothing_but_accepts_nothing():
    score = score_of([Verdict(row, "blind", Saw(frames=0)) for row in ROWS])
    assert (score.actions, score.same, score.accepted) == ((0, 16), (0, 20), (0, 16))
    assert (score.attacks, score.unreadable) == ((0, 24), (40, 40))


def test_who_believes_everything_accepts_every_attack_and_takes_others_for_the_person():
    believing = Saw(frames=9, actions=True, same=True, accepted=True)
    score = score_of([Verdict(row, "believing", believing) for row in ROWS])
    assert (score.actions, score.same, score.accepted) == ((16, 16), (16, 20), (16, 16))
    assert score.attacks == (24, 24)
    assert figures_of({"x": score})["x_attacks_accepted_count"] == 24
    assert figures_of({"x": score})["x_same_person_right_of_count"] == 20
