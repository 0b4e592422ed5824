"""`realname check PORTRAIT CLIP`: the whole check in this process. The one module of services that runs the workers' code."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console

from bench import media
from realname.errors import RealnameError
from realname.media import sniff_clip, sniff_image
from realname.messages import Action
from realname.policy import Policy, load_policy
from realname.settings import Fetch, Worker, read_settings
from services.cli.calling import JsonOption, LanguageOption
from services.cli.check_view import Checked, as_json, show
from services.cli.failing import fail
from services.cli.recordings import Recordings, read_recordings
from services.cli.verdict import EXIT_CODES
from workers.check import WITHOUT_CUES, Checker, CheckResult, Recorded, open_checker

NOT_CHECKED = 4  # exit code: nothing was judged
EXAMPLE_ACTIONS: tuple[Action, ...] = ("blink", "turn_left")  # what the example's cut shows
ACTIONS_MAX = 3  # as in a challenge
_PLAIN_WIDTH = 110  # where the output is no terminal

PortraitArgument = Annotated[Path | None, typer.Argument(help="The photo from the identity document: JPEG, PNG or WebP.")]
ClipArgument = Annotated[Path | None, typer.Argument(help="The recording: MP4, WebM or MOV.")]
ExampleOption = Annotated[bool, typer.Option("--example", help="Instead of both: person A of the fetched media (`make media`).")]
ActionsOption = Annotated[
    str | None,
    typer.Option(
        "--actions", metavar="A,B", help="What was asked, in order, of blink, turn_left, turn_right (the customer's own sides)."
    ),
]
CuesOption = Annotated[
    str | None,
    typer.Option(
        "--cues", metavar="1.0,3.2", help="When each of --actions was asked, in seconds of the clip: held to its window."
    ),
]
PolicyOption = Annotated[str, typer.Option("--policy", help="development, production, or a TOML file.")]
PlotOption = Annotated[
    Path | None, typer.Option("--plot", metavar="PNG", help="Draw it over time. The picture shows the person: it is evidence.")
]


def command(
    portrait: PortraitArgument = None,
    clip: ClipArgument = None,
    actions: ActionsOption = None,
    cues: CuesOption = None,
    policy: PolicyOption = "development",
    plot: PlotOption = None,
    language: LanguageOption = "en",
    *,
    example: ExampleOption = False,
    json: JsonOption = False,
) -> None:
    """Judge a portrait and a clip in this process, with no broker and no stack, and print every signal with its threshold.

    The real models, the sandboxed decoder and the same decision as in production. Nothing is kept or sent; only --plot
    writes a file.

    Without --actions no challenge is held against the clip: whatever it shows is taken as asked, so the verdict is on
    capture, depth, passive PAD and the match alone, and the output says so. --example asks for the blink and the turn
    that its cut shows, unless --actions says otherwise. --cues also holds each action to the time after its cue; without
    them --policy production ends in review.

    Exit code 0: approved; 1: refused; 2: retry; 3: review; above 3: nothing was judged (4: a file or a model is missing;
    64: this line is wrong).
    """
    try:
        rules = load_policy(policy)
        asked = asked_of(actions, example=example)
        recorded = cued_of(cues, asked)
        recordings = _example() if _wants_example(portrait, clip, example=example) else _given(portrait, clip)
        checked = run_check(recordings, asked, rules, _with_folder(plot), recorded=recorded)
    except RealnameError as error:
        fail(error, NOT_CHECKED)
    if json:
        sys.stdout.write(as_json(checked, language) + "\n")
    else:
        console = Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
        show(checked, language, console)
        if plot is not None:
            console.print(f"drawn: {plot} (it shows the person)", style="dim", markup=False, soft_wrap=True)
    sys.exit(EXIT_CODES[checked.decision.verdict])


def run_check(
    recordings: Recordings,
    asked: tuple[Action, ...] | None,
    policy: Policy,
    plot: Path | None,
    *,
    recorded: Recorded = WITHOUT_CUES,
) -> Checked:
    """One check with its own models and decoder; draws it where `plot` names a file.

    Raises RealnameError where a model is missing, the decoder does not start, or the picture cannot be written.
    """
    with open_checker(read_settings(Worker), policy) as checker:
        result = checker.check(*recordings, asked, at=datetime.now(UTC), recorded=recorded)
        if plot is not None:
            _draw(checker, result, plot)
    return checked_of(result, policy)


def checked_of(result: CheckResult, policy: Policy) -> Checked:
    """The result without the person's pictures: what may be printed."""
    size = None if result.clip is None else (result.clip.width, result.clip.height)
    return Checked(
        decision=result.decision,
        policy=policy,
        asked=result.asked,
        size_px=size,
        cpu_ms=result.cpu_ms,
        waited_ms=result.waited_ms,
    )


