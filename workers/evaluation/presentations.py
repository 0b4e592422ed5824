"""Presentations, bona fide and attacks: a CSV manifest, or a layout of folders. No recording is opened here."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import get_args

from realname.messages import Action, PortraitSource
from workers.evaluation.dataset import Dataset, DatasetWrong, Kind, Line, Presentation, lines_of

PRESENTATION_NEEDED = frozenset({"presentation", "kind", "clip", "portrait"})
PRESENTATION_COLUMNS = PRESENTATION_NEEDED | {
    "species",
    "subject",
    "actions",
    "cues_at_s",
    "clip_started_at_s",
    "digest_at_s",
    "portrait_source",
    "mated",
}
ACTIONS_FILE = "actions.txt"
PORTRAITS = ("portrait.jpg", "portrait.jpeg", "portrait.png", "portrait.webp")
CLIPS = ("clip.mp4", "clip.webm", "clip.mov")
BONA_FIDE, ATTACK = "bona_fide", "attack"
ACTIONS_MAX = 3  # as in a challenge
ID_CHARS_MAX = 120
IDS_ARE_PATHS = "ids are the folders' paths, and stand in the report: do not let them name anyone"

_ACTIONS: dict[str, Action] = {action: action for action in get_args(Action)}
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_SOURCES: dict[str, PortraitSource] = {source: source for source in get_args(PortraitSource)}


def read_presentations(file: Path) -> Dataset:
    """A CSV of one presentation a line; paths are relative to it. Raises DatasetWrong."""
    found: list[Presentation] = []
    seen: dict[str, int] = {}
    for line in lines_of(file, needed=PRESENTATION_NEEDED, known=PRESENTATION_COLUMNS):
        one = _presentation(line)
        if one.id in seen:
            raise line.wrong(f"presentation {one.id} stands in line {seen[one.id]}, too: give each its own id")
        seen[one.id] = line.number
        found.append(one)
    if not found:
        raise DatasetWrong(f"{file.name} has no presentation: write one a line below the header")
    return Dataset(file.stem, presentations=tuple(found))


def read_folders(folder: Path) -> Dataset:
    """bona_fide/SUBJECT/ and attack/SPECIES/NAME/, each with portrait.jpg, clip.mp4 and perhaps actions.txt.

    Each innermost folder is one presentation, so that a subject may have several, below its own; a portrait may lie
    once in the folder above. Ids are the paths. Raises DatasetWrong.
    """
    found = [
        *(_in_folder(folder, inner, kind="bona_fide") for inner in _innermost(folder / BONA_FIDE)),
        *(_in_folder(folder, inner, kind="attack") for inner in _innermost(folder / ATTACK)),
    ]
    if not found:
        raise DatasetWrong(f"{folder} has no presentation: they lie at bona_fide/SUBJECT/ and attack/SPECIES/NAME/")
    return Dataset(folder.name, presentations=tuple(found), remarks=(IDS_ARE_PATHS,))


def _presentation(line: Line) -> Presentation:
    kind = _KINDS.get(line.needed("kind"))
    if kind is None:
        raise line.wrong(f"kind says {line.cells['kind']!r}: write bona_fide or attack")
    species = line.cells.get("species") or None
    if kind == "attack" and species is None:
        raise line.wrong("an attack needs its species: name the kind of artefact, e.g. print_bent")
    if kind == "bona_fide" and species is not None:
        raise line.wrong("a bona fide presentation has no species: leave it empty")
    identity, folder = line.needed("presentation"), line.file.parent
    if len(identity) > ID_CHARS_MAX:
        raise line.wrong(f"presentation is longer than {ID_CHARS_MAX} characters: shorten it")
    actions = _actions(line)
    return Presentation(
        id=identity,
        kind=kind,
        species=species,
        subject=line.cells.get("subject") or None,
        portrait=folder / line.needed("portrait"),
        clip=folder / line.needed("clip"),
        actions=actions,
        cues_at_s=_cues(line, actions),
        clip_started_at_s=_second(line, "clip_started_at_s"),
        digest_at_s=_second(line, "digest_at_s"),
        portrait_source=_source(line),
        mated=line.yes_or_no("mated", default=True),
        groups=line.groups,
    )


def _actions(line: Line) -> tuple[Action, ...] | None:
    cell = line.cells.get("actions", "")
    if not cell:
        return None
    try:
        return parse_actions(cell)
    except ValueError as error:
        raise line.wrong(f"actions: {error}") from None


def parse_actions(words: str) -> tuple[Action, ...]:
    """`blink turn_left` -> the actions, in order; commas do as well as blanks. Raises ValueError."""
    named = words.replace(",", " ").replace(";", " ").split()
    for word in named:
        if word not in _ACTIONS:
            raise ValueError(f"{word!r} is none: there are {', '.join(_ACTIONS)}")
    if not 0 < len(named) <= ACTIONS_MAX:
        raise ValueError(f"{len(named)} of them: a challenge has 1 to {ACTIONS_MAX}")
    return tuple(_ACTIONS[word] for word in named)


def _cues(line: Line, actions: tuple[Action, ...] | None) -> tuple[float, ...]:
    words = line.cells.get("cues_at_s", "").replace(";", " ").split()
    if not words:
        return ()
    if len(words) != len(actions or ()):
        raise line.wrong(f"{len(words)} cues_at_s for {len(actions or ())} actions: one each, divided by blanks")
    if not line.cells.get("clip_started_at_s"):
        raise line.wrong("cues_at_s need clip_started_at_s, on the same clock: fill it in")
    return tuple(_number(line, "cues_at_s", word) for word in words)


def _second(line: Line, column: str) -> float | None:
    cell = line.cells.get(column, "")
    return _number(line, column, cell) if cell else None


def _number(line: Line, column: str, word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise line.wrong(f"{column} says {word!r}: write seconds, e.g. 2.4")
    return value


def _source(line: Line) -> PortraitSource:
    cell = line.cells.get("portrait_source") or "chip_read"
    if cell not in _SOURCES:
        raise line.wrong(f"portrait_source says {cell!r}: there are {', '.join(_SOURCES)}")
    return _SOURCES[cell]


def _innermost(folder: Path) -> Iterator[Path]:
    """Folders without folders in them, in order; hidden ones are left out."""
    for inner in sorted(path for path in folder.glob("*") if path.is_dir() and not path.name.startswith(".")):
        deeper = list(_innermost(inner))
        yield from deeper or [inner]


def _in_folder(root: Path, folder: Path, *, kind: Kind) -> Presentation:
    steps = folder.relative_to(root).parts
    if kind == "attack" and len(steps) < len(("attack", "species", "name")):
        raise DatasetWrong(f"{folder}: an attack lies at attack/SPECIES/NAME/: move it one folder down")
    return Presentation(
        id="/".join(steps),
        kind=kind,
        species=steps[1] if kind == "attack" else None,
        subject=steps[1] if kind == "bona_fide" else None,
        portrait=_one_of(PORTRAITS, folder, folder.parent),
        clip=_one_of(CLIPS, folder),
        actions=_written_actions(folder / ACTIONS_FILE),
    )


def _one_of(names: tuple[str, ...], *folders: Path) -> Path:
    """The file that there is; where there is none, where it should be."""
    places = (folder / name for folder in folders for name in names)
    return next((path for path in places if path.is_file()), folders[0] / names[0])


def _written_actions(file: Path) -> tuple[Action, ...] | None:
    if not file.is_file():
        return None
    try:
        return parse_actions(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetWrong(f"{file}: {error}") from None
