from datetime import UTC, datetime

import msgspec
import pytest

from services.dispatcher.loop import POLL_S
from services.planning.coefficients import LATER, SHIPPED, decode
from services.planning.one_run import COLD_S, LoadRun
from services.planning.prediction import (
    Measured,
    Prediction,
    ResultWrong,
    compare,
    decode_measured,
    decode_prediction,
    idle_cores_of,
    path_of,
    predict,
)
from tests.coefficients import kept

RUN = LoadRun(rate_hz=40.0, seconds=60.0)
SHORT = LoadRun(rate_hz=4.0, seconds=10.0)
SAID = Prediction(
    run=RUN,
    fitted_hz=(20.0, 120.0),
    figures={"rate_hz": 40.0, "p50_s": 0.3, "p95_s": 0.9, "cpu_ms_kafka": 5.0},
    is_fitted=False,
    is_full=False,
)


def measured(**figures: float) -> Measured:
    return Measured(name="load-40", taken_at=datetime(2026, 11, 28, tzinfo=UTC), figures={"rate_hz": 40.0} | figures)


def test_a_prediction_within_a_fifth_of_what_was_measured_holds() -> None:
    found = {one.figure: one for one in compare(SAID, measured(p50_s=0.26, p95_s=1.1, cpu_ms_kafka=5.0))}
    assert {one.verdict for one in found.values()} == {"within"}
    assert found["p50_s"].off == pytest.approx(0.04 / 0.26)
    assert found["p95_s"].off == pytest.approx(-0.2 / 1.1)


def test_what_is_off_is_named() -> None:
    found = compare(SAID, measured(p50_s=0.24, p95_s=1.2, cpu_ms_kafka=5.5))
    assert [one.figure for one in found if one.verdict == "off"] == ["p50_s", "p95_s"]  # a quarter too much, a quarter too little


def test_a_figure_that_only_one_has_is_left_out() -> None:
    assert [one.figure for one in compare(SAID, measured(p50_s=0.3, decided=2400.0, cpu_ms_kafka=0.0))] == ["p50_s"]


def test_another_rate_or_no_common_figure_is_no_comparison() -> None:
    with pytest.raises(ResultWrong, match="40/s"):
        compare(SAID, measured(rate_hz=60.0, p50_s=0.3))
    with pytest.raises(ResultWrong, match="no figure that was predicted"):
        compare(SAID, measured(answered=3.0))


@pytest.mark.parametrize("made", [{"threads": 64.0}, {"workers": 2.0}, {"dispatchers": 1.0}, {"cores": 8.0}, {"simulated": 0.0}])
def test_a_run_that_was_made_otherwise_is_no_comparison(made: dict[str, float]) -> None:
    (name,) = made
    with pytest.raises(ResultWrong, match=f"ran with {name}"):
        compare(SAID, measured(p50_s=0.3, **made))


def test_a_rate_that_was_fitted_is_said_to_prove_nothing() -> None:
    c = msgspec.structs.replace(kept(), fitted_hz=(2.0, 8.0))
    assert predict(LoadRun(rate_hz=2.0, seconds=5), c).is_fitted
    assert not predict(LoadRun(rate_hz=4.0, seconds=5), c).is_fitted


def test_cpu_is_cost_and_the_share_of_idle_cost_and_grows_with_the_rate() -> None:
    c = kept()
    idle = msgspec.structs.replace(c.figures["kafka_idle_cores"], value=0.2)
    c = msgspec.structs.replace(c, figures=c.figures | {"kafka_idle_cores": idle})
    slow, quick = (predict(LoadRun(rate_hz=rate, seconds=5), c) for rate in (1.0, 4.0))
    assert slow.figures["cpu_ms_kafka"] == pytest.approx(89 + 200)
    assert quick.figures["cpu_ms_kafka"] == pytest.approx(89 + 50)
    assert slow.figures["machine_cpu_share"] < quick.figures["machine_cpu_share"]


def with_values(**values: float):
    c = kept()
    changed = {name: msgspec.structs.replace(c.figures[name], value=value) for name, value in values.items()}
    return msgspec.structs.replace(c, figures=c.figures | changed)


def test_a_warm_up_is_a_part_of_what_kafka_costs_and_the_smaller_the_longer_the_run() -> None:
    c = with_values(kafka_idle_cores=0.2, kafka_warm_up_s=6.0)
    costs = [idle_cores_of("kafka", LoadRun(rate_hz=1.0, seconds=s), c) for s in (COLD_S / 2, COLD_S, 2 * COLD_S, 600.0)]
    assert costs == pytest.approx([0.4, 0.4, 0.3, 0.21])
    assert idle_cores_of("valkey", LoadRun(rate_hz=1.0), c) == c.of("valkey_idle_cores")


def test_kafkas_idle_cost_is_played_in_bursts_where_their_length_is_known_and_evenly_where_not() -> None:
    even = path_of(RUN, with_values(kafka_idle_cores=0.2, kafka_warm_up_s=6.0))
    uneven = path_of(RUN, with_values(kafka_idle_cores=0.2, kafka_warm_up_s=6.0, kafka_burst_s=0.08))
    assert even.bursts is None
    assert uneven.bursts is not None
    assert (uneven.bursts.cores, uneven.bursts.warm_up_s) == (0.2, 6.0)
    assert even.idle_cores - uneven.idle_cores == pytest.approx(0.2 + 6.0 / 60)


def test_what_stands_in_for_inference_takes_cores_and_is_no_cost_of_the_worker() -> None:
    without, standing_in = (predict(SHORT, with_values(stand_in_cpu_ms=ms)).figures for ms in (0.0, 2.0))
    assert standing_in["machine_cpu_share"] - without["machine_cpu_share"] == pytest.approx(4 * 0.002 / 2)
    assert standing_in["cpu_ms_worker"] == without["cpu_ms_worker"]
    assert standing_in["p50_s"] > without["p50_s"]
    real = msgspec.structs.replace(SHORT, rate_hz=1.0, simulated=False)
    assert predict(real, with_values(stand_in_cpu_ms=2.0)) == predict(real, with_values())


def test_a_file_that_is_older_than_turns_and_bursts_is_read_as_it_was_meant() -> None:
    assert [kept().of(name) for name in LATER] == [0.0] * len(LATER)


def test_a_turn_of_the_shipped_file_is_the_dispatchers_own() -> None:
    assert decode(SHIPPED.read_bytes(), "shipped").of("dispatcher_turn_s") == POLL_S


def test_workers_that_infer_cost_a_check_and_more_than_the_machine_has_is_said() -> None:
    c = kept()
    assert predict(LoadRun(rate_hz=1.0, simulated=False, seconds=5), c).figures["cpu_ms_worker"] == 378
    assert predict(LoadRun(rate_hz=1.0, seconds=5), c).figures["cpu_ms_worker"] == 0
    assert predict(LoadRun(rate_hz=6.0, simulated=False, seconds=5), c).is_full
    assert not predict(LoadRun(rate_hz=10.0, seconds=5), c).is_full
    assert predict(LoadRun(rate_hz=10.0, seconds=5, workers=1, threads=1), c).is_full  # 10 x .104 s in one seat


def test_a_prediction_survives_being_written_and_a_wrong_file_is_named() -> None:
    assert decode_prediction(msgspec.json.encode(SAID), "x") == SAID
    with pytest.raises(ResultWrong, match=r"mine\.json"):
        decode_prediction(b"{}", "mine.json")
    with pytest.raises(ResultWrong, match=r"mine\.json"):
        decode_measured(b"[]", "mine.json")
