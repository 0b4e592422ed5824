"""What the README quotes is what was measured."""

from pathlib import Path

from bench.compare import results_in
from bench.tables import table_of, with_table

ROOT = Path(__file__).parents[2]


def test_the_table_of_the_readme_is_that_of_the_committed_results():
    readme = (ROOT / "README.md").read_text()
    assert with_table(readme, table_of(results_in(ROOT / "bench" / "results").values())) == readme, (
        "run `python -m bench.tables --write`"
    )
