from __future__ import annotations

import pytest

from realname.errors import RecordUnreadable
from realname.stages import StageResult, decode_result, encode_job
from tests.builders import an_id


@pytest.mark.parametrize(
    "payload", [b"", b"\xc1", b"\x80", b"{}", encode_job(StageResult(an_id(), "north", 0, 0)).replace(b"north", b"nor\xff\xfe")]
)
def test_what_does_not_decode_is_unreadable_and_is_not_quoted(payload: bytes) -> None:
    with pytest.raises(RecordUnreadable) as caught:
        decode_result(payload)
    assert caught.value.__cause__ is None
