"""Pure: bytes of a demand: memory of Redis, Kafka's disk and traffic, the network, the vault."""

from __future__ import annotations

from realname.settings import Dispatcher, Janitor
from realname.topics import DECIDED, SUBMITTED, all_topics, decisions_of
from services.planning.coefficients import Coefficients
from services.planning.day import DAY_S, Day
from services.planning.demand import Demand, backlog, deciding_hz
from services.planning.machines import dispatcher_count
from services.planning.rows import Row, row

GB, MB = 1e9, 1e6
REDIS_FULL_SHARE = 0.7  # of maxmemory: above it the duplicate index notes nothing; source: docs/judgement.md
_OPERATOR = "any"
RETENTION_DAYS = {topic.name: topic.retention_ms / 1000 / DAY_S for topic in all_topics((_OPERATOR,))}


def storage_rows(demand: Demand, c: Coefficients) -> list[Row]:
    """Bytes at rest and in motion."""
    return [
        day_row(demand, c),
        redis_row(demand, c),
        broker_row(demand, c),
        disk_row(demand, c),
        *network_rows(demand, c),
        vault_row(demand, c),
    ]


def day_of(demand: Demand) -> Day:
    """The day that the simulation plays, and that retention is counted by."""
    return Day(
        sustained_hz=demand.sustained_hz,
        peak_hz=demand.peak_hz,
        peak_s=demand.peak_s,
        outage_s=demand.outage_s,
        shape=demand.shape,
    )


def day_row(demand: Demand, c: Coefficients) -> Row:
    """What comes in on one day."""
    return row(
        "registrations a day",
        day_of(demand).registrations / 1e6,
        "million",
        arithmetic=f"the {demand.shape} shape by hour x {demand.sustained_hz:g}/s, {demand.peak_s:g} s at {demand.peak_hz:g}/s",
        of=c,
        assumed=(f"the shape of the day, {demand.shape} (services/planning/day.py; --shape flat is the upper bound)",),
    )


def redis_row(demand: Demand, c: Coefficients) -> Row:
    """Jobs between the stages, statuses and the duplicate index of a day."""
    daily, seats = day_of(demand).registrations, dispatcher_count(demand, c) * Dispatcher().started_max
    kept = daily * (c.of("status_bytes") + c.of("duplicate_bytes"))
    total = (kept + seats * c.of("inflight_bytes")) / REDIS_FULL_SHARE
    return row(
        "Redis memory",
        total / GB,
        "GB",
        arithmetic=f"({daily:,.0f} a day x ({c.of('status_bytes'):g} + {c.of('duplicate_bytes'):g}) B + {seats:,} jobs in "
        f"flight x {c.of('inflight_bytes'):,.0f} B) / {REDIS_FULL_SHARE:g}",
        of=c,
        figures=("status_bytes", "duplicate_bytes", "inflight_bytes"),
        declared=(
            f"statuses and duplicates are kept 24 h; started_max {Dispatcher().started_max} a dispatcher",
            f"above {REDIS_FULL_SHARE:.0%} of maxmemory the duplicate index notes nothing",
        ),
        assumed=(f"the shape of the day, {demand.shape}",),
    )


def broker_row(demand: Demand, c: Coefficients) -> Row:
    """What the brokers write a second: submissions at the peak, decisions at the deciding rate, each to two topics."""
    written = demand.peak_hz * c.of("submitted_bytes") + 2 * deciding_hz(demand) * c.of("decided_bytes")
    return row(
        "broker writes",
        written * c.of("replication") / MB,
        "MB/s",
        arithmetic=f"({demand.peak_hz:g}/s x {c.of('submitted_bytes'):g} B + 2 topics x {deciding_hz(demand):.4g}/s x "
        f"{c.of('decided_bytes'):g} B) x {c.of('replication'):g} copies",
        of=c,
        figures=("submitted_bytes", "decided_bytes", "replication"),
    )


def disk_row(demand: Demand, c: Coefficients) -> Row:
    """Kafka's disks, all copies, by the topics' retention."""
    daily = day_of(demand).registrations
    submitted, decided, own = (RETENTION_DAYS[name] for name in (SUBMITTED, DECIDED, decisions_of(_OPERATOR)))
    kept = daily * (submitted * c.of("submitted_bytes") + (decided + own) * c.of("decided_bytes"))
    return row(
        "Kafka disk",
        kept * c.of("replication") / (1 - demand.headroom) / 1e12,
        "TB",
        arithmetic=f"{daily:,.0f} a day x ({submitted:g} d x {c.of('submitted_bytes'):g} B + ({decided:g} + {own:g}) d x "
        f"{c.of('decided_bytes'):g} B) x {c.of('replication'):g} copies / (1 - {demand.headroom:g})",
        of=c,
        figures=("submitted_bytes", "decided_bytes", "replication"),
        declared=("retention of realname/topics.py; nothing is taken off for compression, which is not switched on",),
        assumed=(f"the shape of the day, {demand.shape}",),
    )


def network_rows(demand: Demand, c: Coefficients) -> list[Row]:
    """Media from the stores, into the vault and out of it to the workers."""
    media = c.of("clip_bytes") + c.of("portrait_bytes")
    figures = ("clip_bytes", "portrait_bytes")
    words = f"({c.of('clip_bytes'):,.0f} + {c.of('portrait_bytes'):,.0f}) B"
    coming, judged = demand.peak_hz * media / MB, deciding_hz(demand) * media / MB
    at_peak, at_work = f"{demand.peak_hz:g}/s x {words}", f"{deciding_hz(demand):.4g}/s x {words}"
    return [
        row("network, stores to intake", coming, "MB/s", arithmetic=at_peak, of=c, figures=figures),
        row("network, intake to vault", coming, "MB/s", arithmetic=f"{at_peak}, sealed: as large", of=c, figures=figures),
        row("network, vault to workers", judged, "MB/s", arithmetic=f"{at_work}, each read once", of=c, figures=figures),
    ]


def vault_row(demand: Demand, c: Coefficients) -> Row:
    """Media that waits for its check, for an objection, for a ruling, and for the janitor's next sweep."""
    times, daily = Janitor(), day_of(demand).registrations
    media = c.of("clip_bytes") + c.of("portrait_bytes")
    waiting = backlog(demand)
    review = daily * times.review_s / DAY_S * c.of("review_share")
    refused = demand.sustained_hz * times.objection_s * c.of("refused_share")
    swept = deciding_hz(demand) * times.sweep_every_s
    return row(
        "vault",
        (waiting + review + refused + swept) * media / (1 - demand.headroom) / 1e12,
        "TB",
        arithmetic=f"(backlog {waiting:,.0f} + in review {review:,.0f} + refused {refused:,.0f} + to be swept {swept:,.0f}) x "
        f"{media:,.0f} B / (1 - {demand.headroom:g})",
        of=c,
        figures=("clip_bytes", "portrait_bytes", "review_share", "refused_share"),
        declared=(
            f"retention of realname/settings.py: review {times.review_s / 3600:g} h, refused {times.objection_s / 60:g} min",
            f"all else goes at the next sweep, {times.sweep_every_s:g} s",
        ),
        assumed=("every review waits its whole term; the copies that the object store keeps are its own",),
    )
