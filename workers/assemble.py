"""Builds the real worker: models, decoder, vault, stages. All of it before the first message is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from models.device import Turns
from models.profiles import profiles_by_name, read_loadout
from models.registry import Models, load
from realname.activation import decode_plan
from realname.errors import RecordUnreadable, Transient
from realname.health import Check
from realname.keys import FileKeys
from realname.log import start_logging
from realname.messages import Challenge, MatchReport
from realname.metrics import Metrics
from realname.policy import Policy, load_policy
from realname.settings import Worker, keys_folder, read_settings
from realname.vault import open_vault
from workers.clip import Clip
from workers.decoder.limits import limits_of
from workers.decoder.pool import Cost, Decoder
from workers.decoder.process import Cause
from workers.duplicates.index import RedisDuplicates
from workers.liveness.stage import judge_liveness
from workers.matching.stage import judge_match
from workers.observing import Observing
from workers.precision import insist_measured
from workers.process import body_of, run
from workers.runtime import Judged, Runtime
from workers.scratch import connect
from workers.timing import Timing

DUPLICATES_WITHIN_S = 1.0  # for one answer of the index; it is asked once more on a new connection


@dataclass(frozen=True, slots=True)
class ModelJudges:
    """Both stages with their models and policy."""

    models: Models
    policy: Policy

    @property
    def process_hz(self) -> float:
        return self.policy.clip.process_hz_min

    def liveness(self, clip: Clip, challenge: Challenge) -> Judged:
        return judge_liveness(clip, challenge, self.models, self.policy)

    def match(self, portrait: Any, chips: Sequence[bytes]) -> MatchReport:
        return judge_match(portrait, chips, self.models, self.policy)


@dataclass(frozen=True, slots=True)
class Judging:
    """The judges of any plan whose weights are loaded. profiles: name of a set of weights -> the models."""

    profiles: dict[str, Models]

    def judges_with(self, body: bytes) -> ModelJudges:
        """body: an encoded plan. Raises Transient: another worker may have its weights, or this one after its upgrade."""
        try:
            plan = decode_plan(body)
        except RecordUnreadable as error:
            raise Transient("a plan of a newer version") from error
        models = self.profiles.get(plan.profile)
        if models is None:
            raise Transient("the plan's weights are not loaded here")
        return ModelJudges(models, plan.policy)


def main() -> int:
    """`python -m workers`. Returns the exit code; raises SettingsWrong and what loading the models raises."""
    settings = read_settings(Worker)
    start_logging(settings.log_level)
    timing, metrics = Timing(), Metrics("worker")
    observing, body, policy = Observing(metrics), body_of(settings, timing), load_policy(settings.policy)
    keys = FileKeys(keys_folder(settings))
    vault = open_vault(settings.vault, keys)
    profiles = _profiles(settings, observing)
    insist_measured(settings, profiles.values(), policy.drift)
    models = profiles[read_loadout(settings.models_profile).name]
    decoder = _decoder(settings, observing)
    runtime = Runtime(
        vault=vault,
        keys=keys,
        decoder=decoder,
        judges=ModelJudges(models, policy),
        duplicates=RedisDuplicates(connect(settings.redis, answer_within_s=DUPLICATES_WITHIN_S), keys),
        scratch=body.scratch,
        observing=observing,
        watchdog=body.watchdog,
        vitals=body.vitals,
        judges_with=Judging(profiles).judges_with,
        pause=body.pause,
        timing=timing,
    )
    alive: list[Check] = [lambda: None if all(each.are_open for each in profiles.values()) else "no_models"]
    closed = [*(each.close for each in profiles.values()), decoder.close]
    return run(settings, runtime, body, metrics, alive=alive, ready=[decoder.check], close=closed)


def _profiles(settings: Worker, observing: Observing) -> dict[str, Models]:
    """The sets of weights of this process by their names: its own, and the candidate where there is one.

    Raises SettingsWrong where the candidate bears the name of its own: then it would judge in its place.
    """
    named = profiles_by_name(filter(None, (settings.models_profile, settings.candidate_profile)))
    each = {name: structs.replace(settings, models_profile=given) for name, given in named.items()}
    turns = Turns(observing.device_busy)
    loaded = {name: load(one, observing.batch, turns) for name, one in each.items()}
    observing.placed(fell_back=any(models.fell_back for models in loaded.values()))
    return loaded


def _decoder(settings: Worker, observing: Observing) -> Decoder:
    def died(cause: Cause) -> None:
        observing.decoder_died(cause.value)

    def decoded(cost: Cost) -> None:
        observing.decoded(cost.kind, waited_s=cost.waited_s, cpu_s=cost.cpu_s, wall_s=cost.wall_s)

    clips_max = settings.decoded_max or settings.threads
    decoder = Decoder(limits_of(settings), children=settings.decoders, clips_max=clips_max, died=died, decoded=decoded)
    observing.held(lambda: decoder.held)
    return decoder
