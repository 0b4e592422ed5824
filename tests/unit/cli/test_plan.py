from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from bench.result import result_of, write
from realname.errors import RealnameError
from services.cli.main import application
from services.cli.plan_options import seconds_of
from services.cli.plan_view import Plan, PlayedDay, plan_values
from services.planning.day import Day
from services.planning.demand import Demand
from services.planning.machines import machine_rows
from services.planning.national import play
from services.planning.pools import pool_of
from tests.coefficients import KEPT, kept

ROWS = ("partitions  ", "dispatchers  ", "intake processes", "decode cores", "GPUs", "CPU-only worker cores", "Redis memory")
ROWS_OF_BYTES = ("broker writes", "Kafka disk", "network, stores to intake", "vault")


def plan(*arguments: str):
    return CliRunner().invoke(application(), ["plan", *arguments])


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plan") / "day.png"


@pytest.fixture(scope="module")
def national(picture: Path):
    return plan("--peak", "1000", "--sustained", "200", "--outage", "30m", "--coefficients", str(KEPT), "--plot", str(picture))


def test_every_row_is_printed_with_its_arithmetic_and_what_it_rests_on(national) -> None:
    assert national.exit_code == 0, national.output
    lines = national.stdout.splitlines()
    top = lines[: lines.index(next(line for line in lines if line.startswith("What it rests on")))]
    for name in (*ROWS, *ROWS_OF_BYTES):
        row = "\n".join(top).partition(name)[2]
        assert "[" in row[:600], name
        assert any(basis in row[:80] for basis in ("assumed", "derived", "measured", "declared")), name


def test_each_source_stands_once_and_a_gpu_is_said_to_be_assumed(national) -> None:
    assert national.stdout.count("gpu_call_ms 3: ASSUMED") == 1
    assert "no GPU was measured" in national.stdout
    assert "2026-11-25" in national.stdout


def test_the_day_is_shown_scaled_and_with_all_workers_up(national) -> None:
    for line in ("scaled by KEDA", "all workers up", "backlog gone after the outage's end", "30.0 min at most"):
        assert line in national.stdout


def test_a_day_whose_workers_come_too_late_says_so(national) -> None:
    assert "missed: " in national.stdout
    assert "come too late" in national.stdout


def test_the_plot_is_a_picture(national, picture: Path) -> None:
    assert f"drawn: {picture}" in national.stderr.replace("\n", "")
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_program_gets_every_row_whole_and_what_the_day_came_to() -> None:
    demand, c = Demand(peak_hz=100, sustained_hz=20, outage_s=600), kept()
    day = Day(sustained_hz=20, peak_hz=100, peak_at_s=600, outage_s=600, outage_at_s=1800, shape="flat")
    pool = pool_of(demand, c, "cpu", is_scaled=False)
    played = [PlayedDay("all workers up", pool, play(day, pool, until_s=3600))]
    values = msgspec.to_builtins(plan_values(Plan(demand, c, "cpu", day, machine_rows(demand, c), played)))
    assert all(row["rests_on"] and row["arithmetic"] for row in values["rows"])
    assert values["day"]["all workers up"]["undecided"] == 0
    assert values["day"]["all workers up"]["worker_hours"] == pytest.approx(pool.workers)
    # 20/s x 600 s wait; pool of 40/s / .7 in whole workers drains them beside 20/s
    expected_s = 12_000 / (pool.workers * pool.worker_hz - 20)
    assert values["day"]["all workers up"]["drained_s"] == pytest.approx(expected_s, abs=60)


def test_a_day_that_ends_before_its_backlog_does_says_so() -> None:
    done = plan("--peak", "20", "--sustained", "2", "--outage", "9h", "--coefficients", str(KEPT))
    assert "missed: not by midnight" in done.stdout, done.output


def test_a_prediction_is_written_down_and_held_against_a_run(tmp_path: Path) -> None:
    said = plan("--predict", "4", "--seconds", "60", "--json")
    assert said.exit_code == 0, said.output
    (file := tmp_path / "said.json").write_text(said.stdout)
    figures = msgspec.json.decode(said.stdout)["figures"]
    right = write(result_of("load-right", "a test", ratios={}, figures=figures), tmp_path)
    wrong = write(result_of("load-wrong", "a test", ratios={}, figures=figures | {"p95_s": 3 * figures["p95_s"]}), tmp_path)
    held = plan("--check", str(right), "--prediction", str(file))
    assert (held.exit_code, "within 20%" in held.stdout) == (0, True), held.output
    off = plan("--check", str(wrong), "--prediction", str(file))
    assert off.exit_code == 1
    assert "off: p95_s" in off.stdout
    assert plan("--check", str(right), "--seconds", "60").exit_code == 0  # predicted now, at the rate that it names


def test_a_run_is_predicted_as_its_result_says_that_it_was_made(tmp_path: Path) -> None:
    made = {"rate_hz": 4.0, "seconds": 60.0, "workers": 1.0, "threads": 1.0, "cores": 1.0, "dispatchers": 1.0}
    said = plan("--predict", "4", "--seconds", "60", "--threads", "1", "--cores", "1", "--dispatchers", "1", "--json")
    figures = msgspec.json.decode(said.stdout)["figures"]
    file = write(result_of("load-small", "a test", ratios={}, figures=figures | made), tmp_path)
    done = plan("--check", str(file), "--json")
    assert done.exit_code == 0, done.output
    assert all(abs(one["off"]) < 0.001 for one in msgspec.json.decode(done.stdout))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--outage", "soon"), "no duration"),
        (("--peak", "10"), "--peak must be at least --sustained"),
        (("--drain", "0"), "above 0"),
        (("--coefficients", "nowhere.json"), "nowhere.json does not read"),
        (("--plot", "no/such/folder/x.png"), "there is no folder"),
        (("--check", "nowhere.json"), "nowhere.json does not read"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_planned(arguments: tuple[str, ...], said: str) -> None:
    done = plan(*arguments)
    assert done.exit_code == 4
    assert said in done.stderr


def test_a_coefficients_file_that_lacks_a_figure_is_named(tmp_path: Path) -> None:
    values = msgspec.json.decode(KEPT.read_bytes())
    del values["figures"]["decode_cpu_ms"]
    (file := tmp_path / "mine.json").write_bytes(msgspec.json.encode(values))
    done = plan("--coefficients", str(file))
    assert done.exit_code == 4
    assert "lacks decode_cpu_ms" in done.stderr


def test_an_unknown_word_is_wrong_use() -> None:
    assert plan("--shape", "round").exit_code == 64


def test_help_says_what_each_option_is_for() -> None:
    done = plan("--help")
    assert done.exit_code == 0
    for option in (
        "--peak",
        "--sustained",
        "--outage",
        "--headroom",
        "--coefficients",
        "--plot",
        "--predict",
        "--check",
        "--json",
    ):
        assert option in done.output


@pytest.mark.parametrize(("words", "seconds"), [("30m", 1800), ("90s", 90), ("1.5h", 5400), ("45", 45), ("0", 0)])
def test_durations_have_their_unit(words: str, seconds: float) -> None:
    assert seconds_of(words) == seconds


@pytest.mark.parametrize("words", ["", "m", "soon", "-5m", "25h", "nan"])
def test_what_is_no_duration_is_refused(words: str) -> None:
    with pytest.raises(RealnameError):
        seconds_of(words)
