"""`realname submit PORTRAIT CLIP`: hand a registration in, see it move, read the verdict."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from deploy.local.layout import STATE
from realname.errors import RealnameError
from realname.messages import Consent
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
    read_saved,
)
from services.cli.client import IntakeClient, ProblemAnswered, Upload, upload_of
from services.cli.cued import Recorded, announce
from services.cli.recordings import read_recordings
from services.cli.verdict import EXIT_CODES, as_values, lines_of
from services.intake.requests import ChallengeRequest, RegistrationRequest, StatusAnswer

REQUEST_REFUSED = 4  # intake answered with a problem document
NO_ANSWER = 5  # everything else: no stack, no file, not decided in time

PortraitSource = Literal["chip_read", "document_photo", "scan"]
PortraitArgument = Annotated[Path, typer.Argument(help="The photo from the identity document: JPEG, PNG or WebP.")]
ClipArgument = Annotated[Path, typer.Argument(help="The recording: MP4, WebM or MOV, 1.5 to 12 seconds.")]
ChallengeOption = Annotated[
    Path | None, typer.Option("--challenge", help="A file of `realname challenge`, saved or printed; a new one unless given.")
]
StartedOption = Annotated[
    float, typer.Option("--clip-started-at", help="With cues: when the clip begins, in seconds from the challenge's issue.")
]
PurposeOption = Annotated[Literal["mobile", "broadband", "replacement"], typer.Option(help="What is registered.")]
LinesOption = Annotated[int, typer.Option(min=0, help="Lines that the person's document number holds already.")]
SourceOption = Annotated[PortraitSource, typer.Option(help="Where the portrait comes from.")]
WithinOption = Annotated[float, typer.Option(min=1, help="Seconds to wait for the decision.")]


def command(
    portrait: PortraitArgument,
    clip: ClipArgument,
    *,
    challenge: ChallengeOption = None,
    clip_started_at: StartedOption = 0.0,
    operator: OperatorOption = "north",
    store: StoreOption = "store-1",
    terminal: TerminalOption = "till-1",
    person: PersonOption = None,
    purpose: PurposeOption = "mobile",
    lines_held: LinesOption = 0,
    portrait_source: SourceOption = "chip_read",
    language: LanguageOption = "en",
    within: WithinOption = 120.0,
    intake: IntakeOption = None,
    token: TokenOption = None,
    state: StateOption = STATE,
    json: JsonOption = False,
) -> None:
    """Hand in a portrait and a clip, show it moving through the stages, and print the verdict with its reasons.

    Without --challenge a new one is asked for: a clip recorded before then shows the asked actions only by chance. The
    challenge's file also says operator, store, terminal and person. Where it has cues, the clip's digest is announced
    first: that must be within 5 seconds of the last cue.

    Exit code 0: approved; 1: refused; 2: retry; 3: review; 4: the request was refused; 5: no answer.
    """
    show = Console(stderr=json, highlight=False, soft_wrap=True, quiet=json)
    began_s = time.monotonic()
    try:
        media = read_recordings(portrait, clip)
        if challenge is not None:
            saved = read_saved(challenge)
            client = client_of(Place(intake, token, state, saved.operator))
        else:
            client = client_of(Place(intake, token, state, operator))
            saved = _ask(client, operator, store, terminal, person or new_person())
        _say_actions(show, saved, language, is_new=challenge is None)
        request = _request(saved, purpose, lines_held, portrait_source, language)
        if saved.issued.cues is not None:
            taken = announce(client, saved.issued, Recorded(media.clip, clip_started_at))
            show.print(f"digest taken at {taken.digest_at_s:.1f} s", style="dim", markup=False)
            request = msgspec.structs.replace(request, digest_receipt=taken.digest_receipt)
        accepted = _upload(client, upload_of(request, *media), show)
        show.print(f"registration {accepted}", style="dim", markup=False)
        seen = _follow(client, accepted, show, began_s=began_s, within_s=within)
    except ProblemAnswered as problem:
        _fail(problem, REQUEST_REFUSED, json=json)
    except RealnameError as error:
        _fail(error, NO_ANSWER, json=json)
    client.close()
    _tell(seen, language, show, json=json)


def _ask(client: IntakeClient, operator: str, store: str, terminal: str, person: str) -> SavedChallenge:
    issued = client.challenge(ChallengeRequest(store=store, terminal=terminal, person_token=person))
    return SavedChallenge(operator=operator, store=store, terminal=terminal, person_token=person, issued=issued)


def _say_actions(show: Console, saved: SavedChallenge, language: Language, *, is_new: bool) -> None:
    asked = ", then ".join(in_words(saved.issued.actions, language)) or "what the cues showed"
    show.print(f"asked: {asked}", markup=False)
    if is_new:
        show.print("the clip was there before the challenge: it fits by chance (see `realname challenge`)", style="dim")


def _request(
    saved: SavedChallenge, purpose: str, lines_held: int, portrait_source: PortraitSource, language: Language
) -> RegistrationRequest:
    consent = Consent(reference="command-line", given_at=datetime.now(UTC), text_version="command-line", language=language)
    values = {
        "challenge": saved.issued.challenge,
        "store": saved.store,
        "terminal": saved.terminal,
        "person_token": saved.person_token,
        "purpose": purpose,
        "lines_held": lines_held,
        "consent": msgspec.to_builtins(consent),
        "portrait_source": portrait_source,
    }
    return msgspec.convert(values, type=RegistrationRequest)


def _upload(client: IntakeClient, upload: Upload, show: Console) -> str:
    columns = (TextColumn("uploading"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=show, transient=True, disable=show.quiet) as progress:
        task = progress.add_task("", total=len(upload.body))
        return client.register(upload, lambda sent, _: progress.update(task, completed=sent)).id


def _follow(client: IntakeClient, registration_id: str, show: Console, *, began_s: float, within_s: float) -> list[StatusAnswer]:
    """Each status once, the decision last."""
    seen: list[StatusAnswer] = []
    for status in client.follow_on(registration_id, within_s=began_s + within_s - time.monotonic()):
        if seen and status.step == seen[-1].step:
            continue
        seen.append(status)
        show.print(f"  {time.monotonic() - began_s:6.1f} s  {status.step}", markup=False)
    if seen and seen[-1].step == "decided":
        return seen
    raise RealnameError(
        f"not decided within {within_s:.0f} s; it is kept and will be: `realname decisions`, id {registration_id}"
    )


def _tell(seen: list[StatusAnswer], language: Language, show: Console, *, json: bool) -> NoReturn:
    decided = seen[-1]
    assert decided.verdict is not None, "a decided status carries its verdict"
    if json:
        values = {
            "id": decided.id,
            "verdict": decided.verdict,
            "reasons": as_values(decided.reasons, language),
            "steps": [{"step": each.step, "at": each.at} for each in seen],
        }
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(values)).decode() + "\n")
    for line in lines_of(decided.verdict, decided.reasons, language):
        show.print(line)
    sys.exit(EXIT_CODES[decided.verdict])


def _fail(error: RealnameError, code: int, *, json: bool) -> NoReturn:
    if json and isinstance(error, ProblemAnswered):
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(error.document)).decode() + "\n")
    else:
        Console(stderr=True, highlight=False, soft_wrap=True).print(f"realname: {error}", style="red", markup=False)
    sys.exit(code)
