import random
from math import factorial
from statistics import mean, median, pstdev

import msgspec
import pytest

from services.planning.day import Day
from services.planning.national import Pool, percentile, play
from services.planning.one_run import COLD_S, Bursts, LoadRun, Path, play_run
from services.planning.pools import drained_s, peak_p95_s
from services.planning.scaling import Scaler, Scaling

NIGHT = {"peak_hz": 100.0, "peak_at_s": 50_000.0}  # a peak that never comes before the test ends


def erlang_wait_s(rate_hz: float, service_hz: float, servers: int) -> float:
    """Mean wait of M/M/c (Erlang C)."""
    load = rate_hz / service_hz
    last = load**servers / factorial(servers) * servers / (servers - load)
    waits = last / (sum(load**n / factorial(n) for n in range(servers)) + last)
    return waits / (servers * service_hz - rate_hz)


@pytest.mark.parametrize(("servers", "use"), [(1, 0.7), (4, 0.8)])
def test_a_run_waits_as_long_as_erlang_says(servers: int, use: float) -> None:
    rng = random.Random(7)
    service_s = 0.001  # far below a slice, so that hardly a piece of work is cut
    rate_hz = use * servers / service_s
    run = LoadRun(rate_hz=rate_hz, seconds=1e6, cores=servers, workers=1000)
    path = Path(before_s=(service_s,), worker_s=0.0, after_s=())
    latencies = play_run(run, path, count_max=8_000, draw=lambda mean: rng.expovariate(1 / mean) if mean else 0.0)
    waited_s = sum(latencies) / len(latencies) - service_s
    assert waited_s == pytest.approx(erlang_wait_s(rate_hz, 1 / service_s, servers), rel=0.15)


def test_a_run_with_nothing_to_wait_for_takes_what_its_path_takes() -> None:
    path = Path(before_s=(0.004, 0.003), worker_s=0.02, after_s=(0.002,), dispatcher_s=0.001, device_s=0.05, commit_s=0.003)
    latencies = play_run(LoadRun(rate_hz=0.01, seconds=5000, cores=4), path)
    assert latencies == pytest.approx([0.004 + 0.003 + 0.02 + 0.002 + 2 * 0.001 + 0.05 + 0.003] * len(latencies))
    assert len(latencies) > 20


RARE = LoadRun(rate_hz=0.1, seconds=10_000, cores=4)  # a thousand that never meet
NOTHING = Path(before_s=(), worker_s=0.0, after_s=())


def test_who_passes_a_dispatcher_twice_waits_for_the_end_of_two_turns() -> None:
    ever_under_way = LoadRun(rate_hz=2.0, seconds=1_000, cores=4, dispatchers=1, threads=64)
    latencies = play_run(ever_under_way, Path(before_s=(), worker_s=0.0, after_s=(), device_s=10.0, turn_s=0.05))
    assert 10.0 <= min(latencies) < 10.01
    assert 10.09 < max(latencies) < 10.1
    assert mean(latencies) == pytest.approx(10.05, abs=0.003)
    assert pstdev(latencies) == pytest.approx(0.05 / 6**0.5, rel=0.1)  # of the sum of two uniform ones


def test_a_dispatcher_at_rest_starts_what_comes_at_once() -> None:
    latencies = play_run(RARE, Path(before_s=(), worker_s=0.0, after_s=(), device_s=0.2, turn_s=0.05))
    assert 0.2 <= min(latencies) < 0.201
    assert sum(latency_s < 0.25 for latency_s in latencies) > 0.95 * len(latencies), "few meet another"
    assert mean(latencies) == pytest.approx(0.225, abs=0.003)  # one turn's end: the decision's


def test_who_comes_while_a_turn_is_worked_off_waits_for_it_and_for_the_next() -> None:
    busy = LoadRun(rate_hz=20, seconds=60, cores=8, dispatchers=1)
    quick, slow = (play_run(busy, Path(before_s=(), worker_s=0.0, after_s=(), turn_s=0.05, commit_s=s)) for s in (0.0, 0.02))
    assert mean(slow) > mean(quick) + 2 * 0.02


def test_small_waits_have_their_mean_and_a_spread() -> None:
    latencies = play_run(RARE, msgspec.structs.replace(NOTHING, wait_s=0.1))
    assert mean(latencies) == pytest.approx(0.1, rel=0.1)
    assert median(latencies) == pytest.approx(0.0839, rel=0.1)  # of the sum of two exponential ones
    assert play_run(RARE, NOTHING) == [0.0] * len(latencies)


