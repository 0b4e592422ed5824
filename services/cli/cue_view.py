"""Timed cues in a terminal: what to do now, big and plain, and the seconds that are left."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.align import Align
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from realname.messages import Action
from realname.reasons import Language
from services.cli.calling import in_words

READY_S = 3  # to look up and to start a recorder
# On a screen that one looks at, one's own left is the screen's left.
_ARROWS: dict[Action, str] = {"turn_left": "<<<  ", "turn_right": ">>>  ", "blink": ""}
_STYLES: dict[Action, str] = {"turn_left": "bold cyan", "turn_right": "bold magenta", "blink": "bold yellow"}
_READY: dict[Language, str] = {"en": "look straight at the camera; it begins in", "zh": "请正视镜头，倒计时"}
_RECORD: dict[Language, str] = {"en": "record now; do what is shown, when it is shown", "zh": "请开始录制，看到提示后立即照做"}
_LEFT: dict[Language, str] = {
    "en": "that was the last: finish, and hand in within",
    "zh": "已是最后一个提示，请做完后在此时间内提交",
}


def count_in(console: Console, language: Language, sleep: Callable[[float], None] = time.sleep) -> None:
    """READY_S seconds, counted aloud; in a terminal alone, since nobody waits behind a pipe."""
    _count_down(console, _READY[language], float(READY_S), sleep)


def say_record(console: Console, language: Language) -> None:
    """The challenge is issued: its clock runs."""
    console.print(_RECORD[language], style="bold reverse")


def show_cue(console: Console, action: Action, language: Language) -> None:
    """One action, now."""
    style = _STYLES[action]
    words = Text(_ARROWS[action] + in_words((action,), language)[0].upper(), style)
    console.print(Panel(Align.center(words), border_style=style, padding=(1, 2)))


def say_left(console: Console, language: Language, left_s: float, sleep: Callable[[float], None] = time.sleep) -> None:
    """How long the digest may still come; counted down in a terminal."""
    console.print(f"{_LEFT[language]} {max(0.0, left_s):.1f} s", style="bold", markup=False)
    _count_down(console, "", left_s, sleep)


def _count_down(console: Console, words: str, seconds: float, sleep: Callable[[float], None]) -> None:
    if console.quiet or not console.is_terminal:
        return
    with console.status("") as status:
        while seconds > 0:
            status.update(Text(f"{words} {seconds:.0f} s".strip(), "bold"))
            step_s = min(1.0, seconds)
            sleep(step_s)
            seconds -= step_s
