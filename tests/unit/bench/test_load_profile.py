"""Profiles and their scaling: one factor for all rates, one for all times."""

import pytest

from bench.load.main import arguments, asked_profile
from bench.load.profile import Phase, Profile, Scale, read_profile, scale_of, scaled, shipped_names
from realname.errors import SettingsWrong

FLASH = Profile(
    name="flash",
    about="five times",
    sustained_hz=200,
    phases=(Phase(name="before", seconds=60, rate_hz=200), Phase(name="flash", seconds=60, rate_hz=1000)),
)


@pytest.mark.parametrize("name", shipped_names())
def test_each_shipped_profile_reads_and_bears_its_files_name(name):
    assert read_profile(name).name == name


def test_the_profiles_that_were_asked_for_are_there():
    assert {"base", "busy_hour", "campaign", "flash", "outage", "outage_kafka", "one_operator_10x", "steady"} <= set(
        shipped_names()
    )


def test_the_shipped_flash_is_five_times_what_is_carried_and_lasts_a_minute():
    flash = read_profile("flash")
    peak = max(flash.phases, key=lambda phase: phase.rate_hz)
    assert (peak.rate_hz, peak.seconds) == (5 * flash.sustained_hz, 60)


def test_in_the_shipped_tenfold_only_one_operator_sends_more():
    usual, tenfold = read_profile("one_operator_10x").phases[:2]
    own = tenfold.rate_hz * tenfold.weights["north"] / sum(tenfold.weights.values())
    others = (tenfold.rate_hz - own) / 2
    assert (own, others) == (10 * usual.rate_hz / 3, usual.rate_hz / 3)


def test_what_exceeds_the_carried_rate_is_meant_to_and_is_scaled_by_the_same_factor():
    scale = scale_of(FLASH, carries_hz=50, seconds=60)
    assert scale == Scale(rate=0.25, time=0.5)
    played = scaled(FLASH, scale)
    assert [phase.rate_hz for phase in played.phases] == [50, 250]
    assert [phase.seconds for phase in played.phases] == [30, 30]


def test_a_machine_that_carries_more_plays_the_national_figures():
    assert scale_of(FLASH, carries_hz=5000, seconds=3600) == Scale(rate=1.0, time=1.0)
    assert scale_of(FLASH, carries_hz=5000) == Scale(rate=1.0, time=1.0)


def test_a_rate_scale_that_is_given_is_taken():
    assert scale_of(FLASH, carries_hz=50, rate_scale=2.0).rate == 2.0


def test_a_scale_says_itself_in_words():
    assert Scale(rate=0.05, time=1.0).words == "rates x 0.05, time as they are"


def test_an_unknown_profile_is_refused_with_the_known_ones_named():
    with pytest.raises(SettingsWrong, match=r"no load profile 'noon'.*busy_hour"):
        read_profile("noon")


def test_a_wrong_file_is_named_with_its_fault(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text('name = "own"\nabout = "x"\n[[phases]]\nname = "a"\nseconds = 0\nrate_hz = 1\n')
    with pytest.raises(SettingsWrong, match=r"own\.toml.*seconds"):
        read_profile(str(path))


@pytest.mark.parametrize(("profile", "workers"), [("base", "real"), ("steady", "simulated")])
def test_whose_workers_are_asked_for_are_those_of_the_profile_that_is_played(profile, workers):
    played, _ = asked_profile(arguments(["--profile", profile, "--workers", workers]))
    assert played.workers == workers, "a clip must meet its challenge where real workers look at it, and there alone"
