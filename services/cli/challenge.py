"""`realname challenge`: ask intake what the customer has to do."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from deploy.local.layout import STATE
from realname.errors import RealnameError
from realname.reasons import Language
from services.cli.calling import (
    IntakeOption,
    JsonOption,
    LanguageOption,
    OperatorOption,
    PersonOption,
    Place,
    SavedChallenge,
    StateOption,
    StoreOption,
    TerminalOption,
    TokenOption,
    client_of,
    in_words,
    new_person,
)
from services.cli.cue_view import count_in, say_left, say_record, show_cue
from services.cli.cued import CueStream
from services.intake.requests import ChallengeIssued, ChallengeRequest

CuesOption = Annotated[bool, typer.Option("--cues", help="Timed: each action is shown when it is released.")]
SaveOption = Annotated[Path | None, typer.Option("--save", help="Write the challenge here, for `submit --challenge`.")]


def command(
    *,
    operator: OperatorOption = "north",
    store: StoreOption = "store-1",
    terminal: TerminalOption = "till-1",
    person: PersonOption = None,
    language: LanguageOption = "en",
    intake: IntakeOption = None,
    token: TokenOption = None,
    state: StateOption = STATE,
    cues: CuesOption = False,
    save: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Ask for a challenge and say what the customer has to do, in order.

    It is good for one registration of this store, terminal and person. To use it: `realname challenge --save c.json`,
    record a clip that shows the actions, then `realname submit PORTRAIT CLIP --challenge c.json` before it expires.

    With --cues each action is shown when intake releases it, a few seconds in all. Have the recorder run before the
    first, and hand in within 5 seconds of the last. With --json the first line is the challenge, then one line a cue.
    """
    person_token = person or new_person()
    console = Console(highlight=False, soft_wrap=True, quiet=json)
    client = client_of(Place(intake, token, state, operator))
    if cues:
        count_in(console, language)
    issued = client.challenge(ChallengeRequest(store=store, terminal=terminal, person_token=person_token, cues=cues))
    saved = SavedChallenge(operator=operator, store=store, terminal=terminal, person_token=person_token, issued=issued)
    if save is not None:
        _write(save, saved)
    if cues:
        _follow(CueStream(client, issued), saved, console, language, json=json)
    elif json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(saved)).decode() + "\n")
    else:
        _tell(issued, console, language)
    client.close()


def _follow(stream: CueStream, saved: SavedChallenge, console: Console, language: Language, *, json: bool) -> None:
    """Each cue as it is released, in the terminal or as a line of JSON."""
    if json:
        _line(msgspec.to_builtins(saved))
    say_record(console, language)
    for cue in stream:
        if json:
            _line({"event": "cue", **msgspec.to_builtins(cue), "now_s": round(stream.now_s(), 3)})
        show_cue(console, cue.action, language)
    assert stream.digest_until_s is not None, "the stream ends with it"
    if json:
        _line({"event": "end", "digest_until_s": stream.digest_until_s, "now_s": round(stream.now_s(), 3)})
    say_left(console, language, stream.digest_until_s - stream.now_s())


def _tell(issued: ChallengeIssued, console: Console, language: Language) -> None:
    for number, words in enumerate(in_words(issued.actions, language), start=1):
        console.print(f"  {number}. {words}")
    console.print(f"registration {issued.id}, good until {issued.expires_at.astimezone():%H:%M:%S}", style="dim")


def _write(path: Path, saved: SavedChallenge) -> None:
    try:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(saved)) + b"\n")
    except OSError as error:
        raise RealnameError(f"{path} cannot be written: {error.strerror}") from None


def _line(values: dict[str, Any]) -> None:
    """One line, at once: whoever reads it acts on it now."""
    sys.stdout.write(msgspec.json.encode(values).decode() + "\n")
    sys.stdout.flush()
