"""`realname challenge`: ask intake what the customer has to do."""

from __future__ import annotations

import sys

import msgspec
from rich.console import Console

from deploy.local.layout import STATE
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
from services.intake.requests import ChallengeRequest


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
    json: JsonOption = False,
) -> None:
    """Ask for a challenge and say what the customer has to do, in order.

    It is good for one registration of this store, terminal and person. To use it: `realname challenge --json > c.json`,
    record a clip that shows the actions, then `realname submit PORTRAIT CLIP --challenge c.json` before it expires.
    """
    person_token = person or new_person()
    client = client_of(Place(intake, token, state, operator))
    issued = client.challenge(ChallengeRequest(store=store, terminal=terminal, person_token=person_token))
    client.close()
    if json:
        saved = SavedChallenge(operator=operator, store=store, terminal=terminal, person_token=person_token, issued=issued)
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(saved)).decode() + "\n")
        return
    console = Console(highlight=False, soft_wrap=True)
    for number, words in enumerate(in_words(issued.actions, language), start=1):
        console.print(f"  {number}. {words}")
    console.print(f"registration {issued.id}, good until {issued.expires_at.astimezone():%H:%M:%S}", style="dim")
