"""Pure: a verdict and its reasons in words, for a terminal and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from realname.messages import Verdict
from realname.reasons import Language, Reason, advice, text_of

EXIT_CODES: dict[Verdict, int] = {"approved": 0, "refused": 1, "retry": 2, "review": 3}
STYLES: dict[Verdict, str] = {"approved": "bold green", "refused": "bold red", "retry": "bold yellow", "review": "bold cyan"}
_WORDS: dict[Language, dict[Verdict, str]] = {
    "en": {"approved": "approved", "refused": "refused", "retry": "try again", "review": "a person must look"},
    "zh": {"approved": "通过", "refused": "拒绝", "retry": "请重试", "review": "待人工复核"},
}


def word_of(verdict: Verdict, language: Language) -> str:
    """The verdict in one or a few words."""
    return _WORDS[language][verdict]


def lines_of(verdict: Verdict, reasons: tuple[Reason, ...], language: Language) -> Iterator[Text]:
    """The verdict, what to tell the customer (at most two things), and for each reason what staff should know."""
    yield Text(word_of(verdict, language), STYLES[verdict])
    for customer in advice(reasons, language):
        yield Text.assemble("  ", customer)
    for reason in reasons:
        yield Text.assemble(("    " + text_of(reason, language).staff, "dim"), (f"  [{reason.value}]", "dim"))


def as_values(reasons: tuple[Reason, ...], language: Language) -> list[dict[str, Any]]:
    """Each reason with its texts."""
    texts = ((reason, text_of(reason, language)) for reason in reasons)
    return [{"reason": reason.value, "customer": text.customer, "staff": text.staff} for reason, text in texts]
