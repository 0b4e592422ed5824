"""Intake's application: the parts put together, the background tasks, and what Litestar and the routes raise as answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any

from litestar import Litestar, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from services.intake.answers import Answer, failed, refused
from services.intake.edge import OUTCOME, with_edge
from services.intake.problem_names import Name
from services.intake.problems import Problem, Refused
from services.intake.routes import ROUTES, AnyRequest, Desk, response_of
from services.intake.short_way import with_short_way

_log = logging.getLogger(__name__)
_CANCEL_AGAIN_S = 0.5
Background = Callable[[], Coroutine[Any, Any, None]]
# Litestar's own refusals, by status; all else it raises is a fault of ours.
_BY_STATUS = {400: Name.BODY_MALFORMED, 404: Name.ROUTE_UNKNOWN, 405: Name.METHOD_NOT_ALLOWED, 413: Name.BODY_TOO_LARGE}


def build_app(
    desk: Desk,
    *,
    background: tuple[Background, ...] = (),
    closing: tuple[Background, ...] = (),
    stop: Callable[[], None] = lambda: None,
) -> ASGIApp:
    """The ASGI application.

    background: run from start to stop; where one ends by itself, that is a bug, and `stop` is called (the supervisor
    starts a whole process again, not half of one). closing: run at the stop, in order.
    """

    def on_end(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            _log.critical("a background task ended: stopping", exc_info=task.exception())
            stop()

    @contextlib.asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None]:
        tasks = [asyncio.create_task(each()) for each in background]
        for task in tasks:
            task.add_done_callback(on_end)
        try:
            yield
        finally:
            await _cancelled(tasks)
            for close in closing:
                await close()

    app = Litestar(
        route_handlers=list(ROUTES),
        lifespan=[lifespan],
        state=State({"desk": desk}),
        exception_handlers={Refused: _refuse, HTTPException: _refuse_as_litestar, Exception: _fail},
        openapi_config=None,
        logging_config=None,
    )
    return with_edge(with_short_way(app, desk), desk.metrics)


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel and wait. A library can swallow one cancellation (redis-py does while it connects): ask until it is heard."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)


def _refuse(request: AnyRequest, refusal: Refused) -> Response[bytes]:
    return _answer(request, refused(refusal.problem, _language(request)))


def _refuse_as_litestar(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    name = _BY_STATUS.get(error.status_code)
    return _answer(request, refused(Problem(name), _language(request))) if name else _fail(request, error)


def _fail(request: AnyRequest, error: Exception) -> Response[bytes]:
    return _answer(request, failed(error, _language(request)))


def _language(request: AnyRequest) -> str | None:
    return request.headers.get("accept-language")


def _answer(request: AnyRequest, answer: Answer) -> Response[bytes]:
    request.scope["state"][OUTCOME] = answer.outcome
    return response_of(answer)
