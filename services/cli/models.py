"""`realname models`: which models are used, where they come from, under what licence, and whether they lie here."""

from __future__ import annotations

import contextlib
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from models.manifest import digest_of, sha256_of
from models.profiles import Loadout, read_loadout
from realname.settings import Fetch, read_settings
from services.cli.calling import JsonOption

NOT_ALL_THERE = 1  # exit code: one is missing, or is not the pinned file
_PLAIN_WIDTH = 160  # where the output is no terminal

FetchOption = Annotated[bool, typer.Option("--fetch", help="Fetch what is missing, by pinned version and sha256, first.")]


class Presence(StrEnum):
    """Whether the file that is loaded lies here."""

    HOLDS = "fetched, hash holds"
    WRONG = "fetched, WRONG hash"
    MISSING = "not fetched"


_STYLES = {Presence.HOLDS: "green", Presence.WRONG: "bold red", Presence.MISSING: "yellow"}


class Line(Struct, frozen=True):
    """One model. sha256: of the file that is loaded; published_sha256: of the file in the package.

    named: as reports, calibrations and `[pad] model` name it: file, sha256 and a digest of how it is read.

    package, package_licence and published_sha256 are empty for a file that the operator brings.
    """

    role: str
    file: str
    package: str
    licence: str
    package_licence: str
    provenance: str
    sha256: str
    published_sha256: str
    named: str
    presence: Presence


def command(*, fetch: FetchOption = False, json: JsonOption = False) -> None:
    """List the models: role, name in reports, package, licence, provenance, and whether the file's sha256 holds.

    The name in reports is what a calibration's `embedder` and a policy's `[pad] model` say: the file, and the first
    characters of its sha256 and of a digest of how the entry has it read.

    models/MODEL_CARD.md says what is known of each. The same hash is checked whenever a worker loads the file.

    Exit code 0: all are there and hold; 1: one is missing or is another file (`make models`, or --fetch).
    """
    if fetch and not _fetched():
        sys.exit(NOT_ALL_THERE)
    folder = Path(read_settings(Fetch).models_dir)
    loadout = read_loadout(read_settings(Fetch).models_profile)
    lines = lines_of(loadout, folder)
    if json:
        body = {"folder": str(folder), "profile": loadout.name, "models": lines}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(body)).decode() + "\n")
    else:
        console = Console(highlight=False, width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
        console.print(table_of(lines, folder))
        if any(line.presence is not Presence.HOLDS for line in lines):
            console.print("fetch what is missing: `realname models --fetch`, or `make models`", style="yellow")
    sys.exit(0 if all(line.presence is Presence.HOLDS for line in lines) else NOT_ALL_THERE)


def lines_of(loadout: Loadout, folder: Path) -> list[Line]:
    """Each model of the profile, with what lies in the folder."""
    return [
        Line(
            role=role.value,
            file=entry.file,
            package=f"{source.package}@{loadout.packages[source.package].version}" if source else "",
            licence=entry.licence,
            package_licence=loadout.packages[source.package].licence if source else "",
            provenance=entry.provenance,
            sha256=entry.loaded_sha256,
            published_sha256=source.sha256 if source else "",
            named=digest_of(entry),
            presence=_presence(loadout.path_of(role, folder), entry.loaded_sha256),
        )
        for role, entry in loadout.entries.items()
        for source in (entry.source,)
    ]


def table_of(lines: list[Line], folder: Path) -> Table:
    """For people: provenance in short, digests by their start, as a policy and a calibration have to name the model."""
    table = Table(title=f"models in {folder}", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("role", "named in reports", "package", "licence", "provenance", "here"):
        table.add_column(name, overflow="fold")
    for line in lines:
        state = f"[{_STYLES[line.presence]}]{line.presence.value}[/]"
        shown = (line.named, line.package or "the operator's own", line.licence, in_short(line.provenance))
        table.add_row(line.role, *shown, state)
    return table


def in_short(provenance: str) -> str:
    """The text up to its first remark."""
    return provenance.partition(";")[0].partition(" (")[0]


def _presence(path: Path, sha256: str) -> Presence:
    if not path.is_file():
        return Presence.MISSING
    return Presence.HOLDS if sha256_of(path) == sha256 else Presence.WRONG


def _fetched() -> bool:
    """Fetch as `make models` does; what it says goes to stderr, so that --json stays JSON."""
    from models.fetch import main as fetch_models  # noqa: PLC0415 - opens onnxruntime, which a list does not need

    with contextlib.redirect_stdout(sys.stderr):
        return fetch_models([]) == 0
