"""Pure: the errors that mean something. The class says what to do; its docstring is the first half of its message."""

from __future__ import annotations

from realname.reasons import Reason


class RealnameError(Exception):
    """Something that realname names. Everything else that is raised is a bug."""


class Transient(RealnameError):
    """Try the same message again: a neighbour (vault, Redis, Kafka) does not answer now."""


class BadRecording(RealnameError):
    """The recording cannot be judged; the store can act on the reason."""

    def __init__(self, reason: Reason) -> None:
        """reason: the outcome to report. No detail of the media goes in."""
        super().__init__(reason.value)
        self.reason = reason


class EvidenceMissing(RealnameError):
    """The vault has no such object, or it does not open: it ends in review, never in a verdict."""


class VaultFull(RealnameError):
    """The vault takes no more: nothing was stored; answer 503 and alert."""


class SettingsWrong(RealnameError):
    """A REALNAME_ variable is unknown or out of bounds: the process does not start, and names it."""


class RecordUnreadable(RealnameError):
    """A Kafka record that no known message type decodes: park it with its address."""


class RecordTooNew(RealnameError):
    """A record of a newer version of a known type: stop this partition and upgrade."""
