"""Pure: rates in words and tables, the same for the terminal, the page and the CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from workers.evaluation.rates import Rate, SumOfRates
from workers.evaluation.report import GroupRates, MatchRates, Report, SystemRates

NOT_MEASURED = "not measured"
_NBSP = "\N{NO-BREAK SPACE}"  # a number and its unit stay on one line
BY_PERSON = (
    "Their pairs share people: the intervals are over persons, for as many independent comparisons as the rate's spread among "
    "them is worth, and never more than there are pairs of two persons (FMR) or persons (FNMR)."
)
NAMES = {"presentations": "portrait and clip", "pairs": "pairs of images", "all_pairs": "all images with all others"}

MEANINGS = {
    "APCER": "of an attack species, the share that every liveness layer let through. The worst species counts, no mean.",
    "APNRR": "of an attack species, the share that got no classification: unfit capture, asked again, or sent to a person.",
    "BPCER": "of bona fide presentations, the share that a liveness layer refused as an attack.",
    "BPNRR": "of bona fide presentations, the share that liveness did not classify: unfit capture, asked again, or to a person.",
    "IAPAR": "full system: of attacks with the portrait's own face, the share that ended approved.",
    "FRR": "full system: of bona fide customers with their own portrait, the share that ended in anything but approved.",
    "RIAPAR": "IAPAR + FRR: what the defence leaves and what it costs, in one number.",
    "FAR": "full system: of live people with another's portrait, the share that ended approved.",
    "review": "the share that was sent to a person; neither an acceptance nor a refusal.",
    "FAR of attacks": "full system: of attacks with another's face than the portrait's, the share that ended approved.",
    "FTA": "failure to acquire, of bona fide presentations: the clip is missing, does not read, or is unfit to be judged.",
    "FTE": "failure to enrol, of bona fide presentations whose clip was fit: the portrait is unfit.",
    "FTA of attacks": "the same of attacks; it depends on what was tried.",
    "FTE of attacks": "the same of attacks.",
    "FMR": "of comparisons of two people, the share at or above the threshold. Look-alikes are told apart.",
    "FNMR": "of comparisons of one person, the share below the threshold.",
}


class Named(NamedTuple):
    """A rate and where it stands: section, of what, name."""

    section: str
    of: str
    name: str
    rate: Rate | SumOfRates

    @property
    def place(self) -> str:
        """Its address."""
        return "/".join(part for part in (self.section, self.of, self.name) if part)


def percent(value: float | None) -> str:
    """3 significant digits, e.g. 2.38 %; small ones as a power, 1.00e-04."""
    if value is None:
        return NOT_MEASURED
    if value and value < 1e-4:  # noqa: PLR2004 - below 0.01 % nobody reads percent
        return f"{value:.2e}"
    digits = 3 if value == 1 or float(f"{value:.3g}") < 1 else 7  # 99.996 % is not 100 %
    return f"{100 * value:.{digits}g}{_NBSP}%"


def interval(rate: Rate | SumOfRates) -> str:
    """`0 % .. 8.41 %`."""
    return "" if rate.value is None else _NBSP.join((percent(rate.low), "..", percent(rate.high)))


def counted(rate: Rate | SumOfRates) -> str:
    """`0/42`."""
    return f"{rate.errors:,}/{rate.n:,}" if isinstance(rate, Rate) else ""


def all_rates(report: Report) -> Iterator[Named]:
    """Every rate of a report, by its address."""
    if report.system is not None:
        yield from _of_system(report.system)
    for found in report.matching:
        yield from _of_matching(found)
    for group in report.groups:
        yield from group_rates_of(group)


def _of_system(system: SystemRates) -> Iterator[Named]:
    for one in system.species:
        rates = (("APCER", one.apcer), ("APNRR", one.apnrr), ("IAPAR", one.iapar), ("RIAPAR", one.riapar), ("review", one.review))
        yield from (Named("attacks", one.species, name, rate) for name, rate in (*rates, ("FAR of attacks", one.far)))
    worst = (("APCER", system.apcer_worst), ("IAPAR", system.iapar_worst), ("RIAPAR", system.riapar_worst))
    yield from (Named("attacks, worst species", system.worst_species.get(name, ""), name, rate) for name, rate in worst)
    honest = (("BPCER", system.bpcer), ("BPNRR", system.bpnrr), ("FRR", system.frr), ("review", system.review))
    yield from (Named("bona fide", "", name, rate) for name, rate in honest)
    yield Named("another's portrait", "", "FAR", system.far)
    for of, fta, fte in (("bona fide", system.fta, system.fte), ("attacks", system.attacks_fta, system.attacks_fte)):
        yield Named("capture", of, "FTA", fta)
        yield Named("capture", of, "FTE", fte)


def _of_matching(found: MatchRates) -> Iterator[Named]:
    section = f"matching, {NAMES[found.of]}"
    for point in found.points:
        yield Named(section, point.name, "FMR", point.fmr)
        yield Named(section, point.name, "FNMR", point.fnmr)
        yield Named(section, point.name, "FMR look-alikes", point.lookalike_fmr)
    if found.folds is not None:
        yield Named(section, "folds", "wrong", found.folds.wrong)
    yield Named(section, "", "not compared", found.failed)


def group_rates_of(group: GroupRates) -> Iterator[Named]:
    """Those of one group, in the same order for each."""
    section = f"group {group.column}, {group.of}"
    rates = (
        ("APCER worst", group.apcer_worst),
        ("APNRR worst", group.apnrr_worst),
        ("IAPAR worst", group.iapar_worst),
        ("BPCER", group.bpcer),
        ("BPNRR", group.bpnrr),
        ("FRR", group.frr),
        ("FTA", group.fta),
        ("FTE", group.fte),
        ("FNMR", group.fnmr),
        ("FMR", group.fmr),
    )
    yield from (Named(section, group.value, name, rate) for name, rate in rates)
