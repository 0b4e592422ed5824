"""What a peer costs beside ours: run in turns, on the frames that ours looked at, told as the median of the pairs."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bench.peers.costs import MODES, PEERS, Asks, Pair, figures_of, pairs_of, ratios_of
from bench.peers.wire import Answered, Ask, PeerBroke, Saw, Schedule

ASKED = {"reference": Ask("r.mp4", "p.jpg", ("blink",)), "page": Ask("g.mp4", "p.jpg", ("blink",))}


@dataclass
class Fake:
    """Notes what it is asked; costs what it is told."""

    name: str
    log: list[tuple[str, Ask]]
    answer: Callable[[Ask], Answered]

    def ask(self, ask: Ask) -> Answered:
        self.log.append((self.name, ask))
        return self.answer(ask)


def plan_of(clip: str, run: int) -> Schedule:
    return Schedule((0.0, float(run)), (0.0,), (), (float(len(clip)),))


def asked(runs: int) -> tuple[list[tuple[str, Ask]], list[Pair]]:
    log: list[tuple[str, Ask]] = []

    def ours(ask: Ask) -> Answered:
        return Answered(100.0, Saw(frames=2, schedule=plan_of(ask.clip, len(log))))

    sides: dict[str, Asks] = {name: Fake(name, log, lambda _: Answered(500.0, Saw(frames=9))) for name in PEERS}
    sides["ours"] = Fake("ours", log, ours)
    return log, pairs_of(sides, ASKED, runs=runs)


def pair(ours_ms: float, peer_ms: float, mode: str = "each_frame", peer: str = PEERS[0]) -> Pair:
    return Pair("page", peer, mode, ours_ms, peer_ms, Saw(frames=1))


def test_ours_and_a_peer_are_run_by_turns():
    log, _ = asked(runs=2)
    assert [name for name, _ in log[::2]] == ["ours"] * (len(log) // 2)
    assert [name for name, _ in log[1:12:2]] == [peer for peer in PEERS for _ in MODES]


def test_the_first_round_warms_up_and_every_later_one_counts():
    log, pairs = asked(runs=2)
    assert len(log) == 2 * 3 * len(ASKED) * len(PEERS) * len(MODES)
    assert len(pairs) == len(log) // 2 * 2 // 3


def test_a_peer_gets_every_frame_or_the_very_frames_of_our_run_just_before():
    log, _ = asked(runs=1)
    for place in range(1, len(log), 2):
        (_, before), (_, ask) = log[place - 1], log[place]
        assert before.schedule is None
        assert ask.clip == before.clip
        assert ask.schedule in (None, plan_of(ask.clip, place))
    assert sum(ask.schedule is not None for _, ask in log[1::2]) == len(log) // 4


def test_a_clip_that_ours_does_not_read_ends_the_run():
    blind: dict[str, Asks] = {name: Fake(name, [], lambda _: Answered(1.0, Saw(frames=0))) for name in ("ours", *PEERS)}
    with pytest.raises(PeerBroke, match="reference"):
        pairs_of(blind, ASKED, runs=1)


def test_a_ratio_is_the_median_of_the_pairs_own_with_the_least_and_the_most():
    ratio = ratios_of([pair(100, 600), pair(200, 800), pair(100, 900)])["mediapipe_face_recognition_page_each_frame"]
    assert (ratio.value, ratio.least, ratio.most, ratio.better) == (6.0, 4.0, 9.0, "more")


def test_only_what_people_would_run_has_a_goal():
    ratios = ratios_of([pair(1, 2, mode, peer) for mode in MODES for peer in PEERS])
    assert {name for name, ratio in ratios.items() if ratio.goal == 5.0} == {
        "mediapipe_face_recognition_page_each_frame",
        "scrfd_arcface_page_each_frame",
    }


def test_the_figures_are_medians_of_each_peer_and_of_ours_over_all_its_runs():
    figures = figures_of([pair(100, 600), pair(300, 800), pair(500, 10, "our_schedule")])
    assert figures["mediapipe_face_recognition_page_each_frame_ms"] == 700
    assert figures["ours_page_ms"] == 300
