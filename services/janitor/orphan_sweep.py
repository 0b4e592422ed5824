"""Sweeps the vault every now and then, measures what lies in it, and hands out what is proven to be an orphan."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from realname.metrics import Metrics
from realname.vault import StoredObject
from services.janitor.orphans import LogView, OrphanWatch
from services.janitor.ports import Sweep
from services.janitor.sweep import Listing

_log = logging.getLogger(__name__)


class OrphanSweep:
    """One listing, one judgement, at most each sweep_every_s."""

    def __init__(self, sweep: Sweep, metrics: Metrics, *, orphan_s: int, sweep_every_s: float) -> None:
        """orphan_s: the age from which on an object is looked at. Its submission comes seconds after it or never."""
        self._sweep, self._metrics = sweep, metrics
        self._orphan_s, self._every_s = orphan_s, sweep_every_s
        self._watch = OrphanWatch()
        self._orphans: deque[StoredObject] = deque()
        self._next_s = 0.0

    def turn(
        self,
        now: datetime | None,
        at_s: float,
        *,
        view: Callable[[], LogView],
        owned: Callable[[], Mapping[int, int]],
        is_pending: Callable[[str], bool],
    ) -> bool:
        """Start a listing where it is time; judge one that has ended, which is True. Raises Transient (vault or Kafka is silent).

        now: RetentionClock's; at_s: monotonic. view: asks the log, only after the listing. owned: our partitions.
        """
        if not self._sweep.is_running and at_s >= self._next_s and owned():
            self._next_s = at_s + self._every_s
            stored_before = None if now is None else now - timedelta(seconds=self._orphan_s)
            self._sweep.start(frozenset(owned()), stored_before, is_pending)
        listing = self._sweep.result()
        if listing is None:
            return False
        self._measure(listing, now)
        if not listing.candidates:
            return True
        self._orphans = deque(self._watch.judge(listing.candidates, view(), is_pending=is_pending))
        if self._orphans or listing.is_cut:
            _log.info("orphans", extra={"found": len(self._orphans), "more": listing.is_cut})
        return True

    def take(self, limit: int) -> list[StoredObject]:
        """At most `limit` orphans to be deleted. One that is not deleted is found again."""
        return [self._orphans.popleft() for _ in range(min(limit, len(self._orphans)))]

    def _measure(self, listing: Listing, now: datetime | None) -> None:
        for name in ("realname_vault_objects", "realname_vault_bytes", "realname_vault_oldest_seconds"):
            self._metrics.forget(name)
        for operator, holding in listing.holdings.items():
            self._metrics.gauge("realname_vault_objects", holding.objects, operator)
            self._metrics.gauge("realname_vault_bytes", holding.size_bytes, operator)
            if now is not None and holding.oldest_at is not None:
                age_s = max(0.0, (now - holding.oldest_at).total_seconds())
                self._metrics.gauge("realname_vault_oldest_seconds", age_s, operator)
