"""The multipart body: where it is cut into chunks never matters, and no limit can be slipped past."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.problem_names import Name
from services.intake.problems import Problem
from services.intake.upload import FRAMING_BYTES_MAX, Limits, Received, Upload, boundary_of, media_of
from tests.fakes.intake import CLIP, JPEG, in_chunks

BOUNDARY = "xXboundaryXx"
LIMITS = Limits(request=200, portrait=3000, clip=12_000)


def body_of(parts: list[tuple[str, bytes]], *, end: bytes = b"--\r\n") -> bytes:
    pieces = [
        b'--%s\r\nContent-Disposition: form-data; name="%s"; filename="f"\r\nContent-Type: x/y\r\n\r\n%s\r\n'
        % (BOUNDARY.encode(), name.encode(), content)
        for name, content in parts
    ]
    return b"".join(pieces) + b"--" + BOUNDARY.encode() + end


def taken(body: bytes, cuts: list[int] | None = None) -> Received | Problem:
    upload = Upload(BOUNDARY, LIMITS)
    for chunk in in_chunks(body, iter(cuts or [])):
        if problem := upload.take(chunk):
            return problem
    return upload.finish()


WHOLE = [("request", b'{"a": 1}'), ("portrait", JPEG), ("clip", CLIP)]
# contents that look like boundaries and line ends, where a parser that cuts badly would stumble
TRICKY = st.lists(st.sampled_from([b"\r\n", b"--", BOUNDARY.encode(), b"\r\n--" + BOUNDARY.encode()[:5], b"x", b"\r", b"\x00"]))


@given(st.permutations(WHOLE), TRICKY, st.lists(st.integers(0, 14_000), max_size=30))
def test_chunk_boundaries_anywhere_give_the_same_parts(parts, tricky: list[bytes], cuts: list[int]) -> None:
    filling = b"".join(tricky).replace(b"\r\n--" + BOUNDARY.encode(), b"")[:500]
    parts = [(name, content + filling if name == "clip" else content) for name, content in parts]
    found = taken(body_of(parts), cuts)
    assert isinstance(found, Received), found
    sent = dict(parts)
    assert found.portrait is not None
    assert found.clip is not None
    assert bytes(found.request) == sent["request"]
    assert (bytes(found.portrait.content), found.portrait.media_type) == (sent["portrait"], "image/jpeg")
    assert (bytes(found.clip.content), found.clip.media_type) == (sent["clip"], "video/mp4")


@given(st.integers(1, 60))
def test_chunks_of_one_size_give_the_same_parts(size: int) -> None:
    body = body_of(WHOLE)
    assert taken(body, list(range(size, len(body), size))) == taken(body)


FAULTS = {
    "unknown": ([*WHOLE, ("extra", b"x")], Problem(Name.PART_UNKNOWN, field="extra")),
    "unnamed": ([("", b"x")], Problem(Name.PART_UNKNOWN, field="")),
    "duplicate": ([WHOLE[0], WHOLE[1], WHOLE[1]], Problem(Name.PART_DUPLICATE, field="portrait")),
    "no request": (WHOLE[1:], Problem(Name.PART_MISSING, field="request")),
    "request too large": ([("request", b"x" * 201)], Problem(Name.BODY_TOO_LARGE, field="request")),
    "portrait too large": ([WHOLE[0], ("portrait", JPEG * 3)], Problem(Name.BODY_TOO_LARGE, field="portrait")),
    "clip too large": ([WHOLE[0], ("clip", CLIP * 2)], Problem(Name.BODY_TOO_LARGE, field="clip")),
    "text as portrait": ([WHOLE[0], ("portrait", b"hello" * 20)], Problem(Name.PORTRAIT_NOT_AN_IMAGE, field="portrait")),
    "clip as portrait": ([WHOLE[0], ("portrait", CLIP[:99])], Problem(Name.PORTRAIT_NOT_AN_IMAGE, field="portrait")),
    "empty portrait": ([WHOLE[0], ("portrait", b"")], Problem(Name.PORTRAIT_NOT_AN_IMAGE, field="portrait")),
    "image as clip": ([WHOLE[0], ("clip", JPEG)], Problem(Name.CLIP_NOT_A_VIDEO, field="clip")),
    "empty clip": ([WHOLE[0], ("clip", b"")], Problem(Name.CLIP_NOT_A_VIDEO, field="clip")),
    "sdp": ([WHOLE[0], ("clip", b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n")], Problem(Name.CLIP_NOT_A_VIDEO, field="clip")),
    "hls": ([WHOLE[0], ("clip", b"#EXTM3U\n#EXT-X-VERSION:3\n" + b"x" * 50)], Problem(Name.CLIP_NOT_A_VIDEO, field="clip")),
    "dash": ([WHOLE[0], ("clip", b'<?xml version="1.0"?><MPD>' + b" " * 50)], Problem(Name.CLIP_NOT_A_VIDEO, field="clip")),
    "ffconcat": ([WHOLE[0], ("clip", b"ffconcat version 1.0\nfile x\n")], Problem(Name.CLIP_NOT_A_VIDEO, field="clip")),
}


@given(st.sampled_from(sorted(FAULTS)), st.lists(st.integers(0, 20_000), max_size=20))
def test_a_fault_is_named_wherever_the_chunks_are_cut(fault: str, cuts: list[int]) -> None:
    parts, problem = FAULTS[fault]
    assert taken(body_of(parts), cuts) == problem


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named(fault: str) -> None:
    parts, problem = FAULTS[fault]
    assert taken(body_of(parts)) == problem


def test_a_clip_that_is_none_is_known_with_its_head_and_not_at_its_end() -> None:
    upload = Upload(BOUNDARY, LIMITS)
    head = body_of([("clip", b"#EXTM3U\n" + b"x" * 40)], end=b"")
    cut = head.index(b"#EXTM3U") + 32
    assert upload.take(head[:cut]) == Problem(Name.CLIP_NOT_A_VIDEO, field="clip")


@given(st.integers(0, len(body_of(WHOLE)) - 4))
def test_a_body_that_ends_early_is_never_taken(end: int) -> None:
    found = taken(body_of(WHOLE)[:end])
    assert isinstance(found, Problem)
    assert found.name in {Name.BODY_INCOMPLETE, Name.BODY_MALFORMED}


def test_what_stands_after_the_parts_has_its_limit_too() -> None:
    upload = Upload(BOUNDARY, LIMITS)
    assert upload.take(body_of(WHOLE)) is None
    problems = [upload.take(b"\r\n" * 1000) for _ in range(20)]
    assert Problem(Name.BODY_TOO_LARGE) in problems


def test_a_body_in_which_no_part_begins_is_cut_off_early() -> None:
    upload = Upload(BOUNDARY, LIMITS)
    assert upload.take(b"x" * FRAMING_BYTES_MAX) is None
    assert upload.take(b"x") == Problem(Name.BODY_MALFORMED)


def test_endless_part_headers_are_cut_off() -> None:
    upload = Upload(BOUNDARY, LIMITS)
    assert upload.take(b"--" + BOUNDARY.encode() + b"\r\nX-Long: " + b"x" * 5000) == Problem(Name.BODY_TOO_LARGE)


@given(st.binary(max_size=400))
def test_no_bytes_crash_it(noise: bytes) -> None:
    taken(noise)
    taken(b"--" + BOUNDARY.encode() + b"\r\n" + noise)


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ("multipart/form-data; boundary=abc", "abc"),
        ('Multipart/Form-Data; charset=utf-8; boundary="a b c"', "a b c"),
        ("multipart/mixed; boundary=abc", None),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=" + "x" * 71, None),
        ("application/json", None),
        (None, None),
    ],
)
def test_the_boundary_is_read_from_the_content_type(header: str | None, boundary: str | None) -> None:
    assert boundary_of(header) == boundary


def test_the_face_path_has_both_media_and_the_referee_path_none() -> None:
    whole, alone = taken(body_of(WHOLE)), taken(body_of(WHOLE[:1]))
    assert isinstance(whole, Received)
    assert isinstance(alone, Received)
    both = media_of(whole, "face")
    assert not isinstance(both, Problem)
    assert set(both) == {"portrait", "clip"}
    assert media_of(alone, "referee") == {}
    assert media_of(alone, "face") == Problem(Name.PART_MISSING, field="portrait")
    assert media_of(whole, "referee") == Problem(Name.PART_UNKNOWN, field="portrait")
