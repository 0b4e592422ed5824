"""One evaluation: presentations judged and images embedded over several processes, then counted. Resumable.

Embeddings are in memory only. What is kept to resume is state.py's: a run that is broken off judges no presentation
again; images are embedded anew, which takes about a minute for LFW on two cores.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from models.registry import Models, load
from realname.policy import Policy
from realname.settings import Worker
from workers.evaluation.dataset import Dataset, Pair
from workers.evaluation.gaps import not_measured
from workers.evaluation.images import Embeddings, compared
from workers.evaluation.judging import Answer, Job, judged_by, open_judge
from workers.evaluation.latency import Latency, latency_of
from workers.evaluation.outcomes import as_evaluated, row_of
from workers.evaluation.processes import run_jobs
from workers.evaluation.rates import INTERVAL, rate_of
from workers.evaluation.report import DatasetFacts, PolicyFacts, Report, Row
from workers.evaluation.same_recordings import presentations_digest
from workers.evaluation.software import software
from workers.evaluation.state import State
from workers.evaluation.summary import failures_of, group_rates, match_rates, presentation_scores, system_rates
from workers.evaluation.work import Tells, Work

DIGEST_CHARS = 16


class Plan(NamedTuple):
    """How to run. state: the file that is kept to resume. all_pairs: compare all images with all, where persons are known."""

    settings: Worker
    policy: Policy
    state: Path
    workers: int = 1
    all_pairs: bool = True


class Evaluated(NamedTuple):
    """report is the same for the same data, policy, models and software; latency is of this machine and hour."""

    report: Report
    latency: Latency


def evaluate(dataset: Dataset, plan: Plan, tell: Tells) -> Evaluated:
    """The whole run. Raises RealnameError; KeyboardInterrupt after the processes ended: run it again to go on."""
    models = load(plan.settings)  # here for its digests and comparison, and so that a missing model is told at once
    try:
        by = software()
        work = _worked(dataset, plan, models, tell=tell, by=by)
        rows = tuple(row_of(one, work.measured[one.id]) for one in sorted(dataset.presentations, key=lambda one: one.id))
        report = _reported(dataset, rows, work, plan, models)
    finally:
        models.close()
    return Evaluated(msgspec.structs.replace(report, software=by), latency_of(work.measured.values()))


def _worked(dataset: Dataset, plan: Plan, models: Models, *, tell: Tells, by: str) -> Work:
    """Each presentation once, over all runs, by its id; and each image, in this run."""

    def run(jobs: Sequence[Job], done: Callable[[int, Answer | None], None]) -> None:
        run_jobs(jobs, open_judge, (plan.settings, as_evaluated(plan.policy)), workers=plan.workers, done=done)

    with State(plan.state) as state:
        work = Work(dataset, state, judged_by(plan.policy, models.digests, by, plan.settings), tell)
        work.do(run)
    return work


def _reported(dataset: Dataset, rows: tuple[Row, ...], work: Work, plan: Plan, models: Models) -> Report:
    policy, embeddings = plan.policy, work.embeddings
    found = compared(dataset, embeddings, models.embedder.compare, policy, everything=plan.all_pairs)
    own = match_rates(presentation_scores(rows), policy, of="presentations", failed=rate_of(0, 0)) if rows else None
    matching = (*(() if own is None else (own,)), *found.matching)
    system, groups = system_rates(rows), (*group_rates(rows, policy.accept_min), *found.groups)
    return Report(
        dataset=_facts_of(dataset, embeddings),
        policy=policy_facts(policy),
        models=dict(models.digests),
        interval=INTERVAL,
        system=system,
        matching=matching,
        groups=groups,
        failures=failures_of(rows),
        not_measured=not_measured(rows, system, matching, groups=groups, policy=policy, models=models.digests),
        images_failed=work.images_failed,
        rows=rows,
        pairs=found.rows,
    )


def _facts_of(dataset: Dataset, embeddings: Embeddings) -> DatasetFacts:
    species = [one.species or "" for one in dataset.presentations if one.kind == "attack"]
    random = [pair for pair in dataset.pairs if not pair.mated and not pair.lookalike]
    return DatasetFacts(
        name=dataset.name,
        bona_fide=sum(one.kind == "bona_fide" for one in dataset.presentations),
        attacks=len(species),
        species={name: species.count(name) for name in sorted(set(species))},
        subjects=len({one.subject for one in dataset.presentations if one.subject}),
        pairs_mated=sum(pair.mated for pair in dataset.pairs),
        pairs_random=len(random),
        pairs_lookalike=sum(pair.lookalike for pair in dataset.pairs),
        images=len(embeddings),
        persons=len({one.person for one in dataset.portrayed}),
        pairs_digest=_list_digest(dataset.pairs),
        presentations_digest=presentations_digest(dataset.presentations),
    )


def _list_digest(pairs: Sequence[Pair]) -> str:
    """Whether two reports are of the same list of pairs; empty without any. It is of names of files, cut short."""
    if not pairs:
        return ""
    names = [(pair.a.name, pair.a.parent.name, pair.b.name, pair.b.parent.name, pair.mated, pair.lookalike) for pair in pairs]
    return hashlib.sha256(msgspec.json.encode(names)).hexdigest()[:DIGEST_CHARS]


def policy_facts(policy: Policy) -> PolicyFacts:
    """What a report says of the policy. The digest tells two files apart that bear the same version."""
    return PolicyFacts(
        version=policy.version,
        digest=hashlib.sha256(msgspec.json.encode(policy, order="deterministic")).hexdigest()[:DIGEST_CHARS],
        calibration=policy.calibration.name,
        embedder=policy.calibration.embedder,
        accept_fmr=policy.match.accept_fmr,
        accept_min=round(policy.accept_min, 4),
        review_fmr=policy.match.review_fmr,
        review_min=round(policy.review_min, 4),
    )
