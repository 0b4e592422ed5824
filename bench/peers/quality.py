"""What each side makes of genuine presentations and attacks: a sample of bench/presentations, each asked as a finished clip.

Without cues, and without an index of earlier clips: no peer has either. What only those can tell is not in the sample.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers.costs import Asks
from bench.peers.wire import Ask, Saw
from bench.presentations.attacks import attacks
from bench.presentations.folder import WEBM_MAGIC
from bench.presentations.genuine import genuine
from bench.presentations.presentation import Presentation

OTHER_PERSON = "others_document"  # the one species whose portrait shows somebody else
OTHER_PERSON_SHARE = 6  # one in so many attacks is of it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one side made of one presentation."""

    presentation: Presentation
    side: str
    saw: Saw

    @property
    def same_person(self) -> bool | None:
        """The truth, where it is plain: an attack may show both the person and another, or nobody."""
        if self.presentation.is_attack:
            return False if self.presentation.species == OTHER_PERSON else None
        return True


@dataclass(frozen=True, slots=True)
class Score:
    """Of one side. Each: how many of how many.

    actions, accepted: of the genuine ones. same: of those whose truth is plain. attacks: how many it accepted.
    unreadable: clips that it did not decode, of all.
    """

    actions: tuple[int, int]
    same: tuple[int, int]
    accepted: tuple[int, int]
    attacks: tuple[int, int]
    unreadable: tuple[int, int]


def sample(seed: int, *, genuine_count: int, attack_count: int) -> list[Presentation]:
    """The same for the same seed. Attacks come from as many species as there are places, one of each before a second of any."""
    chance = random.Random(seed)
    judged = [row for row in genuine() if "no_cues" in row.modes]
    by_species: dict[str, list[Presentation]] = {}
    for row in attacks():
        if "no_cues" in row.modes and not row.earlier:
            by_species.setdefault(row.species, []).append(row)
    for rows in by_species.values():
        chance.shuffle(rows)
    others = by_species.pop(OTHER_PERSON)[: max(1, attack_count // OTHER_PERSON_SHARE)]
    species = sorted(by_species)
    chance.shuffle(species)
    rounds = [by_species[each][place] for place in range(attack_count) for each in species if place < len(by_species[each])]
    chosen = [*others, *rounds][:attack_count]
    return [*chance.sample(judged, min(genuine_count, len(judged))), *chosen]


def verdicts_of(
    sides: dict[str, Asks], presentations: Sequence[Presentation], media: Path, folder: Path, *, tick: Callable[[], None]
) -> Iterator[Verdict]:
    """Each side on each, on every frame. folder: where the files may lie for as long as they are asked about; then they go."""
    for one in presentations:
        clip, portrait = one.clip(media), folder / f"{one.id}.jpg"
        path = folder / f"{one.id}.{'webm' if clip.startswith(WEBM_MAGIC) else 'mp4'}"
        path.write_bytes(clip)
        portrait.write_bytes(one.portrait(media))
        for name, side in sides.items():
            yield Verdict(one, name, side.ask(Ask(str(path), str(portrait), one.actions)).saw)
        path.unlink()
        portrait.unlink()
        tick()


def score_of(verdicts: Sequence[Verdict]) -> Score:
    """Of one side's verdicts. Unseen is not right: who cannot read a clip has not seen its actions, nor its person."""
    real = [each for each in verdicts if not each.presentation.is_attack]
    plain = [each for each in verdicts if each.same_person is not None]
    return Score(
        actions=(sum(each.saw.actions for each in real), len(real)),
        same=(sum(each.saw.same is each.same_person for each in plain), len(plain)),
        accepted=(sum(each.saw.accepted for each in real), len(real)),
        attacks=(
            sum(each.saw.accepted for each in verdicts if each.presentation.is_attack),
            len(verdicts) - len(real),
        ),
        unreadable=(sum(each.saw.frames == 0 for each in verdicts), len(verdicts)),
    )
