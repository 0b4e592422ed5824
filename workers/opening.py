"""What a check in one process needs, opened once: the models, and one sandboxed decoder child."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import NamedTuple

from models.registry import Models, load
from realname.settings import Worker
from workers.decoder.limits import limits_of
from workers.decoder.pool import Decoder


class Opened(NamedTuple):
    """Closed with the block that opened them."""

    models: Models
    decoder: Decoder


@contextmanager
def opened(settings: Worker) -> Generator[Opened]:
    """For as long as the block runs. Raises ModelCorrupt, DeviceMissing, SettingsWrong."""
    decoder = Decoder(limits_of(settings), children=1, died=_nobody)
    try:
        models = load(settings)
        try:
            yield Opened(models, decoder)
        finally:
            models.close()
    finally:
        decoder.close()


def _nobody(_: str) -> None:
    """Who is told of decoder deaths: that the recording does not read says enough here."""
