"""`python -m bench.presentations.luck`: how often a finished clip with the right actions answers cues it never saw.

Pure arithmetic on the windows of the policy and plans drawn as the server draws them: the timing alone, no picture. A thief
may start the clip at a time chosen beforehand, or as soon as the first cue is shown, then after the delay that serves best.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from realname.policy import CueRules, load_policy
from services.intake.cues import bounds_of, draw_plan
from workers.liveness.events import Event
from workers.liveness.windows import windows_of

PLANS = 4000
ACTIONS = 2  # of a plan: the easier ones
BEGUN_S = 0.3  # before its peak: a blink, or the visible part of a turn
GAPS_S = (1.0, 1.8, 2.5, 3.5, 5.0)  # between the peaks of the clip's two actions
DELAYS_S = tuple(step / 10 for step in range(45))  # from the first cue, or from the challenge, to the first peak


def main() -> None:
    policy = load_policy("production")
    draw, bounds = random.Random(1), bounds_of(policy, digest_within_s=5.0)
    plans = [plan.at_s for plan in (draw_plan(draw, bounds) for _ in range(PLANS)) if len(plan.at_s) == ACTIONS]
    table = Table(
        "gap between the actions, s", "started blindly", "started at the first cue", title=f"{len(plans)} plans of two actions"
    )
    for gap_s in GAPS_S:
        blind = max(_share(plans, gap_s, delay_s, policy.cues, waits=False) for delay_s in DELAYS_S)
        shown = max(_share(plans, gap_s, delay_s, policy.cues, waits=True) for delay_s in DELAYS_S)
        table.add_row(f"{gap_s:.1f}", f"{blind:.1%}", f"{shown:.1%}")
    Console(width=100).print(table)


def _share(plans: Sequence[tuple[float, ...]], gap_s: float, delay_s: float, rules: CueRules, *, waits: bool) -> float:
    """Of the plans that both actions answer. waits: the clip is started at the first cue, not at the challenge."""
    met = 0
    for cues_s in plans:
        first_s = delay_s + (cues_s[0] if waits else 0.0)
        windows = windows_of(cues_s, rules)
        met += all(window.holds(_event(peak_s)) for window, peak_s in zip(windows, (first_s, first_s + gap_s), strict=True))
    return met / len(plans)


def _event(peak_s: float) -> Event:
    return Event("blink", first=0, last=0, begun_s=peak_s - BEGUN_S, at_s=peak_s, strength=1.0)


if __name__ == "__main__":
    main()
