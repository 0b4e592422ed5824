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
from workers.check import CheckResult
from workers.clip import Clip
from workers.liveness.stage import Signals

SIZE_INCHES = (13.5, 10.0)
DPI = 110
ABOVE = (6, 3)  # points from what is named to its name
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
    asked = "not given" if result.asked is None else ", ".join(ASKED_NAMES[action] for action in result.asked)
    reasons = ", ".join(reason.value for reason in result.decision.reasons)
    similarity = "" if result.match is None or result.match.similarity is None else f"   similarity {result.match.similarity:.2f}"
    figure.suptitle(
        f"{result.decision.verdict}: {reasons}\nasked: {asked}{similarity}",
        color=VERDICT_COLOURS[result.decision.verdict],
        fontsize=14,
    )


def _panels(figure: Figure, result: CheckResult, signals: Signals, clip: Clip, policy: Policy) -> None:
    """Thumbnails, yaw, eyes and PAD above one another, on one time axis."""
    top, yaw, eyes, pad = figure.subplots(4, 1, sharex=True, height_ratios=(1.1, 2, 2, 1.4))
    top.set_xlim(-0.05, float(clip.at_s[-1]) + 0.05)
    _thumbnails(top, clip, signals)
    _yaw(yaw, result, signals, policy)
    _eyes(eyes, result, signals, policy)
    _pad(pad, result, signals, clip, policy)
    pad.set_xlabel("seconds from the clip's first frame")
    for panel in (yaw, eyes, pad):
        panel.grid(visible=True, alpha=0.25)
        panel.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=8, frameon=False)
        _windows(panel, result)


def _thumbnails(panel: Axes, clip: Clip, signals: Signals) -> None:
    """Frames over the clip's length, those of the match framed."""
    panel.set_ylim(0, 1)
    panel.set_yticks([])
    panel.set_ylabel("frames")
    wanted = np.linspace(0, len(clip) - 1, THUMBNAILS).round().astype(int).tolist()
    matched = set(signals.chip_frames)
    for place, index in enumerate(_with_nearest(wanted, sorted(matched))):
        image = clip.bgr(index)[:, :, ::-1]
        step = max(1, round(max(image.shape[:2]) / THUMBNAIL_PX))
        zoom = THUMBNAIL_PX / (max(image.shape[:2]) / step) * 0.55
        position = clip.at_s[-1] * (place + 0.5) / THUMBNAILS
        box = AnnotationBbox(OffsetImage(image[::step, ::step], zoom=zoom), (position, 0.55), frameon=index in matched, pad=0.15)
        box.patch.set_edgecolor(SEEN)
        box.patch.set_linewidth(2.5)
        panel.add_artist(box)
        panel.text(position, 0.0, f"{clip.at_s[index]:.2f} s{' match' if index in matched else ''}", ha="center", fontsize=8)


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
    for turn in motion.turns:
        panel.axvspan(motion.at_s[turn.first], motion.at_s[turn.last], color=SEEN, alpha=0.18)
        note = f"{turn.side}, {turn.deg:.0f} degrees"
        panel.annotate(
            note, (turn.at_s, motion.yaw_deg[turn.peak]), xytext=ABOVE, textcoords="offset points", fontsize=9, color=SEEN
        )
    depth = result.liveness
    if depth.parallax is not None:
        text = f"parallax {depth.parallax:.3f} (flat up to {policy.turn.parallax_min:g}) at {depth.yaw_range_deg:.0f} degrees"
        panel.set_title(text, loc="left", fontsize=9, pad=16)
    panel.margins(y=0.15)
    panel.set_ylabel("yaw, degrees\n(+ the customer's left)")


def _eyes(panel: Axes, result: CheckResult, signals: Signals, policy: Policy) -> None:
    motion, rules = signals.motion, policy.blink
    openness = 1 - motion.closedness
    panel.plot(motion.at_s, openness, color=LINE, marker=".", label="eye openness (1 = this person's own)")
    panel.axhline(1 - rules.closedness_min, color=LIMIT, linestyle="--", linewidth=1, label="shut below")
    panel.axhline(1 - rules.hysteresis * rules.closedness_min, color=EXTRA, linestyle=":", linewidth=1, label="open again above")
    taken = {action.at_s for action in result.liveness.actions if action.action == "blink"}
    for blink in motion.blinks:
        answers = blink.at_s in taken
        panel.axvspan(motion.at_s[blink.first], motion.at_s[blink.last], color=SEEN if answers else EXTRA, alpha=0.3)
        note = "blink" if answers else "extra blink"
        place = (blink.at_s, 1 - blink.closedness)
        colour = SEEN if answers else EXTRA
        panel.annotate(note, place, xytext=ABOVE, textcoords="offset points", fontsize=9, color=colour)
    panel.margins(y=0.15)
    panel.set_ylabel("eye openness")


def _pad(panel: Axes, result: CheckResult, signals: Signals, clip: Clip, policy: Policy) -> None:
    at_s: NDArray[np.float64] = clip.at_s[signals.pad_frames]
    panel.plot(at_s, signals.pad_scores, color=LINE, marker="o", linestyle="", label="live probability of one frame")
    if result.liveness.pad_live is not None:
        panel.axhline(result.liveness.pad_live, color=LINE, linewidth=1, label=f"median {result.liveness.pad_live:.2f}")
    panel.axhline(policy.pad.live_min, color=EXTRA, linestyle=":", linewidth=1, label="review below")
    panel.axhline(policy.pad.review_min, color=LIMIT, linestyle="--", linewidth=1, label="refused below")
    panel.set_ylim(-0.05, 1.05)
    panel.set_ylabel("passive PAD")


def _windows(panel: Axes, result: CheckResult) -> None:
    """The moment that answered each asked action, numbered in the order asked."""
    for place, action in enumerate(result.liveness.actions, start=1):
        if action.at_s is not None:
            panel.axvline(action.at_s, color=SEEN, linewidth=1.2, alpha=0.8)
            panel.text(
                action.at_s,
                1.0,
                f" {place}. {ASKED_NAMES[action.action]}",
                transform=panel.get_xaxis_transform(),
                fontsize=8,
                color=SEEN,
                va="bottom",
            )
