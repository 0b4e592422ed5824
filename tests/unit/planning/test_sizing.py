import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.planning.coefficients import NAMES, SHIPPED, Coefficient, Coefficients, CoefficientsWrong, decode, encode
from services.planning.day import FLAT, SHAPES, Day
from services.planning.demand import Demand, backlog, deciding_hz
from services.planning.machines import gpu_ms_a_check, machine_rows
from services.planning.rows import Row
from services.planning.storage import storage_rows
from tests.coefficients import kept

ROUND = {
    "intake_cpu_ms": 10.0,
    "dispatcher_cpu_ms": 5.0,
    "valkey_cpu_ms": 1.0,
    "kafka_cpu_ms": 2.0,
    "kafka_idle_cores": 0.1,
    "check_cpu_ms": 140.0,
    "decode_cpu_ms": 50.0,
    "models_cpu_ms": 70.0,
    "worker_cpu_ms": 5.0,
    "model_items": 80.0,
    "gpu_call_ms": 3.0,
    "gpu_item_ms": 0.05,
    "gpu_batch": 32.0,
    "gpu_batch_fill_share": 0.5,
    "path_wait_s": 0.1,
    "upload_s": 1.0,
    "clip_bytes": 300e3,
    "portrait_bytes": 100e3,
    "submitted_bytes": 1000.0,
    "decided_bytes": 2000.0,
    "inflight_bytes": 200e3,
    "status_bytes": 500.0,
    "duplicate_bytes": 1300.0,
    "refused_share": 0.05,
    "review_share": 0.02,
    "replication": 3.0,
}


def round_coefficients(**other: float) -> Coefficients:
    values = dict.fromkeys(NAMES, 0.0) | ROUND | other
    return Coefficients(
        figures={name: Coefficient(value=value, basis="assumed", source="a test") for name, value in values.items()}
    )


def national(**other: object) -> Demand:
    values: dict[str, object] = {"peak_hz": 1000.0, "sustained_hz": 200.0, "outage_s": 1800.0, "headroom": 0.2, "shape": "flat"}
    return msgspec.convert(values | other, type=Demand)


def rows_of(demand: Demand, c: Coefficients) -> dict[str, Row]:
    return {row.name: row for row in machine_rows(demand, c) + storage_rows(demand, c)}


def test_the_deciding_rate_is_that_of_the_drain_where_it_asks_for_most() -> None:
    assert deciding_hz(national()) == 400  # 200 x (1 + 30/30); the peak asks for 1000 x 60 / 180 = 333
    assert deciding_hz(national(drain_s=3600.0)) == pytest.approx(1000 / 3)
    assert deciding_hz(national(outage_s=0.0, peak_hz=200.0)) == 200


def test_the_backlog_is_the_outages_or_the_peaks() -> None:
    assert backlog(national()) == 360_000
    assert backlog(national(outage_s=0.0)) == pytest.approx(40_000)  # (1000 - 333.3) x 60


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deciding rate", 400),
        ("partitions", 24),  # growth 2 x the most of 7.2 by backlog and 3 dispatchers = 14.4, up to a multiple of 12
        ("intake processes", 20),  # 1000 x 1 s / 64 / .8 = 19.5 bodies; 12.5 by CPU; 3 by requests
        ("dispatchers", 3),  # 400 x 5 ms / .8 = 2.5
        ("decode cores (GPU workers)", 25),  # 400 x 50 ms / .8
        ("other worker cores (GPU workers)", 13),  # 400 x (140 - 50 - 70 + 5) ms / .8 = 12.5
        ("GPUs", 10),  # 400 x 19 ms / .8 = 9.5
        ("instead, CPU-only worker cores", 73),  # 400 x 145 ms / .8 = 72.5
        ("valkey cores", 1),  # 700 x 1 ms / .8 = .875
        ("kafka cores", 3),  # (700 x 2 ms + 3 x .1) / .8 = 2.125
        ("registrations a day", 17.328),  # 86,400 s x 200, and 60 s of 800 more
        ("Redis memory", 44.996),  # (17.328 M x 1800 B + 3 x 256 x 200 kB) / .7 = (31,190.4 + 153.6) MB / .7 = 44.78
        ("broker writes", 7.8),  # (1 MB + 2 x .8 MB) x 3
        ("network, stores to intake", 400),  # 1000 x 400 kB
        ("network, vault to workers", 160),
    ],
)
def test_a_row_is_what_one_computes_by_hand(name: str, value: float) -> None:
    assert rows_of(national(), round_coefficients())[name].value == pytest.approx(value, rel=0.006)


