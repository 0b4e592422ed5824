"""Draws a check: what was seen over time, against its thresholds. Needs matplotlib, a development dependency."""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
# (matplotlib's stubs leave most of its keyword arguments untyped)

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from numpy.typing import NDArray

from realname.messages import Verdict
from realname.policy import Policy
from realname.reasons import text_of
from workers.check import CheckResult
from workers.clip import Clip
from workers.liveness.stage import Signals

SIZE_INCHES = (13.5, 10.0)
DPI = 110
ABOVE, BESIDE = (8, 4), (12, -9)  # points from what is named to its name
LATE_SHARE = 0.85  # of the clip's length: what comes later is named on its left
THUMBNAILS = 8
THUMBNAIL_PX = 150  # of its longer side
LINE, SEEN, EXTRA, LIMIT = "#1f4e79", "#2e8b57", "#b07d12", "#b03a2e"  # told apart in gray print, too
VERDICT_COLOURS: dict[Verdict, str] = {"approved": SEEN, "refused": LIMIT, "retry": EXTRA, "review": LINE}
ASKED_NAMES = {"turn_left": "turn left", "turn_right": "turn right", "blink": "blink"}


def draw(result: CheckResult, policy: Policy, path: Path) -> None:
    """Write a PNG. It shows the person: treat it as evidence."""
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    _title(figure, result)
    if result.signals is None or result.clip is None:
        figure.text(0.5, 0.5, "The clip could not be decoded: there is nothing to draw.", ha="center", fontsize=14)
    else:
        _panels(figure, result, result.signals, result.clip, policy)
    figure.savefig(path, format="png")


def _title(figure: Figure, result: CheckResult) -> None:
    """The verdict with its decisive reason in words, all reasons, what was asked, and how alike the faces are."""
    decision = result.decision
    asked = "nothing asked" if result.asked is None else "asked: " + ", ".join(ASKED_NAMES[action] for action in result.asked)
    reasons = ", ".join(reason.value for reason in decision.reasons)
    similarity = "" if result.match is None or result.match.similarity is None else f"   similarity {result.match.similarity:.2f}"
    figure.suptitle(
        f"{decision.verdict}: {text_of(decision.reasons[0], 'en').staff}\n{reasons}   {asked}{similarity}"
        f"   policy {decision.policy}",
        color=VERDICT_COLOURS[decision.verdict],
        fontsize=13,
    )


def _panels(figure: Figure, result: CheckResult, signals: Signals, clip: Clip, policy: Policy) -> None:
    """Thumbnails, yaw, eyes and PAD above one another, on one time axis."""
    top, yaw, eyes, pad = figure.subplots(4, 1, sharex=True, height_ratios=(1.25, 2, 2, 1.4))
    top.set_xlim(-0.05, float(clip.at_s[-1]) + 0.05)
    _thumbnails(top, result, clip, signals)
    _yaw(yaw, result, signals, policy)
    _eyes(eyes, result, signals, policy)
    _pad(pad, result, signals, clip, policy)
    pad.set_xlabel("time from the clip's first frame, seconds")
    last_s = float(clip.at_s[-1])
    for panel in (yaw, eyes, pad):
        panel.grid(visible=True, alpha=0.25)
        panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=9, frameon=False)
        _windows(panel, result, named=panel is yaw)
        panel.set_xlim(-0.05, last_s + 0.05)  # a window may reach beyond the clip


def _thumbnails(panel: Axes, result: CheckResult, clip: Clip, signals: Signals) -> None:
    """Frames over the clip's length, each tied to its moment; those of the match and of answered actions are named."""
    panel.set_ylim(0, 1)
    panel.axis("off")
    names = _named_frames(result, clip, signals)
    wanted = np.linspace(0, len(clip) - 1, THUMBNAILS).round().astype(int).tolist()
    for place, index in enumerate(_with_nearest(wanted, sorted(names))):
        image = clip.bgr(index)[:, :, ::-1]
        step = max(1, round(max(image.shape[:2]) / THUMBNAIL_PX))
        zoom = THUMBNAIL_PX / (max(image.shape[:2]) / step) * 0.55
        position, at_s = float(clip.at_s[-1]) * (place + 0.5) / THUMBNAILS, float(clip.at_s[index])
        box = AnnotationBbox(OffsetImage(image[::step, ::step], zoom=zoom), (position, 0.62), frameon=index in names, pad=0.15)
        box.patch.set_edgecolor(SEEN)
        box.patch.set_linewidth(2.5)
        panel.add_artist(box)
        panel.plot([position, at_s], [0.13, 0.0], color=LINE, linewidth=0.8, alpha=0.6)
        panel.text(position, 0.14, f"{at_s:.2f} s {names.get(index, '')}".rstrip(), ha="center", fontsize=8)


def _named_frames(result: CheckResult, clip: Clip, signals: Signals) -> dict[int, str]:
    """The frames that the verdict hangs on, and what they are."""
    names = dict.fromkeys(signals.chip_frames, "match")
    for action in result.liveness.actions:
        if action.seen and action.at_s is not None:
            names[int(np.argmin(np.abs(clip.at_s - action.at_s)))] = ASKED_NAMES[action.action]
    return names


def _with_nearest(wanted: Sequence[int], must: Sequence[int]) -> list[int]:
    """The wanted frames, each nearest one replaced by one that must be shown."""
    shown = list(wanted)
    for frame in sorted(set(must) - set(wanted)):
        free = [place for place, kept in enumerate(shown) if kept not in must] or [0]
        shown[min(free, key=lambda place: abs(shown[place] - frame))] = frame
    return sorted(shown)


