"""Pure: a report as one HTML file that needs nothing else. The same numbers as report.json, and what a run cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from string import Template

from workers.evaluation.latency import Latency, Step
from workers.evaluation.plots import draw_det, draw_histogram, draw_rates
from workers.evaluation.rates import Rate, SumOfRates, presentations_needed
from workers.evaluation.report import GroupRates, MatchRates, Report, SystemRates
from workers.evaluation.wording import BY_PERSON, MEANINGS, NAMES, NOT_MEASURED, counted, group_rates_of, interval, percent

CLAIMS = (0.1, 0.07, 0.05, 0.01, 1e-3, 1e-4, 1e-5)

AnyRate = Rate | SumOfRates


def page_of(report: Report, latency: Latency) -> str:
    """The whole page. Nothing in it links to another place."""
    sections = [
        *_attacks(report.system),
        *_honest(report.system),
        *(_matching(report)),
        *_groups(report.groups),
        *_costs(latency),
        _claims(),
        _meanings(),
    ]
    template = Template(files("workers.evaluation").joinpath("page.html").read_text("utf-8"))
    return template.substitute(
        name=escape(report.dataset.name),
        facts=_facts(report),
        cards="".join(_cards(report)),
        gaps="".join(f"<li>{escape(gap)}</li>" for gap in report.not_measured),
        sections="".join(sections),
        interval=escape(report.interval),
    )


def _facts(report: Report) -> str:
    data, policy = report.dataset, report.policy
    species = ", ".join(f"{name} {n}" for name, n in data.species.items())
    pairs = (
        f"{data.pairs_mated:,} mated, {data.pairs_random:,} random, {data.pairs_lookalike:,} look-alike; {data.images:,} images"
    )
    rows = (
        ("bona fide", f"{data.bona_fide:,} presentations" + (f" of {data.subjects:,} subjects" if data.subjects else "")),
        ("attacks", f"{data.attacks:,}" + (f": {species}" if species else "")),
        ("not judged", _counts(report.failures) or "none"),
        ("pairs", pairs if data.images else "none"),
        *((("images left out", _counts(report.images_failed)),) if report.images_failed else ()),
        *((("software", report.software),) if report.software else ()),
        ("policy", f"{policy.version} ({policy.digest})"),
        ("calibration", policy.calibration),
        ("accept", f"similarity {policy.accept_min:.4f}, FMR {policy.accept_fmr:g} by the calibration"),
        ("review", f"similarity {policy.review_min:.4f}, FMR {policy.review_fmr:g} by the calibration"),
        *((f"model, {role}", digest) for role, digest in sorted(report.models.items())),
    )
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)


def _counts(causes: dict[str, int]) -> str:
    return ", ".join(f"{cause} {n}" for cause, n in causes.items())


def _cards(report: Report) -> Iterator[str]:
    """The few numbers that a reader looks for first."""
    system = report.system
    if system is not None:
        yield _card("APCER, worst species", system.apcer_worst, system.worst_species.get("APCER", ""))
        yield _card("BPCER", system.bpcer)
        yield _card("IAPAR, worst species", system.iapar_worst, system.worst_species.get("IAPAR", ""))
        yield _card("FRR, full system", system.frr)
    for found in report.matching:
        accept = found.points[0]
        if accept.fmr.is_measured or accept.fnmr.is_measured:
            yield _card("FMR at accept", accept.fmr, NAMES[found.of])
            yield _card("FNMR at accept", accept.fnmr, NAMES[found.of])


def _card(name: str, rate: AnyRate, of: str = "") -> str:
    value = percent(rate.value)
    small = f"<span>{counted(rate)}</span><span>{interval(rate)}</span>" if rate.value is not None else "<span>n = 0</span>"
    head = escape(name) + (f"<small>{escape(of)}</small>" if of else "")
    blank = " blank" if rate.value is None else ""
    return f'<div class="card{blank}"><h3>{head}</h3><b>{escape(value)}</b>{small}</div>'


def _attacks(system: SystemRates | None) -> Iterator[str]:
    if system is None or not system.species:
        return
    head = ("species", "n", "APCER", "APNRR", "IAPAR", "RIAPAR", "review", "FAR of attacks")
    rows = [
        (one.species, f"{one.apcer.n:,}", *map(_cell, (one.apcer, one.apnrr, one.iapar, one.riapar, one.review, one.far)))
        for one in system.species
    ]
    worst = ("worst", "", *map(_cell, (system.apcer_worst, None, system.iapar_worst, system.riapar_worst, None, None)))
    drawn = draw_rates([(one.species, one.apcer) for one in system.species], "APCER, percent, with its 95 % interval")
    yield _section("Attacks, by species", _table(head, rows, worst) + _figure(drawn))


def _honest(system: SystemRates | None) -> Iterator[str]:
    if system is None:
        return
    rates = (
        ("BPCER", system.bpcer),
        ("BPNRR", system.bpnrr),
        ("FRR", system.frr),
        ("review", system.review),
        ("FAR", system.far),
        ("FTA", system.fta),
        ("FTE", system.fte),
        ("FTA of attacks", system.attacks_fta),
        ("FTE of attacks", system.attacks_fte),
    )
    rows = [(name, counted(rate), percent(rate.value), interval(rate), _upper(rate), MEANINGS[name]) for name, rate in rates]
    head = ("rate", "errors / n", "value", "95 % interval", "below, with 95 %", "meaning")
    yield _section("Customers, and the full system", _table(head, rows))


def _matching(report: Report) -> Iterator[str]:
    policy = report.policy
    for found in report.matching:
        drawn = _figure(draw_histogram(found, policy.accept_min, policy.review_min)) if found.mated + found.random else ""
        yield _section(f"Matching: {NAMES[found.of]}", _points(found) + _folds(found) + drawn)
    if curve := draw_det(report.matching, policy.accept_fmr):
        yield _section("DET curve", _figure(curve))


def _points(found: MatchRates) -> str:
    head = ("threshold", "similarity", "FMR", "FNMR", "TAR", "FMR of look-alikes")
    rows = [
        (
            point.name,
            f"{point.similarity:.4f}",
            _cell(point.fmr),
            _cell(point.fnmr),
            _tar(point.fnmr),
            _cell(point.lookalike_fmr),
        )
        for point in found.points
    ]
    over = f"<p>Of {found.persons:,} persons. {BY_PERSON}</p>" if found.persons else ""
    cause = "an image is missing, does not read or shows no face"
    failed = f"<p>Not compared, since {cause}: {counted(found.failed)}.</p>" if found.failed.n else ""
    return _table(head, rows) + over + failed


def _tar(fnmr: Rate) -> str:
    """1 - FNMR in 4 digits, rounded down: 1 stands for no error at all."""
    return f"{(fnmr.n - fnmr.errors) * 10_000 // fnmr.n / 10_000:.4f}" if fnmr.n else NOT_MEASURED


def _folds(found: MatchRates) -> str:
    folds = found.folds
    if folds is None:
        return ""
    thresholds = f"thresholds {folds.threshold_min:.3f} to {folds.threshold_max:.3f}"
    return (
        f"<p>Accuracy over {folds.folds} folds, each at the threshold that is best on the others: <b>{folds.mean:.4f}</b>, "
        f"standard deviation {folds.deviation:.4f}; {counted(folds.wrong)} wrong, {interval(folds.wrong)}; {thresholds}.</p>"
    )


def _groups(groups: Sequence[GroupRates]) -> Iterator[str]:
    if not groups:
        return
    head = ("group", "value", "of", *(each.name for each in group_rates_of(groups[0])))
    rows = [(one.column, one.value, NAMES[one.of], *(_cell(each.rate) for each in group_rates_of(one))) for one in groups]
    remark = "<p>FNMR and FMR are at the policy's accept threshold. Overlapping intervals show no difference of groups.</p>"
    yield _section("By group", _table(head, rows) + remark)


def _costs(latency: Latency) -> Iterator[str]:
    if latency.total is None:
        return
    head = ("step", "n", "CPU p50, ms", "CPU p95, ms", "waited p50, ms", "waited p95, ms")
    remark = (
        "<p>Of this machine while it evaluated on all its cores: CPU, and waiting for models (for a core or for others; on a GPU "
        "for its work). It differs between runs, and is no part of report.json.</p>"
    )
    yield _section("Cost of a check", _table(head, map(_cost, latency.steps), _cost(latency.total)) + remark)


def _cost(step: Step) -> tuple[str, ...]:
    times = (step.p50_ms, step.p95_ms, step.waited_p50_ms, step.waited_p95_ms)
    return step.step, f"{step.n:,}", *(f"{ms:.1f}" for ms in times)


def _claims() -> str:
    rows = [(percent(rate), *(f"{presentations_needed(rate, errors):,}" for errors in (0, 1, 3))) for rate in CLAIMS]
    head = ("to claim a rate below", "without an error", "with one", "with three")
    remark = "<p>One-sided, with 95 % confidence, of independent presentations; each species and each group for itself.</p>"
    return _section("How many presentations a claim takes", _table(head, rows) + remark)


def _meanings() -> str:
    terms = "".join(f"<dt>{name}</dt><dd>{escape(meaning)}</dd>" for name, meaning in MEANINGS.items())
    return _section("What the rates mean", f'<dl class="terms">{terms}</dl>')


def _cell(rate: AnyRate | None) -> str:
    """Value, count and interval, one below the other. Marked as HTML by its first sign."""
    if rate is None:
        return ""
    if rate.value is None:
        return _HTML + f'<i class="blank">{NOT_MEASURED}</i>'
    return _HTML + f"{percent(rate.value)}<small>{' '.join(filter(None, (counted(rate), '[' + interval(rate) + ']')))}</small>"


_HTML = "\0"  # a cell that begins so is HTML; all others are text


def _upper(rate: AnyRate) -> str:
    return percent(rate.upper) if isinstance(rate, Rate) and rate.value is not None else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], last: Sequence[str] | None = None) -> str:
    columns = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(_line(row) for row in rows)
    foot = "" if last is None else f"<tfoot>{_line(last)}</tfoot>"
    return f"<table><thead><tr>{columns}</tr></thead><tbody>{body}</tbody>{foot}</table>"


def _line(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<td>{cell[1:] if cell.startswith(_HTML) else escape(cell)}</td>" for cell in cells) + "</tr>"


def _figure(svg: str) -> str:
    return f"<figure>{svg}</figure>" if svg else ""


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"
