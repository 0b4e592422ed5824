"""Genuine presentations drawn at random, to hold against figures that were tuned on the suite's own cuts.

The people and their acts are the suite's, since no others are in a registry: of each person one turn, so what differs between two
cuts is where they begin and end, when the cues come, how they are recorded, in what light, and by which side. A cue comes after
the act before it is over. A's blinks before the turn follow it too closely for two cues, so A turns first; B blinks first.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from bench.presentations.genuine import Way, presented
from bench.presentations.labels import A, B, Cut, Person
from bench.presentations.optics import light
from bench.presentations.presentation import Presentation

_ANSWERS = {A.name: ((1, 2), (1, 3), (1, 4), (1, 2, 3), (1, 2, 4), (1, 3, 4)), B.name: ((0, 1),)}
_STRETCHES = {A.name: (1020, 1249), B.name: (396, 600)}
A_WIDE_FROM = 1044  # A's cuts that begin earlier have another median, and the same turn reads less (labels.Cut)
_SIZES = (None, (320, 240), (480, 360), (640, 480), (480, 640), (1280, 720))


def drawn(count: int, seed: int) -> list[Presentation]:
    """So many; the same for the same seed."""
    chance = random.Random(seed)
    cuts = _cuts(chance)
    return [
        presented(next(cuts), _way(chance, number), number, mirrored=chance.choice((True, False)), prefix=f"drawn-{number:03d}")
        for number in range(count)
    ]


def _cuts(chance: random.Random) -> Iterator[Cut]:
    while True:
        person = chance.choice((A, B))
        answers = chance.choice(_ANSWERS[person.name])
        start, end = _STRETCHES[person.name]
        first = max(start, person.acts[answers[0]].first - chance.randint(12, 40))
        last = min(end, person.acts[answers[-1]].last + chance.randint(8, 50))
        cut = Cut(person, first, last, answers, chance.uniform(0.3, 1.2))
        if _answerable(cut, person):
            yield cut._replace(wide=person is A and first >= A_WIDE_FROM)  # B's turn reads 15 to 16 degrees


def _answerable(cut: Cut, person: Person) -> bool:
    """Whether each cue is within the clip and comes when the act before it is over."""
    over_s = [0.0, *((person.acts[act].last + 3 - cut.first) / person.rate_hz for act in cut.answers[:-1])]
    return all(cue >= over for cue, over in zip(cut.cues_at_s, over_s, strict=True))


def _way(chance: random.Random, number: int) -> Way:
    return Way(
        f"way {number}",
        chance.choice(("h264", "vp8", "vp9", "av1")),
        chance.choice(_SIZES),
        chance.choice((None, 15, 20, 25, 30)),
        chance.choice((500_000, 800_000, 1_300_000, 2_500_000)),
        light(chance.uniform(0.42, 1.45), chance.uniform(0.85, 1.2)),
    )