def asked_of(actions: str | None, *, example: bool) -> tuple[Action, ...] | None:
    """The actions that were named; None: no challenge. Raises RealnameError for a word that is no action."""
    if actions is None:
        return EXAMPLE_ACTIONS if example else None
    named = [word.strip() for word in actions.split(",") if word.strip()]
    known: dict[str, Action] = {action: action for action in get_args(Action)}
    for word in named:
        if word not in known:
            raise RealnameError(f"--actions: {word!r} is no action; there are {', '.join(known)}")
    if not 0 < len(named) <= ACTIONS_MAX:
        raise RealnameError(f"--actions: name 1 to {ACTIONS_MAX}, as a challenge does; leave it out for no challenge")
    return tuple(known[word] for word in named)


def cued_of(cues: str | None, asked: tuple[Action, ...] | None) -> Recorded:
    """The cues that were named, as a challenge that was issued with the clip's first frame would bear them.

    Raises RealnameError for what is no list of seconds, is out of order, or has another length than the actions.
    """
    if cues is None:
        return WITHOUT_CUES
    try:
        at_s = tuple(float(word) for word in cues.split(","))
    except ValueError:
        raise RealnameError(f"--cues: {cues!r} is no list of seconds, such as 1.0,3.2") from None
    if not all(map(isfinite, at_s)) or any(later <= sooner for sooner, later in pairwise(at_s)):
        raise RealnameError("--cues: each must come after the one before")
    if len(at_s) != len(asked or ()):
        raise RealnameError(f"--cues: {len(at_s)} of them for {len(asked or ())} actions; --actions says what was asked")
    return Recorded(cues_at_s=at_s, clip_started_at_s=0.0)


def _wants_example(portrait: Path | None, clip: Path | None, *, example: bool) -> bool:
    if example and (portrait or clip):
        raise RealnameError("--example brings its own portrait and clip: give it none")
    return example


def _given(portrait: Path | None, clip: Path | None) -> Recordings:
    """Both files, by the first bytes what they should be and no larger than intake takes."""
    if portrait is None or clip is None:
        raise RealnameError("give a PORTRAIT and a CLIP, or --example")
    read = read_recordings(portrait, clip)
    if sniff_image(read.portrait) is None:
        raise RealnameError(f"{portrait} is not an image: JPEG, PNG or WebP is needed")
    if sniff_clip(read.clip) is None:
        raise RealnameError(f"{clip} is not a clip: MP4, MOV or WebM is needed")
    return read


def _example() -> Recordings:
    """A genuine cut of person A, encoded in memory as a phone would."""
    folder = Path(read_settings(Fetch).media_dir)
    for name in (media.A_PORTRAIT, media.A_BLINK_TURN_BLINK.file):
        if not (folder / name).is_file():
            raise RealnameError(f"{folder / name} is not there: run `make media`")
    return Recordings(media.portrait(folder, media.A_PORTRAIT), media.cut(folder, media.A_BLINK_TURN_BLINK))


def _with_folder(plot: Path | None) -> Path | None:
    """Looked at before the check: nobody waits for a picture that has no place."""
    if plot is not None and not plot.resolve().parent.is_dir():
        raise RealnameError(f"{plot}: there is no folder {plot.parent}")
    return plot


def _draw(checker: Checker, result: CheckResult, path: Path) -> None:
    try:
        checker.plot(result, path)
    except ModuleNotFoundError as missing:
        raise RealnameError(f"--plot needs {missing.name}: install realname[dev]") from None
    except OSError as error:
        raise RealnameError(f"{path} cannot be written: {error.strerror}") from None
