"""Pure: what a registration costs, each figure with where it comes from. `python -m bench.coefficients` writes the file.

A figure is one of four kinds. measured: on the machine and date that it names. derived: computed from measured ones, as its
source says. declared: follows from our own code or settings. assumed: nobody has measured it, its source says why that value.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from realname.errors import RealnameError

SHIPPED = Path(__file__).with_name("coefficients.json")

Basis = Literal["measured", "derived", "declared", "assumed"]
PROCESSES = ("intake", "dispatcher", "worker", "projector", "janitor", "valkey", "kafka", "loader")

# Every name that a file must hold, and what it is.
NAMES: dict[str, str] = {
    **{f"{process}_cpu_ms": f"CPU of {process} for each decided registration, its idle cost taken off" for process in PROCESSES},
    **{f"{process}_idle_cores": f"what {process} spends with nothing to do, in cores" for process in PROCESSES},
    "check_cpu_ms": "CPU of one whole check, models on the CPU",
    "decode_cpu_ms": "of which decoding",
    "models_cpu_ms": "of which models: what a GPU takes over",
    "model_items": "images that go through a model in one check",
    "gpu_call_ms": "a call to a model on a GPU, whatever its batch",
    "gpu_item_ms": "each image in it",
    "gpu_batch": "largest batch",
    "gpu_batch_fill_share": "how full batches are under load",
    "dispatcher_turn_s": "how long a dispatcher takes in what comes before it does it; a registration passes it twice",
    "kafka_burst_s": "Kafka's idle CPU comes in pieces so long, not evenly: compiling, collecting garbage",
    "kafka_warm_up_s": "CPU that Kafka spends on top in the first half minute of a load run, s: it compiles",
    "path_wait_s": "submission to decision on average, what is neither CPU nor a queue nor a turn: network, batches filling",
    "upload_s": "how long a store's upload takes",
    "clip_bytes": "a clip",
    "portrait_bytes": "a portrait",
    "submitted_bytes": "a record of registrations.submitted",
    "decided_bytes": "a decision's record",
    "inflight_bytes": "Redis memory of one job between the stages",
    "status_bytes": "Redis memory of one status, kept for a day",
    "duplicate_bytes": "Redis memory of one clip's entry in the duplicate index, kept for a day",
    "refused_share": "registrations that end refused: their media waits for an objection",
    "review_share": "registrations that end in review: their media waits for a ruling",
    "replication": "copies of each Kafka record",
    "simulated_check_s": "how long a thread of a load run's simulated worker sleeps for one check",
    "stand_in_cpu_ms": "CPU of a load run's simulated worker in the place of inference, not among the worker's",
    "gpu_pod_start_s": "from wanting a GPU worker to its first check",
    "cpu_pod_start_s": "from wanting a CPU worker to its first check",
}

# Names that files had not before 2026-11-29, when path_wait_s, kafka_idle_cores and worker_cpu_ms had all of it in them.
LATER = ("dispatcher_turn_s", "kafka_burst_s", "kafka_warm_up_s", "stand_in_cpu_ms")


class CoefficientsWrong(RealnameError):
    """The file of coefficients does not read, or lacks a figure; the message names it."""


class Coefficient(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One figure. source: the file, run or reasoning; taken_on and machine: where it was measured."""

    value: Annotated[float, Meta(ge=0)]
    basis: Basis
    source: str
    taken_on: date | None = None
    machine: str = ""

    def __post_init__(self) -> None:
        """A measurement without its date and machine is a rumour."""
        if self.basis == "measured" and not (self.taken_on and self.machine):
            raise ValueError("a measured figure needs taken_on and machine")


_UNTOLD = Coefficient(value=0.0, basis="derived", source="the file is older than this figure, and has it in another one")


class Coefficients(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file of them. fitted_hz: the rates of the load runs behind it; a prediction at one of them proves nothing."""

    fitted_hz: tuple[float, ...] = ()
    figures: dict[str, Coefficient]

    def of(self, name: str) -> float:
        """The bare value."""
        return self.figures[name].value

    def cited(self, name: str) -> str:
        """The value with its kind and source, as it stands behind a row."""
        found = self.figures[name]
        where = f"; {found.taken_on:%Y-%m-%d}, {found.machine}" if found.taken_on else ""
        return f"{name} {found.value:,.6g}: {found.basis.upper()}, {found.source}{where}"


def decode(content: bytes, name: str) -> Coefficients:
    """name: for the message. Raises CoefficientsWrong for another shape, and for a name too few or too many."""
    try:
        written = msgspec.json.decode(content, type=_Written)
    except msgspec.MsgspecError as error:
        raise CoefficientsWrong(f"{name}: {error}") from None
    names = written.figures.keys()
    for wrong, said in ((NAMES.keys() - names - set(LATER), "lacks"), (names - NAMES.keys(), "does not know")):
        if wrong:
            raise CoefficientsWrong(f"{name} {said} {', '.join(sorted(wrong))}: see services/planning/coefficients.py")
    figures = dict.fromkeys(LATER, _UNTOLD)
    figures |= {figure: _decoded(raw, figure, name) for figure, raw in written.figures.items()}
    return Coefficients(fitted_hz=written.fitted_hz, figures=figures)


def encode(coefficients: Coefficients) -> bytes:
    """Indented, in the order of NAMES: what changed shows in a diff."""
    ordered = {name: coefficients.figures[name] for name in NAMES}
    return msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(coefficients, figures=ordered)), indent=2) + b"\n"


class _Written(Struct, frozen=True, forbid_unknown_fields=True):
    """Coefficients before each figure is looked at by itself, so that a wrong one is named."""

    figures: dict[str, msgspec.Raw]
    fitted_hz: tuple[float, ...] = ()


def _decoded(raw: msgspec.Raw, figure: str, name: str) -> Coefficient:
    try:
        return msgspec.json.decode(raw, type=Coefficient)
    except msgspec.MsgspecError as error:
        raise CoefficientsWrong(f"{name}, {figure}: {error}") from None