def test_cpu_in_bursts_delays_some_far_more_than_the_same_cpu_spread_evenly() -> None:
    run, half = LoadRun(rate_hz=20, seconds=200, cores=1), 0.5
    even = sorted(play_run(run, Path(before_s=(0.005,), worker_s=0.0, after_s=(), idle_cores=half)))
    burst = Bursts(burst_s=0.1, cores=half)
    uneven = sorted(play_run(run, Path(before_s=(0.005,), worker_s=0.0, after_s=(), bursts=burst)))
    assert uneven[len(uneven) // 4] < even[len(even) // 4]
    assert uneven[len(uneven) * 95 // 100] > 1.5 * even[len(even) * 95 // 100]


def test_bursts_take_the_cores_that_they_are_said_to_and_more_while_kafka_is_cold() -> None:
    burst = Bursts(burst_s=0.1, cores=0.5, warm_up_s=6.0)
    assert burst.rate_hz(0.0) == pytest.approx((0.5 + 6.0 / COLD_S) / 0.1)
    assert burst.rate_hz(COLD_S) == pytest.approx(0.5 / 0.1)
    cold = msgspec.structs.replace(NOTHING, before_s=(0.01,), bursts=Bursts(burst_s=0.1, cores=0.0, warm_up_s=20.0))
    latencies = play_run(LoadRun(rate_hz=20, seconds=2 * COLD_S, cores=1), cold)
    first, last = latencies[: len(latencies) // 3], latencies[-len(latencies) // 3 :]
    assert mean(first) > 2 * mean(last)
    assert mean(last) == pytest.approx(0.011, rel=0.1)  # a tenth waits for another


def test_idle_costs_make_all_else_slower() -> None:
    run, path = LoadRun(rate_hz=0.01, seconds=5000), Path(before_s=(0.1,), worker_s=0.0, after_s=())
    half = Path(before_s=(0.1,), worker_s=0.0, after_s=(), idle_cores=1.0)
    assert play_run(run, half)[0] == pytest.approx(2 * play_run(run, path)[0])


def test_one_dispatcher_does_one_thing_at_a_time() -> None:
    path = Path(before_s=(), worker_s=0.0, after_s=(), dispatcher_s=0.02)
    one = play_run(LoadRun(rate_hz=20, seconds=60, cores=8, dispatchers=1), path)
    four = play_run(LoadRun(rate_hz=20, seconds=60, cores=8, dispatchers=4), path)
    assert sum(one) > 1.5 * sum(four)


def test_threads_that_wait_for_a_device_hold_their_seat() -> None:
    path = Path(before_s=(), worker_s=0.0, after_s=(), device_s=0.1)
    few = play_run(LoadRun(rate_hz=30, seconds=60, workers=1, threads=4), path)
    many = play_run(LoadRun(rate_hz=30, seconds=60, workers=4, threads=4), path)
    assert max(many) < 0.15 < max(few)


def test_a_backlog_is_drained_as_the_fluid_says() -> None:
    """200/s for 10 min of outage, 500/s afterwards: 120,000 / (500 - 200) = 400 s."""
    day = Day(sustained_hz=200, shape="flat", outage_s=600, outage_at_s=600, **NIGHT)
    played = play(day, Pool(worker_hz=50, path_s=0.5, workers=10), until_s=3000)
    assert drained_s(played, day) == pytest.approx(400, abs=60)  # bins of a minute
    assert played.waiting_max == pytest.approx(120_000, rel=0.01)
    assert played.max_s == pytest.approx(600, abs=2)
    assert played.undecided == 0
    arrived, decided = (sum(getattr(minute, name) for minute in played.minutes) for name in ("arrived", "decided"))
    assert decided == arrived


def test_the_last_of_a_peak_waits_as_the_closed_form_says() -> None:
    """1000/s for 60 s into 500/s: (1000 - 500) x 60 = 30,000 wait, the last of them 30,000 / 500 = 60 s."""
    day = Day(sustained_hz=100, peak_hz=1000, peak_at_s=600, shape="flat", outage_s=0, operators={"one": 1.0})
    played = play(day, Pool(worker_hz=50, path_s=0.0, workers=10), until_s=1500)
    assert played.waiting_max == pytest.approx(30_000, rel=0.03)
    assert played.max_s == pytest.approx(60, abs=2)
    assert 50 < (peak_p95_s(played, day) or 0) <= played.max_s


def test_where_workers_are_enough_nobody_waits() -> None:
    day = Day(sustained_hz=200, shape="flat", outage_s=0, **NIGHT)
    played = play(day, Pool(worker_hz=50, path_s=0.5, workers=6), until_s=1800)
    assert played.p95_s == 0.5
    assert played.max_s <= 2.5  # a second or two with more arrivals than room


def test_groups_and_single_registrations_agree_on_an_overload() -> None:
    """60/s into 40/s for 120 s, by both simulations."""
    path = Path(before_s=(), worker_s=0.0, after_s=(), device_s=0.1)
    singles = play_run(LoadRun(rate_hz=60, seconds=120, workers=1, threads=4, dispatchers=100, cores=100), path)
    day = Day(sustained_hz=60, shape="flat", outage_s=0, peak_hz=0.001, peak_at_s=120, peak_s=1e5, operators={"one": 1.0})
    played = play(day, Pool(worker_hz=10, path_s=0.1, workers=4), until_s=400)
    assert played.p50_s == pytest.approx(sorted(singles)[len(singles) // 2], rel=0.1)
    assert played.p95_s == pytest.approx(sorted(singles)[int(len(singles) * 0.95)], rel=0.1)


def test_the_same_seed_is_the_same_day() -> None:
    day = Day(sustained_hz=50, shape="flat", outage_s=0, **NIGHT)
    pool = Pool(worker_hz=30, path_s=0.5, workers=2)
    assert play(day, pool, seed=3, until_s=600) == play(day, pool, seed=3, until_s=600)
    assert play(day, pool, seed=3, until_s=600) != play(day, pool, seed=4, until_s=600)


def test_operators_share_alike_so_that_the_small_ones_wait_for_nothing() -> None:
    """Room for 50/s: 15/s each for the small ones, who ask for no more, and 20/s for the large one, who asks for 30/s."""
    day = Day(sustained_hz=60, shape="flat", outage_s=0, operators={"large": 0.5, "small": 0.25, "also small": 0.25}, **NIGHT)
    played = play(day, Pool(worker_hz=50, path_s=0.0, workers=1), until_s=900)
    assert played.p50_s <= 2
    assert played.max_s == pytest.approx(900 / 3, rel=0.15)


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    weighted = [(1.0, 5), (2.0, 4), (9.0, 1)]
    assert [percentile(weighted, share) for share in (0.5, 0.51, 0.9, 0.95)] == [1, 2, 2, 9]
    assert percentile([], 0.5) is None


# --- scaling -------------------------------------------------------------------------------------------------------------


def scaler(**other: float) -> Scaler:
    values = {"replicas_min": 2, "replicas_max": 20, "target": 10.0, "start_s": 60.0} | other
    return Scaler(Scaling(**values))  # type: ignore[arg-type]


def test_replicas_follow_what_waits_within_their_bounds() -> None:
    one = scaler()
    assert one.decide(0, 0) == 2
    assert one.decide(30, 55) == 6
    assert one.decide(60, 1000) == 12  # doubled, no faster
    assert one.decide(90, 1000) == 20


def test_replicas_come_down_only_after_five_calm_minutes() -> None:
    one = scaler()
    one.decide(0, 60)
    assert one.decide(30, 60) == 6
    assert [one.decide(at_s, 0) for at_s in (60, 180, 300)] == [6, 6, 6]
    assert one.decide(331, 0) == 2


def test_a_worker_decides_nothing_before_it_has_started() -> None:
    day = Day(sustained_hz=100, shape="flat", outage_s=0, **NIGHT)
    slow, quick = (
        play(
            day,
            Pool(worker_hz=20, path_s=0.5, workers=10, scaling=Scaling(replicas_min=1, replicas_max=10, target=7, start_s=s)),
            until_s=1200,
        )
        for s in (300.0, 10.0)
    )
    assert slow.minutes[3].workers == 1
    assert quick.minutes[3].workers > 1
    assert slow.max_s > quick.max_s + 200
    assert slow.undecided == quick.undecided == 0


def test_scaled_workers_rest_at_night_and_stay_when_an_outage_fills_the_queue() -> None:
    day = Day(sustained_hz=100, shape="flat", outage_s=600, outage_at_s=1800, **NIGHT)
    scaling = Scaling(replicas_min=1, replicas_max=20, target=20 * 0.5 * 0.7, start_s=30)
    played = play(day, Pool(worker_hz=20, path_s=0.5, workers=20, scaling=scaling), until_s=6000)
    at = {round(minute.at_s): minute.workers for minute in played.minutes}
    assert 5 <= at[1740] <= 9  # 100/s at a use of 70 % of 20/s each: 7.1
    assert at[2400] == 20
    assert 5 <= at[5940] <= 9
