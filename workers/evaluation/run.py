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
from workers.evaluation.dataset import Dataset, Pair, Presentation
from workers.evaluation.gaps import not_measured
from workers.evaluation.images import Embeddings, compared
from workers.evaluation.judging import Answer, Job, key_of, open_judge
from workers.evaluation.latency import Latency, latency_of
from workers.evaluation.outcomes import Measured, as_evaluated, row_of
from workers.evaluation.processes import run_jobs
from workers.evaluation.rates import INTERVAL, rate_of
from workers.evaluation.report import DatasetFacts, PolicyFacts, Report, Row
from workers.evaluation.same_recordings import presentations_digest
from workers.evaluation.state import State
from workers.evaluation.summary import failures_of, group_rates, match_rates, presentation_scores, system_rates

IMAGES_MAX = 16  # in one job: enough that sending is cheap, few enough that a death costs little
DIGEST_CHARS = 16

Tells = Callable[[str, int, int], None]  # what is done, how many of them, of how many


class Plan(NamedTuple):
    """How to run. state: the file that is kept to resume. all_pairs: compare all images with all, where persons are known."""

    settings: Worker
    policy: Policy
    state: Path
    workers: int = 1
    all_pairs: bool = True


class Evaluated(NamedTuple):
    """report is the same for the same data, policy and models; latency is of this machine and hour."""

    report: Report
    latency: Latency


def evaluate(dataset: Dataset, plan: Plan, tell: Tells) -> Evaluated:
    """The whole run. Raises RealnameError; KeyboardInterrupt after the processes ended: run it again to go on."""
    models = load(plan.settings)  # here for its digests and comparison, and so that a missing model is told at once
    try:
        measured, embeddings = _worked(dataset, plan, models, tell)
        rows = tuple(row_of(one, measured[one.id]) for one in sorted(dataset.presentations, key=lambda one: one.id))
        report = _reported(dataset, rows, embeddings, plan, models)
    finally:
        models.close()
    return Evaluated(report, latency_of(measured.values()))


def _worked(dataset: Dataset, plan: Plan, models: Models, tell: Tells) -> tuple[dict[str, Measured], Embeddings]:
    """Each presentation once, over all runs, by its id; and each image, in this run."""
    images = _images_of(dataset)
    measured: dict[str, Measured] = {}
    embeddings: Embeddings = dict.fromkeys(images)
    with State(plan.state) as state:
        for one in dataset.presentations:
            key = key_of(one, plan.policy, models.digests) if state.has(one.id) else None
            if (known := state.find(one.id, key)) is not None:
                measured[one.id] = known
        jobs: list[Job] = [one for one in dataset.presentations if one.id not in measured]
        jobs += [images[start : start + IMAGES_MAX] for start in range(0, len(images), IMAGES_MAX)]
        counts = {"presentations": (len(measured), len(dataset.presentations)), "images": (0, len(images))}

        def count(what: str, more: int) -> None:
            done, in_all = counts[what]
            counts[what] = (done + more, in_all)
            if in_all:
                tell(what, *counts[what])

        def done(place: int, answer: Answer | None) -> None:
            job = jobs[place]
            if isinstance(job, Presentation):
                found = answer if isinstance(answer, Measured) else Measured(failure="process_died")
                measured[job.id] = found
                if (key := key_of(job, plan.policy, models.digests)) is not None:
                    state.keep(job.id, key, found)
                count("presentations", 1)
            else:
                embeddings.update(zip(job, answer if isinstance(answer, list) else (), strict=False))
                count("images", len(job))

        count("presentations", 0)
        if jobs:
            run_jobs(jobs, open_judge, (plan.settings, as_evaluated(plan.policy)), workers=plan.workers, done=done)
    return measured, embeddings


def _images_of(dataset: Dataset) -> list[Path]:
    """Each image once, in the order of the dataset."""
    listed = (image for pair in dataset.pairs for image in (pair.a, pair.b))
    return list(dict.fromkeys((*listed, *(portrayed.image for portrayed in dataset.portrayed))))


def _reported(dataset: Dataset, rows: tuple[Row, ...], embeddings: Embeddings, plan: Plan, models: Models) -> Report:
    policy = plan.policy
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
