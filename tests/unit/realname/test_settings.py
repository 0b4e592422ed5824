import pytest

from realname.errors import SettingsWrong
from realname.policy import Effect, load_policy
from realname.settings import Dispatcher, Intake, Janitor, Projector, Worker, read_settings


def test_defaults_need_no_variable():
    for kind in (Intake, Dispatcher, Worker, Projector, Janitor):
        assert read_settings(kind, {}).kafka == "127.0.0.1:19092"


def test_one_environment_serves_all_processes():
    shared = {"REALNAME_INTAKE_PORT": "1", "REALNAME_SLOT": "2", "REALNAME_THREADS": "3", "PATH": "ignored"}
    assert read_settings(Intake, shared).intake_port == 1
    assert read_settings(Dispatcher, shared).slot == 2
    assert read_settings(Worker, shared).threads == 3


def test_an_unknown_variable_stops_the_start_and_is_named():
    with pytest.raises(SettingsWrong, match="REALNAME_INTAKE_PROT"):
        read_settings(Worker, {"REALNAME_INTAKE_PROT": "1"})


@pytest.mark.parametrize("value", ["70000", "-1", "many"])
def test_a_value_out_of_bounds_stops_the_start_and_is_named(value):
    with pytest.raises(SettingsWrong, match="REALNAME_INTAKE_PORT"):
        read_settings(Intake, {"REALNAME_INTAKE_PORT": value})


def test_operators_are_names_in_order():
    assert read_settings(Intake, {"REALNAME_OPERATORS": "b, a,,"}).operator_names == ("b", "a")


def test_the_shipped_policies_load_and_differ_only_in_what_one_machine_needs():
    production, development = load_policy("production"), load_policy("development")
    assert production.rules.cues_required
    assert not development.rules.cues_required
    for part in ("clip", "blink", "turn", "track", "pad", "match"):
        assert getattr(production, part) == getattr(development, part)


def test_a_policy_that_does_not_read_is_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("version = 'x'\nspeed = 1\n")
    with pytest.raises(SettingsWrong, match=r"mine\.toml"):
        load_policy(str(path))
    with pytest.raises(SettingsWrong, match="neither shipped"):
        load_policy("nowhere")


def test_a_policy_that_leaves_a_layer_without_effect_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("inherits = 'production'\nversion = 'x'\n[effects]\nall_checks_passed = 'off'\n")
    with pytest.raises(SettingsWrong, match="all_checks_passed"):
        load_policy(str(path))


def test_a_policy_that_inherits_from_itself_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(f"inherits = '{path}'\n")
    with pytest.raises(SettingsWrong, match="perhaps from itself"):
        load_policy(str(path))


def test_a_threshold_beyond_the_calibrations_data_is_refused(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("inherits = 'production'\nversion = 'x'\n[match]\naccept_fmr = 1e-9\n")
    with pytest.raises(SettingsWrong, match=r"1e-09 is outside of 1e-05 to 0\.001"):
        load_policy(str(path))


def test_no_shipped_policy_has_a_layer_off():
    assert not [name for name in ("production", "development") if Effect.OFF in load_policy(name).effects.values()]