def _yaw(panel: Axes, result: CheckResult, signals: Signals, policy: Policy) -> None:
    motion, least = signals.motion, policy.turn.yaw_deg_min
    panel.plot(motion.at_s, motion.yaw_deg, color=LINE, marker=".", label="yaw (nose ratio)")
    for limit in (least, -least):
        panel.axhline(limit, color=LIMIT, linestyle="--", linewidth=1, label=f"a turn: {least:g} degrees" if limit > 0 else None)
    taken = {action.at_s for action in result.liveness.actions if action.seen and action.action != "blink"}
    for turn in motion.turns:
        colour = SEEN if turn.at_s in taken else EXTRA
        panel.axvspan(motion.at_s[turn.first], motion.at_s[turn.last], color=colour, alpha=0.18)
        note = f"{turn.side}, {turn.deg:.0f} degrees{'' if turn.at_s in taken else ', not asked'}"
        place = (turn.at_s, float(motion.yaw_deg[turn.peak]))
        _name(panel, note, place, ABOVE, colour, is_late=turn.at_s > LATE_SHARE * float(motion.at_s[-1]))
    panel.text(0.01, 0.04, _depth_words(result, policy), transform=panel.transAxes, fontsize=9, color=LINE)
    panel.margins(y=0.15)
    panel.set_ylabel("yaw, degrees\n(+ is the customer's left)")


def _depth_words(result: CheckResult, policy: Policy) -> str:
    """The parallax and the yaw range it was seen over, each beside its threshold."""
    depth, rules = result.liveness, policy.turn
    if depth.parallax is None or depth.yaw_range_deg is None:
        return "parallax not measured"
    parallax = f"parallax {depth.parallax:.2f} eye-mouth heights (flat up to {rules.parallax_min:g})"
    return f"{parallax} over a yaw range of {depth.yaw_range_deg:.0f} degrees (enough from {rules.parallax_yaw_range_deg_min:g})"


def _eyes(panel: Axes, result: CheckResult, signals: Signals, policy: Policy) -> None:
    motion, rules = signals.motion, policy.blink
    openness = 1 - motion.closedness
    panel.plot(motion.at_s, openness, color=LINE, marker=".", label="openness (EAR / its median)")
    panel.axhline(
        1 - rules.closedness_min, color=LIMIT, linestyle="--", linewidth=1, label=f"shut below {1 - rules.closedness_min:.2f}"
    )
    again = 1 - rules.hysteresis * rules.closedness_min
    panel.axhline(again, color=EXTRA, linestyle=":", linewidth=1, label=f"open again above {again:.2f}")
    taken = {action.at_s for action in result.liveness.actions if action.seen and action.action == "blink"}
    for blink in motion.blinks:
        answers = blink.at_s in taken
        panel.axvspan(motion.at_s[blink.first], motion.at_s[blink.last], color=SEEN if answers else EXTRA, alpha=0.3)
        note = f"{'blink' if answers else 'extra blink'}, {blink.closedness:.2f} shut"
        place = (blink.at_s, 1 - blink.closedness)
        colour = SEEN if answers else EXTRA
        _name(panel, note, place, BESIDE, colour, is_late=blink.at_s > LATE_SHARE * float(motion.at_s[-1]))
    panel.margins(y=0.15)
    panel.set_ylabel("eye openness\n(share of this clip's own)")


def _name(panel: Axes, note: str, place: tuple[float, float], offset: tuple[int, int], colour: str, *, is_late: bool) -> None:
    """Beside what it names: on its right, or on its left where the picture ends soon."""
    beside = (-offset[0], offset[1]) if is_late else offset
    side = "right" if is_late else "left"
    panel.annotate(note, place, xytext=beside, textcoords="offset points", ha=side, fontsize=9, color=colour)


def _pad(panel: Axes, result: CheckResult, signals: Signals, clip: Clip, policy: Policy) -> None:
    at_s: NDArray[np.float64] = clip.at_s[signals.pad_frames]
    panel.plot(at_s, signals.pad_scores, color=LINE, marker="o", linestyle="", label="one frame")
    if result.liveness.pad_live is not None:
        panel.axhline(result.liveness.pad_live, color=LINE, linewidth=1, label=f"median {result.liveness.pad_live:.2f}")
    panel.axhline(policy.pad.live_min, color=EXTRA, linestyle=":", linewidth=1, label=f"review below {policy.pad.live_min:g}")
    panel.axhline(
        policy.pad.review_min, color=LIMIT, linestyle="--", linewidth=1, label=f"refused below {policy.pad.review_min:g}"
    )
    panel.set_ylim(-0.05, 1.05)
    panel.set_ylabel("passive PAD,\nlive probability")


def _windows(panel: Axes, result: CheckResult, *, named: bool) -> None:
    """Each asked action, numbered in the order asked: the band of its cue, and the moment that answered it or the cause."""
    for place, action in enumerate(result.liveness.actions, start=1):
        colour = SEEN if action.seen else LIMIT
        name = f" {place}. {ASKED_NAMES[action.action]}{'' if action.cause is None else ': ' + action.cause}"
        if action.asked_at_s is not None:
            panel.axvspan(action.asked_at_s, action.until_s or action.asked_at_s, color=colour, alpha=0.07, zorder=0)
            panel.axvline(action.asked_at_s, color=colour, linewidth=1.2, linestyle=":")
        if action.seen and action.at_s is not None:
            panel.axvline(action.at_s, color=SEEN, linewidth=1.2, alpha=0.8)
        stands_at_s = action.at_s if action.asked_at_s is None else action.asked_at_s
        if named and stands_at_s is not None:
            panel.text(stands_at_s, 1.0, name, transform=panel.get_xaxis_transform(), fontsize=9, color=colour, va="bottom")
