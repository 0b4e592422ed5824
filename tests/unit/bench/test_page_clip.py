"""The clip as our page records it: upright, at its rate, of its weight."""

import io
from pathlib import Path

import av
import numpy as np

from bench import media


def test_a_page_clip_is_upright_at_the_pages_rate_and_as_long_as_its_piece(tmp_path: Path):
    noise = np.random.default_rng(1)
    frames = [noise.integers(0, 255, (300, 400, 3)).astype(np.uint8) for _ in range(50)]
    (tmp_path / "c.mp4").write_bytes(media.encode(frames, 25))

    clip = media.page_clip(tmp_path, media.Piece("c.mp4", 10, 34))

    with av.open(io.BytesIO(clip)) as source:
        found = [(frame.width, frame.height, float(frame.pts * frame.time_base)) for frame in source.decode(video=0)]
    assert {(width, height) for width, height, _ in found} == {(480, 640)}
    assert len(found) == 15  # a second
    assert np.allclose(np.diff([at_s for *_, at_s in found]), 1 / 15, atol=1e-3)


def test_the_view_is_cut_round_the_middle_and_stays_in_the_picture(tmp_path: Path):
    frame = np.zeros((300, 400, 3), np.uint8)
    frame[:, 300:] = 255
    (tmp_path / "c.mp4").write_bytes(media.encode([frame] * 10, 25, bit_rate=4_000_000))

    views = {middle: media.page_clip(tmp_path, media.Piece("c.mp4", 0, 9), middle) for middle in (0.0, 0.5, 1.0)}

    white = {}
    for middle, clip in views.items():
        with av.open(io.BytesIO(clip)) as source:
            white[middle] = float((next(source.decode(video=0)).to_ndarray(format="gray") > 128).mean())
    assert white[0.0] < 0.02  # columns 0 to 225
    assert abs(white[0.5] - 12 / 225) < 0.03  # 88 to 313
    assert abs(white[1.0] - 100 / 225) < 0.03  # 175 to 400