def test_the_disk_and_the_vault_follow_retention() -> None:
    rows = rows_of(national(), round_coefficients())
    # 17.328 M a day x (7 d x 1 kB + 430 d x 2 kB) x 3 / .8
    assert rows["Kafka disk"].value == pytest.approx(17.328e6 * 867e3 * 3 / 0.8 / 1e12)
    # backlog, 3 days of 2 % in review, half an hour of 5 % refused, a minute of everything
    media = 360_000 + 17.328e6 * 3 * 0.02 + 200 * 1800 * 0.05 + 400 * 60
    assert rows["vault"].value == pytest.approx(media * 400e3 / 0.8 / 1e12)


def test_a_check_on_a_gpu_is_its_images_and_its_share_of_the_calls() -> None:
    assert gpu_ms_a_check(round_coefficients()) == pytest.approx(80 * 0.05 + 80 / 16 * 3)


def test_one_thread_of_seats_can_ask_for_more_dispatchers_than_cpu() -> None:
    slow = round_coefficients(path_wait_s=5.0, dispatcher_cpu_ms=0.1)
    assert rows_of(national(), slow)["dispatchers"].value == 11  # 400 x (5 + .145) s / 256 / .8 = 10.05


RATES = st.floats(1, 5000)


@given(rate=RATES, more=st.floats(1, 5), headroom=st.floats(0, 0.8), outage_s=st.floats(0, 7200))
@settings(deadline=None, max_examples=40)
def test_more_rate_never_needs_less_of_anything(rate: float, more: float, headroom: float, outage_s: float) -> None:
    c = kept()
    least = rows_of(national(peak_hz=5 * rate, sustained_hz=rate, headroom=headroom, outage_s=outage_s), c)
    most = rows_of(national(peak_hz=5 * rate * more, sustained_hz=rate * more, headroom=headroom, outage_s=outage_s), c)
    assert all(most[name].value >= least[name].value * (1 - 1e-9) for name in least)


@given(low=st.floats(0, 0.8), high=st.floats(0, 0.8), outage_s=st.floats(0, 7200), longer_s=st.floats(0, 7200))
@settings(deadline=None, max_examples=40)
def test_more_headroom_and_a_longer_outage_never_need_less(low: float, high: float, outage_s: float, longer_s: float) -> None:
    c = kept()
    low, high = sorted((low, high))
    least = rows_of(national(headroom=low, outage_s=outage_s), c)
    most = rows_of(national(headroom=high, outage_s=outage_s + longer_s), c)
    assert all(most[name].value >= least[name].value * (1 - 1e-9) for name in least)


def test_every_row_says_what_it_rests_on_and_shows_its_arithmetic() -> None:
    for row in rows_of(national(), kept()).values():
        assert row.rests_on
        assert row.arithmetic
        assert any(f"{row.basis.upper()}" in words for words in row.rests_on)


def test_whatever_is_said_of_a_gpu_is_assumed_in_the_shipped_file() -> None:
    c = kept()
    assert rows_of(national(), c)["GPUs"].basis == "assumed"
    assert {c.figures[name].basis for name in ("gpu_call_ms", "gpu_item_ms", "gpu_pod_start_s")} == {"assumed"}


def test_a_row_is_as_weak_as_its_weakest_figure() -> None:
    measured = Coefficient(value=50.0, basis="derived", source="a test")
    c = round_coefficients()
    stronger = Coefficients(figures=c.figures | {"decode_cpu_ms": measured})
    assert rows_of(national(), stronger)["decode cores (GPU workers)"].basis == "derived"
    assert rows_of(national(), stronger)["other worker cores (GPU workers)"].basis == "assumed"


def test_coefficients_survive_being_written() -> None:
    c = round_coefficients()
    assert decode(encode(c), "x") == c
    assert encode(decode(SHIPPED.read_bytes(), "shipped")) == SHIPPED.read_bytes()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda figures: figures.pop("gpu_call_ms"), "lacks gpu_call_ms"),
        (lambda figures: figures.update(gpu_cal_ms=figures["gpu_call_ms"]), "does not know gpu_cal_ms"),
        (lambda figures: figures["gpu_call_ms"].update(basis="measured"), "needs taken_on and machine"),
        (lambda figures: figures["gpu_call_ms"].update(value=-1), "gpu_call_ms"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_figure(change, said: str) -> None:
    found = msgspec.json.decode(encode(round_coefficients()))
    change(found["figures"])
    with pytest.raises(CoefficientsWrong, match=said):
        decode(msgspec.json.encode(found), "mine.json")


def test_a_days_registrations_are_the_sum_over_its_seconds() -> None:
    for shape in SHAPES:
        day = Day(sustained_hz=200, peak_hz=1000, shape=shape)
        assert day.registrations == pytest.approx(sum(day.rate_hz(second) for second in range(86_400)))
    assert len(FLAT) == len(SHAPES["shops"]) == 24
    assert max(SHAPES["shops"]) == 1
