"""What the locks promise: that `make setup` installs the same tomorrow, whatever is released in between."""

from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

LOCKS = Path(__file__).parents[2] / "requirements"
PINNED = re.compile(r"^(?P<requirement>[A-Za-z0-9][^=;\\]*==\S+)", re.MULTILINE)


def test_what_a_pinned_package_wants_with_an_extra_is_pinned_with_it() -> None:
    # pip takes `coverage[toml]` for another name than `coverage`, finds the newest, and refuses it for want of a hash
    pinned = pins_of("dev")

    wanted = [each for name in pinned for each in wanted_by(name) if each.extras and each.name in pinned]

    assert wanted, "no package wants another with an extra: this test looks at nothing"
    assert {(each.name, *each.extras) for each in wanted if not each.extras <= pinned[each.name].extras} == set()


@pytest.mark.parametrize("lock", sorted(path.stem for path in LOCKS.glob("*.txt")))
def test_a_lock_names_no_address(lock: str) -> None:
    assert "://" not in (LOCKS / f"{lock}.txt").read_text()


def pins_of(lock: str) -> dict[str, Requirement]:
    found = (Requirement(each["requirement"]) for each in PINNED.finditer((LOCKS / f"{lock}.txt").read_text()))
    return {each.name: each for each in found}


def wanted_by(name: str) -> list[Requirement]:
    """What an installed package requires here without any extra of its own; nothing for one that is not installed."""
    try:
        needed = [Requirement(each) for each in requires(name) or ()]
    except ModuleNotFoundError:
        return []
    return [each for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})]
