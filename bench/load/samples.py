"""Who is sent: genuine people with their clips and portraits out of the registry media, as bodies that are made once."""

from __future__ import annotations

import multiprocessing
import secrets
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from bench import media
from bench.visit import request_body
from demo.cases import A_SHOWS, B_SHOWS

PORTRAIT_QUALITY = 92
PORTRAIT_SIZE = (480, 640)  # of a portrait cut out of a document's picture


class Sample(NamedTuple):
    """One genuine person. shows: the challenges that the clip meets; tail: the media parts of a multipart body."""

    shows: tuple[tuple[str, ...], ...]
    tail: bytes
    portrait_bytes: int
    clip_bytes: int


class Material(NamedTuple):
    """What a run sends."""

    bodies: Bodies
    samples: list[Sample]

    @property
    def sizes(self) -> dict[str, float]:
        """Bytes, of one each at the mean."""
        count = len(self.samples)
        portraits, clips = (
            sum(each) / count for each in zip(*((s.portrait_bytes, s.clip_bytes) for s in self.samples), strict=True)
        )
        return {"portrait_bytes": portraits, "clip_bytes": clips}


class Bodies:
    """Makes each registration's body out of its request and its sample's media, which are not copied."""

    def __init__(self) -> None:
        self._boundary = secrets.token_hex(16).encode()
        self._head = b"--" + self._boundary + b'\r\nContent-Disposition: form-data; name="request"\r\n'
        self._head += b"Content-Type: application/json\r\n\r\n"

    @property
    def content_type(self) -> bytes:
        """For the header."""
        return b"multipart/form-data; boundary=" + self._boundary

    def parts_of(self, challenge: str, sample: Sample) -> tuple[bytes, bytes]:
        """Two pieces to be sent one after the other."""
        return self._head + request_body(challenge), sample.tail

    def sample_of(self, portrait: bytes, clip: bytes, shows: tuple[tuple[str, ...], ...]) -> Sample:
        """Its media as the rest of a body."""
        each = (("portrait", b"image/jpeg", portrait), ("clip", b"video/mp4", clip))
        parts = [
            b'\r\n--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n\r\n%s'
            % (self._boundary, name.encode(), name.encode(), kind, content)
            for name, kind, content in each
        ]
        return Sample(shows, b"".join(parts) + b"\r\n--" + self._boundary + b"--\r\n", len(portrait), len(clip))


def genuine(folder: Path, *, clip_bit_rate: int) -> Material:
    """Two people, each with their own portrait. Takes some seconds: clips are cut and encoded, in a process of its own.

    Its decoded frames are more than a gigabyte, which would be counted as the loader's memory.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child:
        made = child.submit(make_media, folder, clip_bit_rate).result()
    bodies = Bodies()
    return Material(bodies, [bodies.sample_of(*each) for each in made])


def make_media(folder: Path, clip_bit_rate: int) -> list[tuple[bytes, bytes, tuple[tuple[str, ...], ...]]]:
    """Portrait, clip, and the challenges that the clip meets, of each person."""
    size = media.scaled(*PORTRAIT_SIZE)
    photo = media.jpeg(size(media.photo_of(folder, media.A_PORTRAIT)), PORTRAIT_QUALITY)
    frame = media.frame_as_portrait(folder, *media.B_PORTRAIT)
    a = media.cut(folder, media.A_BLINK_TURN_BLINK, bit_rate=clip_bit_rate)
    b = media.cut(folder, media.B_BLINK_TURN, bit_rate=clip_bit_rate)
    return [(photo, a, A_SHOWS), (frame, b, B_SHOWS)]
