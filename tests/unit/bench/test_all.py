import importlib.util

from bench.all import BENCHMARKS


def test_each_benchmark_has_a_name_of_its_own_and_a_module_that_is_there():
    assert len({each.name for each in BENCHMARKS}) == len(BENCHMARKS)
    assert [each.arguments for each in BENCHMARKS if importlib.util.find_spec(each.arguments.split()[0]) is None] == []


def test_a_benchmark_that_is_run_under_another_name_is_called_by_it():
    assert "load_rate_20" in {each.name for each in BENCHMARKS}
