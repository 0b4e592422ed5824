"""Pictures that nobody looks at are not decoded; what is looked at is the same, bit by bit. In this process: our own bytes."""

from __future__ import annotations

import io

import av
import numpy as np
from numpy.typing import NDArray

from tests.recordings import clip_bytes
from tests.watched_decoder import LIMITS
from workers.decoder.clips import decode_clip
from workers.decoder.skipping import is_unreferenced, length_bytes_of, planned
from workers.decoder.thinning import thin
from workers.decoder.wire import Frames

TWO_BETWEEN = {"preset": "fast", "bf": "3", "threads": "1"}  # x264's own choice: every second picture is referred to by none
PROCESS_HZ = 12.0
WEIGHTED_BIT = 18  # of x264's picture parameter set, its head counted: weighted_bipred_idc's second


def decoded(clip: bytes) -> tuple[Frames, NDArray[np.uint8]]:
    canvas = np.zeros(120 * 160 * 3 // 2 * 60, np.uint8)
    frames = decode_clip(clip, PROCESS_HZ, LIMITS, canvas)
    return frames, canvas[: len(frames.at_s) * 180 * 160].reshape(-1, 180, 160)


def decoded_whole(clip: bytes) -> tuple[int, list[tuple[float, NDArray[np.uint8]]]]:
    """How many pictures there are, and what thinning keeps of them; by the library alone, nothing left out."""
    with av.open(io.BytesIO(clip)) as container:
        pictures = [(float(frame.time or 0), frame.to_ndarray()) for frame in container.decode(video=0)]
    return len(pictures), list(thin(((at_s - pictures[0][0], picture) for at_s, picture in pictures), PROCESS_HZ))


def test_a_recording_with_pictures_that_none_refers_to_gives_the_same_frames_as_decoding_all_of_it():
    clip = clip_bytes(frames=50, encoder=TWO_BETWEEN)
    frames, pixels = decoded(clip)
    count, kept = decoded_whole(clip)
    assert frames.frames_decoded == count == 50
    assert frames.at_s == [at_s for at_s, _ in kept]
    assert np.array_equal(pixels, np.stack([picture for _, picture in kept]))


def test_a_real_encoder_says_of_many_pictures_that_none_refers_to_them():
    packets, length_bytes = packets_of(clip_bytes(frames=50, encoder=TWO_BETWEEN))
    assert sum(is_unreferenced(packet, length_bytes) for packet in packets) >= 10


def test_where_a_packet_is_broken_the_recording_is_decoded_whole_and_a_neighbour_stands_in():
    clip = clip_bytes(frames=50, encoder=TWO_BETWEEN)
    packets, _ = packets_of(clip)
    gaps_s: list[float] = []

    for packet in packets[20:-2]:
        broken = clip.replace(packet, packet[:5] + bytes(len(packet) - 5))  # its head stays: it says what it was
        gaps_s.append(float(np.diff(decoded(broken)[0].at_s).max()))

    assert max(gaps_s) < 0.13, "left out with its neighbours a picture would leave a gap of 0.16 s"


def test_a_picture_that_brings_parameters_for_those_after_it_is_decoded():
    clip = with_parameters_in_a_picture_that_none_refers_to(clip_bytes(frames=50, encoder=TWO_BETWEEN))
    _, kept = decoded_whole(clip)
    assert np.array_equal(decoded(clip)[1], np.stack([picture for _, picture in kept]))


def with_parameters_in_a_picture_that_none_refers_to(clip: bytes) -> bytes:
    """Its own picture parameter set, weighted_bipred_idc changed: the pictures after it are decoded to others."""
    _, length_bytes = packets_of(clip)
    file = io.BytesIO()
    with av.open(io.BytesIO(clip)) as source, av.open(file, "w", format="mp4") as target:
        template = source.streams.video[0]
        stream = target.add_stream_from_template(template)
        changed = changed_parameters(bytes(template.codec_context.extradata or b""), length_bytes)
        packets = [each for each in source.demux(video=0) if each.size]
        free = [is_unreferenced(bytes(each), length_bytes) for each in packets]
        bearer = min(planned([float((each.pts or 0) * each.time_base) for each in packets], free, PROCESS_HZ).needless)
        for place, packet in enumerate(packets):
            copy = av.Packet(changed * (place == bearer) + bytes(packet))
            copy.pts, copy.dts, copy.time_base, copy.stream = packet.pts, packet.dts, packet.time_base, stream
            copy.is_keyframe = packet.is_keyframe
            target.mux(copy)
    return file.getvalue()


def changed_parameters(configuration: bytes, length_bytes: int) -> bytes:
    """configuration: an AVCDecoderConfigurationRecord with one set of either kind."""
    at = 8 + int.from_bytes(configuration[6:8], "big")  # where the one sequence parameter set ends
    size = int.from_bytes(configuration[at + 1 : at + 3], "big")
    unit = bytearray(configuration[at + 3 : at + 3 + size])
    unit[WEIGHTED_BIT // 8] ^= 0x80 >> WEIGHTED_BIT % 8
    return size.to_bytes(length_bytes, "big") + bytes(unit)


def packets_of(clip: bytes) -> tuple[list[bytes], int]:
    with av.open(io.BytesIO(clip)) as container:
        length_bytes = length_bytes_of(container.streams.video[0].codec_context.extradata)
        assert length_bytes is not None
        return [bytes(packet) for packet in container.demux(video=0) if packet.size], length_bytes
