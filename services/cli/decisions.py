"""`realname decisions`: an operator's decisions, as its own systems would read them."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from deploy.local.errors import StackError
from deploy.local.layout import STATE, recorded
from realname.errors import RealnameError
from realname.messages import RegistrationDecided
from realname.reasons import Language, text_of
from realname.settings import Common, read_settings
from realname.topics import decisions_of
from services.cli.calling import JsonOption, KafkaOption, LanguageOption, OperatorOption, StateOption
from services.cli.decision_topic import DecisionTopic
from services.cli.verdict import STYLES, word_of

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
AGE_MAX = timedelta(days=3650)  # longer than any retention; datetime itself ends at the year 1
_WORD_COLUMNS = 18

FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on reading as they come; Ctrl-C ends it.")]
SinceOption = Annotated[str, typer.Option(metavar="AGE", help="From how long ago on: 90s, 10m, 2h, 7d; `now`: only what comes.")]


def command(
    *,
    operator: OperatorOption = "north",
    follow: FollowOption = False,
    since: SinceOption = "1d",
    language: LanguageOption = "en",
    kafka: KafkaOption = None,
    state: StateOption = STATE,
    json: JsonOption = False,
) -> None:
    """Read decisions.<operator>: one line each, with verdict, time and reasons in words.

    It reads committed records only, as every reader must: an aborted transaction's decision is none. With --json each
    line is the message as it is on the topic.
    """
    age = age_of(since)
    topic = DecisionTopic(kafka or _kafka_of(state), decisions_of(operator))
    console = Console(highlight=False, soft_wrap=True)
    try:
        topic.start(datetime.now(UTC) - age)
        interrupted = _interrupted()
        while not interrupted.is_set():
            for decided in topic.read():
                if json:
                    sys.stdout.write(msgspec.json.encode(decided).decode() + "\n")
                    sys.stdout.flush()
                else:
                    console.print(line_of(decided, language))
            if not follow and topic.is_at_end():
                return
    finally:
        topic.close()


def _interrupted() -> Event:
    """Set by the first Ctrl-C, between two looks: an exception inside kafka-python can leave its closing hung. A second kills."""
    asked = Event()

    def note(_signal: int, _frame: FrameType | None) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    signal.signal(signal.SIGINT, note)
    return asked


def age_of(text: str) -> timedelta:
    """`10m` as ten minutes; `now` as none. Raises RealnameError."""
    number, unit = text[:-1], text[-1:]
    if text == "now":
        return timedelta(0)
    if unit not in UNITS_S or not (number.isascii() and number.isdigit()):
        raise RealnameError(f"--since {text}: a number and a unit, such as 90s, 10m, 2h or 7d; or `now`")
    most = AGE_MAX // timedelta(seconds=UNITS_S[unit])
    if len(number) > len(str(most)) or int(number) > most:
        raise RealnameError(f"--since {text}: {AGE_MAX.days}d at most, which is {most}{unit}")
    return timedelta(seconds=int(number) * UNITS_S[unit])


def line_of(decided: RegistrationDecided, language: Language) -> Text:
    """Time, verdict, how long it took, the reasons in staff's words, the id."""
    took_s = (decided.decided_at - decided.submitted_at).total_seconds()
    words = "  ".join(text_of(reason, language).staff for reason in decided.reasons)
    return Text.assemble(
        (f"{decided.decided_at.astimezone():%m-%d %H:%M:%S}  ", "dim"),
        (f"{word_of(decided.verdict, language):<{_WORD_COLUMNS}}", STYLES[decided.verdict]),
        (f"{took_s:6.1f} s  ", "dim"),
        f"{decided.store}  ",
        words,
        (f"  {decided.id}", "dim"),
    )


def _kafka_of(state: Path) -> str:
    try:
        return recorded(state).kafka
    except StackError:
        return read_settings(Common).kafka
