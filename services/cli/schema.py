"""`realname schema`: what goes over the wire, as documents for programs."""

from __future__ import annotations

import sys
from enum import StrEnum
from importlib.metadata import version
from typing import Annotated, Any

import typer

from realname.asyncapi import asyncapi_document, message_schemas, rendered
from realname.settings import Intake, read_settings
from services.intake.openapi import build_document
from services.intake.upload import Limits


class Kind(StrEnum):
    """What to print."""

    ASYNCAPI = "asyncapi"
    MESSAGES = "messages"
    OPENAPI = "openapi"


KindArgument = Annotated[
    Kind,
    typer.Argument(help="asyncapi: topics and messages; messages: their JSON Schema alone; openapi: the HTTP API."),
]


def command(kind: KindArgument = Kind.ASYNCAPI) -> None:
    """Print what goes over the wire, generated from the structs that the processes use.

    After a change of a message: `realname schema > realname/asyncapi.json`.
    """
    sys.stdout.write(rendered(_document(kind)))


def _document(kind: Kind) -> dict[str, Any]:
    if kind is Kind.ASYNCAPI:
        return asyncapi_document()
    if kind is Kind.MESSAGES:
        return message_schemas()
    settings = read_settings(Intake)
    limits = Limits(settings.request_bytes_max, settings.portrait_bytes_max, settings.clip_bytes_max)
    return build_document(version("realname"), limits, settings.status_wait_s_max)
