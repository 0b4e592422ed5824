"""Pure: a check as tables for people and as JSON for programs. Every signal stands beside the threshold it was held against."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from realname.messages import Action, ActionTrace, LivenessReport, MatchReport, RegistrationDecided
from realname.policy import Policy
from realname.reasons import Language, Reason, text_of
from services.cli.verdict import as_values, lines_of

ACTION_NAMES: dict[Action, str] = {"blink": "blink", "turn_left": "turn left", "turn_right": "turn right"}
NO_CHALLENGE = "no challenge was held against it: what the clip shows was taken as asked (--actions names a challenge)"
COSTS_NOTE = "a first run, not warmed up; waited: for models, which is a GPU's work, or on a CPU other work on this machine"
NOT_MEASURED = "not measured"


class Checked(Struct, frozen=True):
    """A check without the person's pictures.

    decision: carries the reports of both stages.
    asked:    the challenge; None: none, and the reports' actions are those that were seen.
    size_px:  width and height of the clip; None where it could not be decoded.
    cpu_ms:   by step, in order. waited_ms: for models, by step.
    """

    decision: RegistrationDecided
    policy: Policy
    asked: tuple[Action, ...] | None
    size_px: tuple[int, int] | None
    cpu_ms: dict[str, float]
    waited_ms: dict[str, float]


def as_json(checked: Checked, language: Language) -> str:
    """The whole check as one JSON object."""
    decision = checked.decision
    liveness = decision.liveness or LivenessReport()
    values: dict[str, Any] = {
        "verdict": decision.verdict,
        "reasons": as_values(decision.reasons, language),
        "policy": decision.policy,
        "challenge": {
            "held": checked.asked is not None,
            "asked": list(checked.asked or ()),
            "unmet": liveness.challenge_unmet,
            "actions": liveness.actions,
        },
        "clip_px": checked.size_px,
        "scores": decision.scores,
        "notes": decision.notes,
        "liveness": decision.liveness,
        "match": decision.match,
        "models": decision.models,
        "cpu_ms": {step: round(spent, 2) for step, spent in checked.cpu_ms.items()},
        "waited_ms": {step: round(waited, 2) for step, waited in checked.waited_ms.items()},
    }
    return msgspec.json.format(msgspec.json.encode(values)).decode()


def show(checked: Checked, language: Language, console: Console) -> None:
    """Print the signals, then the verdict with its reasons in plain words."""
    decision, policy = checked.decision, checked.policy
    liveness = decision.liveness or LivenessReport()
    console.print(_head("clip"), Text(", ".join(_clip_facts(liveness, checked.size_px))))
    faults = (*liveness.capture, *(decision.match.portrait if decision.match else ()))
    console.print(_head("capture"), Text(_in_words(faults, language) or "fit to be judged", style="red" if faults else ""))
    console.print()
    console.print(_actions(checked, liveness))
    for line in _motions(liveness):
        console.print(Text(line))
    for table in (_signals(liveness, decision.match, policy), _quality(checked, policy), _costs(checked)):
        console.print()
        console.print(table)
    console.print(Text(COSTS_NOTE, style="dim"))
    console.print()
    for role, digest in decision.models.items():
        console.print(_head(f"model {role}"), Text(digest, overflow="fold"))
    console.print(_head("policy"), Text(decision.policy))
    console.print()
    for line in lines_of(decision.verdict, decision.reasons, language):
        console.print(line)
    for note in (*decision.notes, *([NO_CHALLENGE] if checked.asked is None else [])):
        console.print(Text(f"  note: {note}", style="yellow"))


def _head(name: str) -> Text:
    return Text(f"{name:<16}", style="bold")


def _in_words(reasons: tuple[Reason, ...], language: Language) -> str:
    return "; ".join(f"{text_of(reason, language).staff} [{reason.value}]" for reason in reasons)


def _clip_facts(liveness: LivenessReport, size_px: tuple[int, int] | None) -> Iterator[str]:
    if size_px is None:
        yield "could not be decoded"
        return
    yield f"{size_px[0]}x{size_px[1]}"
    yield f"{liveness.duration_s:.2f} s"
    yield f"{liveness.frames} frames at {liveness.frame_rate_hz:.1f} Hz"
    yield f"{liveness.frames_judged} of them judged"
    yield f"the face in {liveness.frames_with_face}"


def _actions(checked: Checked, liveness: LivenessReport) -> Table:
    table = _table("challenge" if checked.asked is not None else "actions seen (none was asked)", 2)
    for name in ("action", "asked", "seen", "at", "frames", "how strongly", "held against"):
        table.add_column(name)
    for number, trace in enumerate(liveness.actions, start=1):
        table.add_row(
            f"{number}. {ACTION_NAMES[trace.action]}",
            _span(trace.asked_at_s, trace.until_s, " s"),
            Text("yes", "green") if trace.seen else Text("no" if trace.cause is None else f"no, {trace.cause}", "red"),
            "" if trace.at_s is None else f"{trace.at_s:.2f} s",
            _span(trace.first_frame, trace.last_frame),
            "" if trace.strength is None else _strength(trace, trace.strength),
            _least(trace.action, checked.policy),
        )
    if not liveness.actions:
        table.add_row("none")
    return table


def _span(first: float | None, last: float | None, unit: str = "") -> str:
    """From where to where; empty where nobody knows."""
    if first is None:
        return ""
    digits = 2 if unit else 0
    return f"{first:.{digits}f} to {last:.{digits}f}{unit}" if last is not None else f"from {first:.{digits}f}{unit}"


def _motions(liveness: LivenessReport) -> Iterator[str]:
    """All that moved, asked or not."""
    turns = [f"{at_s:.2f} s ({deg:+.1f})" for at_s, deg in zip(liveness.turns_at_s, liveness.turns_deg, strict=True)]
    yield f"all blinks: {', '.join(f'{at_s:.2f} s' for at_s in liveness.blinks_at_s) or 'none'}"
    yield f"all turns, degrees (+ the customer's left): {', '.join(turns) or 'none'}"
    yield f"not asked: {liveness.extra_blinks} blinks (noted only), {liveness.extra_turns} turns"
    if liveness.challenge_unmet:
        yield f"unmet: {', '.join(reason.value for reason in liveness.challenge_unmet)}"


def _strength(trace: ActionTrace, strength: float) -> str:
    return f"{strength:.2f} shut" if trace.action == "blink" else f"{strength:.1f} degrees"


def _least(action: Action, policy: Policy) -> str:
    if action == "blink":
        return f"> {policy.blink.closedness_min:g} shut, <= {policy.blink.duration_s_max:g} s"
    return f">= {policy.turn.yaw_deg_min:g} degrees"


def _signals(liveness: LivenessReport, match: MatchReport | None, policy: Policy) -> Table:
    table = _table("signals", 3)
    table.add_column("signal")
    table.add_column("measured", justify="right")
    table.add_column("held against")
    pad, turn, rules, least = policy.pad, policy.turn, policy.match, policy.same_face_min
    found = match or MatchReport()
    table.add_row(
        f"passive PAD, median of {liveness.pad_frames} frames",
        _number(liveness.pad_live),
        f"live >= {pad.live_min:g}, refused < {pad.review_min:g}, between: review; {pad.frames_min} frames needed",
    )
    table.add_row("parallax of the nose tip", _number(liveness.parallax), f"flat <= {turn.parallax_min:g} eye-mouth heights")
    table.add_row(
        "yaw range in its window, degrees",
        _number(liveness.yaw_range_deg, 1),
        f"a low parallax refuses from {turn.parallax_yaw_range_deg_min:g} on, below: turn further",
    )
    for row in _one_recording(liveness, policy):
        table.add_row(*row)
    several = "yes" if liveness.several_faces else "no"
    table.add_row("several faces", several, f"in > {policy.clip.several_share_max:.0%} of the detections")
    same = liveness.track_similarity_min
    constancy = "unbroken track" if same is None and liveness.frames_with_face else _number(same)
    table.add_row("one face along the track", constancy, f">= {least:.3f}, where the track broke")
    table.add_row("one face in the matched frames", _number(found.frames_similarity_min), f">= {least:.3f}")
    table.add_row(
        "similarity to the portrait",
        _number(found.similarity),
        f">= {policy.accept_min:.3f} (FMR {rules.accept_fmr:g}), refused < {policy.review_min:.3f}, between: review",
    )
    if found.similarities:
        table.add_row("  of each matched frame", " ".join(f"{value:.3f}" for value in found.similarities), "")
    table.add_row("copy correlation", _number(found.copy_correlation), f"the same photo > {rules.copy_correlation_max:g}")
    return table


def _one_recording(liveness: LivenessReport, policy: Policy) -> Iterator[tuple[str, str, str]]:
    """What tells a card, and a recording that is cut, held, looped or played at another pace."""
    turn, track = policy.turn, policy.track
    yield (
        "width at the turn, beside a head's",
        _number(liveness.turn_width),
        f"a card < {turn.width_min:g}, where parallax < {turn.deep_min:g}",
    )
    yield "quickest turn beyond half its angle, s", _number(liveness.turned_s, 2), f"sped up < {turn.turned_s_min:g}"
    yield "largest change from frame to frame", _number(liveness.face_leap), f"spliced > {track.face_leap_max:g}"
    yield "a stretch of the picture played again", _number(liveness.repeat), f"spliced < {track.repeat_min:g}"
    yield "a stretch of the face shown again", _number(liveness.again), f"spliced < {track.again_min:g}"
    yield (
        "drift of the face's details",
        _number(liveness.drift),
        f"frozen < {track.drift_min:g}; not measured where it moves all the time",
    )


def _quality(checked: Checked, policy: Policy) -> Table:
    """Both recordings, component by component."""
    rules, decision = policy.quality, checked.decision
    eyes_px, portrait_eyes_px = rules.inter_eye_distance_px_min, policy.match.portrait_eye_distance_px_min
    bounds = {
        "illumination_uniformity": f">= {rules.illumination_uniformity_min:g}",
        "luminance_mean": f"{rules.luminance_mean_min:g} to {rules.luminance_mean_max:g} of 255",
        "under_exposure_prevention": f">= {rules.under_exposure_prevention_min:g}",
        "over_exposure_prevention": f">= {rules.over_exposure_prevention_min:g}",
        "sharpness": f">= {rules.sharpness_min:g}",
        "inter_eye_distance_px": f">= {eyes_px:g} (portrait >= {portrait_eyes_px:g})",
        "head_pose_roll_deg": f"within {rules.head_pose_roll_deg_max:g}",
        "eyes_visible": f">= {rules.eyes_visible_min:g}",
    }
    clip = decision.liveness.quality if decision.liveness else {}
    portrait = decision.match.quality if decision.match else {}
    table = _table("quality, by ISO/IEC 29794-5", 3)
    table.add_column("component")
    for name in ("clip, median", "portrait"):
        table.add_column(name, justify="right")
    table.add_column("held against")
    for name in dict.fromkeys((*clip, *portrait)):
        table.add_row(name.replace("_", " "), _number(clip.get(name), 3), _number(portrait.get(name), 3), bounds.get(name, ""))
    if not clip and not portrait:
        table.add_row(NOT_MEASURED, "", "", "")
    return table


def _costs(checked: Checked) -> Table:
    spent, waited = checked.cpu_ms, checked.waited_ms
    table = _table("ms by step", 2)
    table.add_column("step")
    table.add_column("CPU", justify="right")
    table.add_column("waited", justify="right")
    for step in spent:
        table.add_row(step, f"{spent[step]:.1f}", f"{waited[step]:.1f}" if step in waited else "")
    table.add_row("in all", f"{sum(spent.values()):.1f}", f"{sum(waited.values()):.1f}", style="bold")
    return table


def _table(title: str, gap: int) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        caption_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, gap, 0, 0),
    )


def _number(value: float | None, digits: int = 4) -> str:
    return NOT_MEASURED if value is None else f"{value:.{digits}f}"
