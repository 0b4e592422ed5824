"""An undecided registration's media is never taken for an orphan, however the log's readers lag behind each other."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from realname.vault import StoredObject
from services.janitor.orphans import Candidate, LogView, OrphanWatch

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
P = 0


def stored(identity: str, copy: int = 0) -> StoredObject:
    return StoredObject(f"north/{identity}/{copy}", "north", identity, 10, NOON)


def view(*, submitted: int, complete: int, decided: int, read: int) -> LogView:
    return LogView({P: submitted}, {P: complete}, {P: decided}, {P: read})


def judge(watch: OrphanWatch, *objects: StoredObject, at: LogView, pending: frozenset[str] = frozenset()) -> list[StoredObject]:
    return watch.judge([Candidate(each, P) for each in objects], at, is_pending=pending.__contains__)


def test_an_object_whose_registration_never_came_is_an_orphan_at_once_on_an_idle_log():
    assert judge(OrphanWatch(), stored("a"), at=view(submitted=7, complete=7, decided=9, read=9)) == [stored("a")]


def test_nothing_is_an_orphan_while_an_older_submission_is_undecided():
    watch = OrphanWatch()
    for complete in (3, 6, 6):
        assert judge(watch, stored("a"), at=view(submitted=7, complete=complete, decided=9, read=9)) == []


def test_submissions_after_the_first_sight_do_not_delay_the_judgement():
    watch = OrphanWatch()
    judge(watch, stored("a"), at=view(submitted=7, complete=5, decided=9, read=9))
    assert judge(watch, stored("a"), at=view(submitted=30, complete=8, decided=12, read=12)) == [stored("a")]


def test_nothing_is_an_orphan_before_this_janitor_has_read_the_decisions():
    watch = OrphanWatch()
    assert judge(watch, stored("a"), at=view(submitted=7, complete=7, decided=9, read=8)) == []
    assert judge(watch, stored("a"), at=view(submitted=8, complete=8, decided=10, read=9)) == [stored("a")]


def test_media_that_waits_for_its_time_is_no_orphan():
    idle = view(submitted=7, complete=7, decided=9, read=9)
    assert judge(OrphanWatch(), stored("a"), at=idle, pending=frozenset({"a"})) == []


def test_nothing_is_an_orphan_in_a_partition_that_is_not_ours_or_has_no_watermark():
    watch = OrphanWatch()
    assert judge(watch, stored("a"), at=LogView({}, {}, {}, {})) == []
    assert judge(watch, stored("a"), at=LogView({P: 0}, {}, {P: 0}, {P: 0})) == []


class OrphansOfALog(RuleBasedStateMachine):
    """Uploads, submissions, decisions and readers, each in its own time; the sweep reads its offsets one by one.

    Between any two of its readings the world may move on: `world` says what, drawn by hypothesis.
    """

    @initialize()
    def start(self):
        self.watch = OrphanWatch()
        self.vault: set[StoredObject] = set()
        self.uploading: list[StoredObject] = []  # stored, its submission not yet in the log: younger than the limit
        self.submitted: list[str] = []
        self.order: list[int] = []  # offsets of submissions, decided ones
        self.decided: list[str | None] = []  # log: id of a first decision, None: marker or repeated record
        self.visible = 0  # markers written up to here: what a read_committed reader may see
        self.complete = 0
        self.read = 0
        self.pending: set[str] = set()
        self.count = 0

    def move(self, step: str) -> None:
        getattr(self, "do_" + step)()

    def do_upload(self):
        self.count += 1
        self.uploading.append(stored(f"r{self.count}"))
        self.vault.add(self.uploading[-1])

    def do_upload_again(self):
        if self.submitted:
            self.count += 1
            self.uploading.append(stored(self.submitted[-1], self.count))
            self.vault.add(self.uploading[-1])

    def do_submit(self):
        if self.uploading:
            self.submitted.append(self.uploading.pop(0).registration_id)

    def do_give_up(self):
        if self.uploading:
            self.uploading.pop()

    def do_decide(self):
        """The decision and its completion are one transaction; the watermark may be seen before the decision."""
        if self.complete < len(self.submitted):
            identity = self.submitted[self.complete]
            if identity not in self.decided:
                self.decided.append(identity)
            self.complete += 1

    def do_show(self):
        self.visible = len(self.decided)

    def do_read(self):
        for identity in self.decided[self.read : self.visible]:
            self.pending.add(identity)
        self.read = self.visible

    def do_delete(self):
        if self.pending:
            identity = min(self.pending)
            self.vault = {each for each in self.vault if each.registration_id != identity}
            self.pending.discard(identity)

    MOVES = ("upload", "upload_again", "submit", "give_up", "decide", "show", "read", "delete")

    @rule(step=st.sampled_from(MOVES))
    def live(self, step):
        self.move(step)

    @rule(between=st.lists(st.sampled_from(MOVES), min_size=3, max_size=3))
    def sweep(self, between):
        listed = [each for each in sorted(self.vault) if each not in self.uploading]
        submitted = len(self.submitted)
        self.move(between[0])
        complete = self.complete
        self.move(between[1])
        decided = len(self.decided)
        self.move(between[2])
        at = view(submitted=submitted, complete=complete, decided=decided, read=self.read)
        orphans = judge(self.watch, *listed, at=at, pending=frozenset(self.pending))
        undecided = set(self.submitted) - set(self.decided)
        unread = {identity for identity in self.decided[self.read :] if identity}
        for orphan in orphans:
            assert orphan.registration_id not in undecided, "the media of an undecided registration"
            assert orphan.registration_id not in unread | self.pending, "media that has a time of its own"
        self.vault -= set(orphans)


TestOrphansOfALog = OrphansOfALog.TestCase
