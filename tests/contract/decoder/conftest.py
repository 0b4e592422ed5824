from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from tests.watched_decoder import LIMITS, Watched, watched


@pytest.fixture(scope="session")
def shared() -> Iterator[Watched]:
    """Two children for tests that kill nothing: at the end of the run none may have died."""
    with watched(children=2) as decoder:
        yield decoder
        assert decoder.deaths == []


@pytest.fixture
def own() -> Iterator[Watched]:
    """One child for this test alone, to be killed and frozen; two seconds a recording."""
    with watched(replace(LIMITS, within_s=2.0)) as decoder:
        yield decoder
