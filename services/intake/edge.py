"""ASGI around the routes: metrics, headers for all, and the cut: a body that was not read to its end is never read on."""

from __future__ import annotations

from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from realname.clock import monotonic
from realname.metrics import Metrics

# Keys in scope["state"].
OUTCOME = "outcome"  # the problem's name, set where a problem is answered
ROUTE = "route"  # the route's name, set where Litestar has not chosen it
_STATE = "state"
_FOR_ALL: list[tuple[bytes, bytes]] = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]


def with_edge(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    """The app, wrapped."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        began_s = monotonic()
        body = _Body(scope, receive)

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *_FOR_ALL]
                if not body.is_read:  # uvicorn closes the connection with the answer instead of reading on
                    headers.append((b"connection", b"close"))
                message = {**message, "headers": headers}  # type: ignore[typeddict-item]
            await send(message)

        await app(scope, body.receive, send_on)
        state: dict[str, Any] = scope.get(_STATE) or {}
        route = str(state.get(ROUTE) or _route_of(scope))
        metrics.count("realname_requests", route, str(state.get(OUTCOME, "ok")))
        metrics.observe("realname_request_seconds", monotonic() - began_s, route)

    return wrapped


class _Body:
    """Watches whether the request's body was read to its end."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        sent = {name.lower(): value for name, value in scope["headers"]}
        self.is_read = b"transfer-encoding" not in sent and sent.get(b"content-length", b"0") == b"0"

    async def receive(self) -> Any:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self.is_read = True
        return message


def _route_of(scope: Scope) -> str:
    """The route's own name, never the path: it has ids."""
    found: Any = scope
    handler = found.get("route_handler")
    return str(handler.name) if handler is not None and handler.name else "none"
