"""Pure: what a decoder child may spend on one recording, and in all."""

from __future__ import annotations

from msgspec import Struct

from realname.settings import Worker

MEBIBYTE = 1024 * 1024


class DecoderLimits(Struct, frozen=True, kw_only=True):
    """Sent to each child as its first message; the parent checks each answer against the same values."""

    clip_pixels_max: int  # width x height of a frame
    clip_packets_max: int
    clip_s_max: float  # first to last pts; the policy's own bound is lower and gives the same reason
    portrait_pixels_max: int  # as the header says, before decoding
    portrait_side_px_max: int = 1600  # a longer side is scaled down to it: a face fills a third of a portrait
    within_s: float  # wall time of one recording, sending and answering included
    frames_bytes_max: int = 400 * MEBIBYTE  # of one answer: 15 s of 1280x720 at 15 Hz are 311 MB
    address_space_bytes_max: int  # RLIMIT_AS, its buffers not counted; a child that does nothing takes 400 MB
    served_max: int  # recordings after which a child is replaced: what leaks or was broken in it goes with it

    @property
    def cpu_s_max(self) -> int:
        """RLIMIT_CPU of a child's whole life: a backstop for one that its parent cannot end."""
        return int(self.within_s * self.served_max) + 60


def limits_of(settings: Worker) -> DecoderLimits:
    """The limits of one worker process."""
    return DecoderLimits(
        clip_pixels_max=settings.clip_pixels_max,
        clip_packets_max=settings.clip_packets_max,
        clip_s_max=settings.clip_s_max,
        portrait_pixels_max=settings.portrait_pixels_max,
        within_s=settings.decode_within_s,
        address_space_bytes_max=settings.decoder_bytes_max,
        served_max=settings.decoder_served_max,
    )
