"""Questions and answers of the peers' bench: as lines, through a side, and through a process of its own."""

import io
import sys
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from bench.peers.children import Child, PeersMissing, interpreters, opened
from bench.peers.serve import serve
from bench.peers.wire import Answered, Ask, PeerBroke, Saw, Schedule, decode_answer, decode_ask, encode_answer, encode_ask

PLAN = Schedule((0.0, 0.08, 0.16), (0.0,), (0.08,), (0.16,))
ASK = Ask("clip.mp4", "portrait.jpg", ("turn_left", "blink"), PLAN)
SAW = Saw(frames=3, seen=("blink",), actions=False, same=True, similarity=0.5, live=None, accepted=False, schedule=PLAN)
READS = "import sys; print('ready fake 1.0', flush=True); line = sys.stdin.readline(); "


class Counting:
    """A side that says how many frames it was told to look at, and breaks at clips named `bad`."""

    about = "counting"
    helpers = ()

    def check(self, ask: Ask) -> Saw:
        if ask.clip == "bad":
            raise OSError("no such codec")
        return Saw(frames=0 if ask.schedule is None else len(ask.schedule.judged), seen=ask.actions)


def test_a_question_comes_out_as_it_went_in_with_a_schedule_or_without():
    for ask in (ASK, Ask("a", "b", ())):
        assert decode_ask(encode_ask(ask)) == ask
        assert encode_ask(ask).count("\n") == 1


def test_an_answer_comes_out_as_it_went_in():
    assert decode_answer(encode_answer(Answered(12.5, SAW))) == Answered(12.5, SAW)


@pytest.mark.parametrize(
    "line", ['{"failed": "OSError: no such codec"}', "Segmentation fault", "{}", '{"cpu_ms": 1, "saw": 3}', "[]"]
)
def test_what_is_no_answer_is_told_as_a_peer_that_broke(line: str):
    with pytest.raises(PeerBroke):
        decode_answer(line)


def test_a_side_that_raises_says_why_and_answers_the_next_question():
    out = io.StringIO()

    serve(Counting(), map(encode_ask, (Ask("bad", "", ()), ASK)), out)

    broken, answered = out.getvalue().splitlines()
    with pytest.raises(PeerBroke, match="no such codec"):
        decode_answer(broken)
    assert decode_answer(answered).saw == Saw(frames=3, seen=ASK.actions)
    assert decode_answer(answered).cpu_ms >= 0


def test_a_child_says_what_it_is_and_answers():
    answer = encode_answer(Answered(7.0, SAW)).strip()
    with TemporaryFile() as errors:
        child = Child([sys.executable, "-c", f"{READS}print({answer!r}, flush=True)"], errors)
        assert child.about == "fake 1.0"
        assert child.ask(ASK) == Answered(7.0, SAW)
        child.close()


def test_a_child_that_dies_is_told_with_what_it_wrote_last():
    with TemporaryFile() as errors:
        child = Child([sys.executable, "-c", f"{READS}raise SystemExit('out of memory')"], errors)
        with pytest.raises(PeerBroke, match="out of memory"):
            child.ask(ASK)
        child.close()


def test_a_child_that_says_nothing_is_ended_at_its_deadline():
    with TemporaryFile() as errors:
        child = Child([sys.executable, "-c", f"{READS}sys.stdin.readline()"], errors, within_s=0.2)
        with pytest.raises(PeerBroke, match=r"nothing for 0\.2 s"):
            child.ask(ASK)
        child.close()


def test_without_the_peers_environment_the_bench_says_what_to_run(tmp_path: Path):
    with pytest.raises(PeersMissing, match="run `make peers`"), opened(interpreters(tmp_path)):
        pass
