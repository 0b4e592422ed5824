from __future__ import annotations

import pytest

from services.dispatcher.sender import task_id_of_queued, task_id_of_unacked


@pytest.mark.parametrize("entry", [b"", b"{", b"[]", b'{"headers": {"id": "\xff\xfe"}}'])
def test_a_queue_entry_that_is_none_of_ours_has_no_task_id(entry: bytes) -> None:
    assert task_id_of_queued(entry) == ""
    assert task_id_of_unacked(b"[" + entry + b', "", ""]') == ""
