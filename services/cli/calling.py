"""What the commands that call intake share: their options, and the client for them."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
import typer
from msgspec import Struct

from deploy.local.layout import recorded
from realname.errors import RealnameError
from realname.messages import Action
from realname.reasons import Language
from services.cli.client import IntakeClient, development_token
from services.intake.requests import ChallengeIssued

StateOption = Annotated[
    Path, typer.Option("--state", envvar="REALNAME_STATE", help="Folder of the local stack: its ports and development keys.")
]
IntakeOption = Annotated[
    str | None, typer.Option("--intake", metavar="URL", help="Where intake is; the local stack's unless given.")
]
TokenOption = Annotated[
    str | None,
    typer.Option(
        "--token", envvar="REALNAME_TOKEN", help="A caller's token; signed with the development key unless given.", metavar="JWT"
    ),
]
OperatorOption = Annotated[str, typer.Option(help="The operator; of the local stack: north, harbor or summit.")]
StoreOption = Annotated[str, typer.Option(help="The store's name.")]
TerminalOption = Annotated[str, typer.Option(help="The terminal's name.")]
PersonOption = Annotated[
    str | None, typer.Option("--person", metavar="TOKEN", help="Your opaque token of the person, never a document number.")
]
LanguageOption = Annotated[Literal["zh", "en"], typer.Option(help="Of reasons and actions.")]
KafkaOption = Annotated[str | None, typer.Option("--kafka", metavar="HOST:PORT", help="The local stack's unless given.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]

_ACTIONS: dict[Language, dict[Action, str]] = {
    "en": {"blink": "blink", "turn_left": "turn your head to your left", "turn_right": "turn your head to your right"},
    "zh": {"blink": "眨眼", "turn_left": "向您的左边转头", "turn_right": "向您的右边转头"},
}


class SavedChallenge(Struct, frozen=True):
    """A challenge with what it is bound to: what `challenge --json` prints and `submit --challenge` reads."""

    operator: str
    store: str
    terminal: str
    person_token: str
    issued: ChallengeIssued


class Place(NamedTuple):
    """Where to call, and as whom."""

    url: str | None
    token: str | None
    state: Path
    operator: str


def client_of(place: Place) -> IntakeClient:
    """The client; what is not given comes from the local stack's record and its development keys."""
    url = place.url or recorded(place.state).intake_url
    return IntakeClient(url, place.token or development_token(place.state / "keys", place.operator))


def new_person() -> str:
    """A token of nobody, for tries."""
    return f"try-{secrets.token_hex(8)}"


def in_words(actions: tuple[Action, ...], language: Language) -> list[str]:
    """The actions, in order, as a customer is told."""
    return [_ACTIONS[language][action] for action in actions]


def read_saved(path: Path) -> SavedChallenge:
    """The first JSON value of the file: with --cues the cues stand behind it, a line each.

    Raises RealnameError where it is not what `challenge` printed or saved.
    """
    try:
        first, _ = json.JSONDecoder().raw_decode(path.read_text("utf-8"))
        return msgspec.convert(first, type=SavedChallenge)
    except OSError as error:
        raise RealnameError(f"{path} does not read: {error.strerror}") from None
    except (msgspec.MsgspecError, ValueError):
        raise RealnameError(f"{path} is not what `realname challenge --json` printed") from None
