import numpy as np
import pytest

from tests.faces import times
from workers.liveness.sameness import sameness_of

FRAMES, SIZE = 40, 2000  # at 12 Hz; numbers of details
RNG = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def _same_data_in_any_order():
    RNG.bit_generator.state = np.random.default_rng(3).bit_generator.state


def drifting(speed: float, *, frames: int = FRAMES) -> np.ndarray:
    """Details that go on changing, as a living face's do: a random walk of unit steps times speed from a first picture."""
    steps = RNG.normal(0, speed, (frames, SIZE))
    steps[0] = RNG.normal(0, 1, SIZE)
    return np.cumsum(steps, axis=0).astype(np.float32)


def noisy(details: np.ndarray, noise: float = 0.05) -> np.ndarray:
    """What the encoder adds, to each frame its own."""
    return (details + RNG.normal(0, noise, details.shape)).astype(np.float32)


def test_a_face_that_hardly_moves_still_drifts():
    same = sameness_of(noisy(drifting(0.04), 0.03), times(FRAMES))
    assert same.drift is not None
    assert same.drift > 1.7


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.08])
def test_a_picture_that_is_held_does_not_drift_whatever_the_encoder_adds(noise):
    details = drifting(0.2)
    details[12:24] = details[12]
    same = sameness_of(noisy(details, noise), times(FRAMES))
    assert same.drift is not None
    assert same.drift < 1.3


def test_a_hold_of_half_a_second_is_no_hold():
    details = drifting(0.2)
    details[12:18] = details[12]
    assert sameness_of(noisy(details), times(FRAMES)).drift is None


def test_a_face_that_moves_all_the_time_was_not_held():
    assert sameness_of(drifting(0.2), times(FRAMES)).drift is None


def test_a_stretch_that_comes_again_is_more_alike_than_neighbours_are():
    once = drifting(0.3, frames=12)
    again = sameness_of(noisy(np.concatenate([drifting(0.3, frames=8), once, once, drifting(0.3, frames=8)])), times(FRAMES))
    assert again.again is not None
    assert again.again < 0.2


def test_a_short_loop_is_found_by_its_period():
    """Five frames over and over: a third of a second, while the person hardly moves."""
    few = drifting(0.15, frames=5)
    details = np.concatenate([drifting(0.15, frames=10), *[few] * 4, drifting(0.15, frames=10)])
    again = sameness_of(noisy(details, 0.02), times(FRAMES)).again
    assert again is not None
    assert again < 0.45


def test_a_living_face_does_not_come_again():
    again = sameness_of(noisy(drifting(0.3)), times(FRAMES)).again
    assert again is not None
    assert again > 1.0


def test_of_a_person_who_sits_still_nothing_is_said_to_come_again():
    assert sameness_of(drifting(0.005), times(FRAMES)).again is None


def test_a_few_frames_say_nothing():
    short = sameness_of(drifting(0.1, frames=5), times(5))
    assert (short.drift, short.again) == (None, None)


@pytest.mark.parametrize("every", [4, 5])
def test_who_hides_the_face_now_and_then_hides_nothing_by_it(every):
    """As by a black frame at each detection: a share of .8 seen is enough for a clip."""
    held = drifting(0.2)
    held[12:26] = held[12]
    held = noisy(held, 0.02)
    held[::every] = np.nan
    drift = sameness_of(held, times(FRAMES)).drift
    assert drift is not None
    assert drift < 1.3
    looped = noisy(np.concatenate([drifting(0.3, frames=8), *[drifting(0.3, frames=12)] * 2, drifting(0.3, frames=8)]), 0.02)
    looped[::every] = np.nan
    again = sameness_of(looped, times(FRAMES)).again
    assert again is not None
    assert again < 0.45


def test_a_face_that_was_seen_too_little_says_nothing_and_no_number_is_none():
    hidden = noisy(drifting(0.04), 0.03)
    hidden[np.arange(FRAMES) % 3 > 0] = np.nan
    same = sameness_of(hidden, times(FRAMES))
    assert (same.drift, same.again) == (None, None)
