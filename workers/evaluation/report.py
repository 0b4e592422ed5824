"""Pure: what an evaluation found, as it is written to report.json. The one format that --compare reads.

It holds ids, verdicts, reasons and numbers: no picture, no embedding, no digest of a recording, and no path but where ids
are the paths of folders (presentations.read_folders). The same
dataset, policy, models and software give the same bytes; what a run cost stands apart, in latency.json.
A report need not come from a dataset: rows made from live and shadow decisions (`outcomes.row_of_decision`, with no
kind where nobody knows the truth) compare in the same way.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from realname.errors import RealnameError
from realname.messages import Verdict
from realname.reasons import Reason
from workers.evaluation.dataset import Kind
from workers.evaluation.rates import Rate, SumOfRates

FORMAT = "realname.evaluation.v1"
PAIR_ROWS_MAX = 100_000  # more pairs than that are only counted: --compare then holds their rates together, not their rows

PadOutcome = Literal["let_through", "stopped", "no_response"]
MatchedKind = Literal["presentations", "pairs", "all_pairs"]


class ReportWrong(RealnameError):
    """A file is no report of `realname evaluate`: give report.json of a run of this version."""


class Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One presentation: its truth, and what became of it.

    kind:     None where nobody knows, as of a live decision.
    verdict:  None where it was not judged; failure says why.
    pad:      what the liveness layers alone made of it (outcomes.py).
    acquired: the clip was fit to be judged. enrolled: the portrait was, None where it was not looked at.
    scores:   by name, as in the decision.
    """

    id: str
    kind: Kind | None = None
    species: str | None = None
    mated: bool | None = None
    groups: dict[str, str] = {}
    challenged: bool = True
    verdict: Verdict | None = None
    reasons: tuple[Reason, ...] = ()
    pad: PadOutcome | None = None
    acquired: bool = False
    enrolled: bool | None = None
    scores: dict[str, float] = {}
    failure: str | None = None


class PairRow(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One pair of images, by its place in the dataset. similarity: None where an image has no face or does not read."""

    number: int
    mated: bool
    similarity: float | None = None
    lookalike: bool = False


class PolicyFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """The policy that judged, and the calibration that its thresholds come from. digest: of all its rules."""

    version: str
    digest: str
    calibration: str
    embedder: str
    accept_fmr: float
    accept_min: float
    review_fmr: float
    review_min: float


class DatasetFacts(Struct, frozen=True, forbid_unknown_fields=True):
    """What was in the dataset. species: presentations of each. persons: whose the images are, where the layout says it.

    presentations_digest: over all recordings together (same_recordings.py). pairs_digest: of the list of pairs, not of
                          pictures. Empty without any, or where nobody made it.
    """

    name: str
    bona_fide: int = 0
    attacks: int = 0
    species: dict[str, int] = {}
    subjects: int = 0
    pairs_mated: int = 0
    pairs_random: int = 0
    pairs_lookalike: int = 0
    images: int = 0
    persons: int = 0
    pairs_digest: str = ""
    presentations_digest: str = ""


class SpeciesRates(Struct, frozen=True, forbid_unknown_fields=True):
    """One attack species; n is 0 where none of it was judged.

    iapar and riapar are of the full system, over attacks with the portrait's own face; far over those with another's.
    """

    species: str
    apcer: Rate
    apnrr: Rate
    iapar: Rate
    riapar: SumOfRates
    review: Rate
    far: Rate = Rate(0, 0)


class SystemRates(Struct, frozen=True, forbid_unknown_fields=True):
    """PAD subsystem and full system over all presentations.

    worst:         the highest rate of a species, never a mean, below the highest bounds; not measured where one was not.
    worst_species: by rate, whose value and bound that is, or which were not measured.
    fta, fte:      of bona fide presentations; of attacks apart, since those depend on what was tried.
    """

    species: tuple[SpeciesRates, ...]
    apcer_worst: Rate
    iapar_worst: Rate
    riapar_worst: SumOfRates
    bpcer: Rate
    bpnrr: Rate
    frr: Rate
    far: Rate
    review: Rate
    fta: Rate
    fte: Rate
    attacks_fta: Rate = Rate(0, 0)
    attacks_fte: Rate = Rate(0, 0)
    worst_species: dict[str, str] = {}


class OperatingPoint(Struct, frozen=True, forbid_unknown_fields=True):
    """At this similarity and above two faces match. name: `accept`, `review`, or the FMR that was aimed at."""

    name: str
    similarity: float
    fmr: Rate
    fnmr: Rate
    lookalike_fmr: Rate


class DetPoint(Struct, frozen=True, forbid_unknown_fields=True):
    """One point of the curve: no interval, it only draws a line."""

    similarity: float
    fmr: float
    fnmr: float


class Histogram(Struct, frozen=True, forbid_unknown_fields=True):
    """Scores counted in bins of equal width over -1..1."""

    bins: int
    mated: tuple[int, ...]
    random: tuple[int, ...]
    lookalike: tuple[int, ...]


class Folds(Struct, frozen=True, forbid_unknown_fields=True):
    """Accuracy where each fold is judged at the threshold that is best on all others (the LFW protocol).

    mean, deviation: of the folds' accuracies (sample standard deviation). wrong: all pairs judged wrongly.
    """

    folds: int
    mean: float
    deviation: float
    threshold_min: float
    threshold_max: float
    wrong: Rate


class MatchRates(Struct, frozen=True, forbid_unknown_fields=True):
    """Similarities of one kind: of portraits with clips, of pairs of images, of all images with all.

    persons: of all images with all: whose they are; the intervals at the points are over them (Rate.worth).
    """

    of: MatchedKind
    mated: int
    random: int
    lookalike: int
    points: tuple[OperatingPoint, ...]
    det: tuple[DetPoint, ...]
    histogram: Histogram
    folds: Folds | None = None
    failed: Rate = Rate(0, 0)
    persons: int = 0


class GroupRates(Struct, frozen=True, forbid_unknown_fields=True):
    """One value of one group column. fmr, fnmr: at the policy's accept threshold, random impostors only."""

    column: str
    value: str
    of: Literal["presentations", "pairs"]
    apcer_worst: Rate
    bpcer: Rate
    bpnrr: Rate
    frr: Rate
    fnmr: Rate
    fmr: Rate
    apnrr_worst: Rate = Rate(0, 0)
    iapar_worst: Rate = Rate(0, 0)
    fta: Rate = Rate(0, 0)
    fte: Rate = Rate(0, 0)


class Report(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One evaluation. failures: presentations that were not judged, by cause. images_failed: images of pairs, the same.

    software: what judged (software.py); empty where the report comes from live decisions.
    """

    format: Literal["realname.evaluation.v1"] = FORMAT
    dataset: DatasetFacts
    policy: PolicyFacts
    models: dict[str, str]
    software: str = ""
    interval: str
    system: SystemRates | None = None
    matching: tuple[MatchRates, ...] = ()
    groups: tuple[GroupRates, ...] = ()
    failures: dict[str, int] = {}
    images_failed: dict[str, int] = {}
    not_measured: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    pairs: tuple[PairRow, ...] = ()


def encode(report: Report) -> bytes:
    """JSON for files: indented, the same report gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(report, order="sorted"), indent=1) + b"\n"


def decode(content: bytes, name: str) -> Report:
    """Raises ReportWrong, which names the file and what is wrong."""
    try:
        return msgspec.json.decode(content, type=Report)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ReportWrong(f"{name} is no report of `realname evaluate`: {error}") from None
