"""Deletes in the vault from a few threads, so that a slow store holds up neither the log nor the other deletions."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait

from realname.errors import Transient
from realname.vault import StoredObject, Vault
from services.janitor.pending import Deletion
from services.janitor.ports import Outcome

THREADS = 8  # S3 answers in some 20 ms and a registration takes three calls: 130 registrations/s


class VaultDeletions:
    """`Deletions` on a real vault."""

    def __init__(self, vault: Vault, *, threads: int = THREADS) -> None:
        """At most four times as many jobs as threads are taken: the rest stays where its place is known."""
        self._vault = vault
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="delete")
        self._jobs_max = 4 * threads
        self._running: dict[Future[int], Deletion | StoredObject] = {}

    @property
    def room(self) -> int:
        return self._jobs_max - len(self._running)

    def start(self, job: Deletion | StoredObject) -> None:
        self._running[self._pool.submit(self._delete, job)] = job

    def finished(self, wait_s: float) -> list[Outcome]:
        """Anything but Transient is a bug and is raised."""
        if not self._running:
            return []
        done, _ = wait(self._running, timeout=wait_s, return_when="FIRST_COMPLETED")
        outcomes: list[Outcome] = []
        for future in done:
            job = self._running.pop(future)
            try:
                outcomes.append(Outcome(job, future.result()))
            except Transient:
                outcomes.append(Outcome(job, None))
        return outcomes

    def close(self) -> None:
        """Ends when the calls that run have ended; what waits is not started."""
        self._pool.shutdown(cancel_futures=True)

    def _delete(self, job: Deletion | StoredObject) -> int:
        if isinstance(job, Deletion):
            return len(self._vault.delete_registration(job.operator, job.registration_id))
        self._vault.delete(job.key)
        return 1
