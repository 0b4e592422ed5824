"""What the suite found, for people: one row a species, one a layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.presentations.judging import Measured, decided
from bench.presentations.mutation import Noticed
from bench.presentations.presentation import Mode, Presentation
from realname.messages import RegistrationDecided
from realname.policy import Policy
from workers.evaluation.rates import rate_of
from workers.evaluation.wording import interval

Row = tuple[Presentation, Measured, RegistrationDecided]
SHOWN_IDS = 4


def rows_of(presentations: dict[str, Presentation], found: Sequence[Measured], policies: dict[Mode, Policy]) -> list[Row]:
    """Each with its decision."""
    return [
        (presentations[each.presentation], each, decided(presentations[each.presentation], each, policies[each.mode]))
        for each in found
    ]


def accepted(rows: Sequence[Row]) -> list[Row]:
    """Attacks that were approved: there must be none."""
    return [row for row in rows if row[0].is_attack and row[2].verdict == "approved"]


def without_layer(rows: Sequence[Row]) -> list[Row]:
    """Attacks that were stopped, but by none of the layers that they name."""
    return [
        row for row in rows if row[0].is_attack and row[2].verdict != "approved" and not set(row[0].layers) & set(row[2].reasons)
    ]


def show_suite(console: Console, rows: Sequence[Row]) -> None:
    """One row a species and mode: n, approved with its interval, verdicts, decisive reasons, whether named layers were found."""
    title = "The suite (95 % intervals take cuts as independent; those of one clip are not, so the truth is wider)"
    table = Table("species", "mode", "n", "approved", "verdicts", "decisive", "named layer", title=title, title_justify="left")
    for species, mode in dict.fromkeys((row[0].species, row[1].mode) for row in rows):
        own = [row for row in rows if (row[0].species, row[1].mode) == (species, mode)]
        verdicts = Counter(row[2].verdict for row in own)
        approved = rate_of(verdicts.pop("approved", 0), len(own))
        decisive = Counter(str(row[2].reasons[0]) for row in own)
        hits = sum(bool(set(row[0].layers) & set(row[2].reasons)) for row in own)
        table.add_row(
            species,
            mode,
            str(len(own)),
            Text(f"{approved.errors} [{interval(approved)}]"),
            " ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common()),
            " ".join(f"{reason} {count}" for reason, count in decisive.most_common(3)),
            f"{hits}/{len(own)}" if own[0][0].is_attack else "-",
        )
    console.print(table)


def show_genuine(console: Console, rows: Sequence[Row]) -> None:
    """The bar: at least 95 % of the counting ones approved, none refused."""
    for mode in dict.fromkeys(row[1].mode for row in rows):
        own = [row for row in rows if row[1].mode == mode and not row[0].is_attack]
        counting = [row for row in own if row[0].counts or row[2].verdict == "approved"]
        wide = [row for row in own if row[0].counts]
        approved = sum(row[2].verdict == "approved" for row in wide)
        refused = sum(row[2].verdict == "refused" for row in own)
        if wide:
            console.print(
                f"genuine, {mode}: {_share(approved, len(wide))} cuts with a turn of 18 degrees approved; "
                f"{_share(len(counting) - len(wide), len(own) - len(wide))} narrower ones; {refused} refused"
            )


def _share(approved: int, n: int) -> str:
    """With the 95 % interval of independent presentations, which cuts of one recording are not."""
    rate = rate_of(approved, n)
    return f"{approved}/{n} ({rate.value:.1%}, {rate.low:.1%} to {rate.high:.1%})" if n else "0/0"


def show_open(console: Console, rows: Sequence[Row]) -> None:
    """Each attack that was accepted, or that none of its layers stopped, and each genuine one that was not approved."""
    listed = [("ACCEPTED", row) for row in accepted(rows)] + [("no named layer", row) for row in without_layer(rows)]
    listed += [("not approved", row) for row in rows if not row[0].is_attack and row[2].verdict != "approved"]
    for what, (one, measured, decision) in listed:
        live, match = measured.liveness, measured.match
        similarity = None if match is None else match.similarity
        copied = None if match is None else match.copy_correlation
        done = f"turns {live.turns_deg} at {live.turns_at_s}, blinks {live.blinks_at_s}"
        looks = f"parallax {live.parallax} over {live.yaw_range_deg}, PAD {live.pad_live}, similarity {similarity}, copy {copied}"
        head = f"{what}: {one.id} [{measured.mode}] {one.group}: {decision.verdict} {' '.join(decision.reasons)}"
        console.print(f"{head}; {done}, {looks}", highlight=False, markup=False)


def show_mutation(console: Console, noticed: Sequence[Noticed]) -> None:
    """One row a layer switched off; the unnoticed ones in capitals."""
    table = Table(
        "layer off", "named by", "fired in", "lose their layer", "accepted", "", title="Without one layer", title_justify="left"
    )
    for each in noticed:
        some = (*each.accepted, *each.lost)[:SHOWN_IDS]
        word = " ".join(dict.fromkeys(some)) if each.is_noticed else "NOBODY NOTICES"
        table.add_row(each.layer, *map(str, (each.named, each.fired, len(each.lost), len(each.accepted))), word)
    console.print(table)
    unnoticed = [str(each.layer) for each in noticed if not each.is_noticed]
    if unnoticed:
        console.print(f"Untested or useless: nothing notices when these are off: {', '.join(unnoticed)}", style="bold red")
