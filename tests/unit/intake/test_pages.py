"""The OpenAPI document and its page: complete, and nothing from another host."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from services.intake.openapi import build_document
from services.intake.problem_names import Name
from services.intake.routes import ROUTES
from tests.fakes.intake import LIMITS, Intake

DOCUMENT = msgspec.json.decode(msgspec.json.encode(build_document("test", LIMITS, 30)))


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {str(value["$ref"])} if "$ref" in value else set().union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def test_every_route_for_callers_stands_in_the_document_and_nothing_else() -> None:
    served = {
        (method.lower(), re.sub(r":str\}", "}", path))
        for route in ROUTES
        for path in route.paths
        for method in route.http_methods
        if path.startswith("/v1/") and method in {"GET", "POST", "DELETE"}
    }
    assert served == {(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods}


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in DOCUMENT["components"]["schemas"]


def test_every_problem_that_a_caller_can_meet_is_named() -> None:
    text = str(DOCUMENT["paths"])
    elsewhere = {Name.ROUTE_UNKNOWN, Name.METHOD_NOT_ALLOWED, Name.INTERNAL_ERROR}
    assert {name for name in Name if name.value not in text} == elsewhere


def test_the_document_and_the_page_are_served() -> None:
    intake = Intake()
    assert intake.call("GET", "/openapi.json").json() == DOCUMENT
    page = intake.call("GET", "/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert intake.call("GET", "/docs/style.css").headers["content-type"] == "text/css; charset=utf-8"
    for path in DOCUMENT["paths"]:
        assert path in page.text


def test_the_page_takes_nothing_from_another_host_and_runs_no_script() -> None:
    page = Intake().call("GET", "/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not re.search(r"<script|\son\w+=|style=|https?://", page.text)


def test_health_readiness_and_metrics_are_served() -> None:
    intake = Intake()
    assert intake.call("GET", "/healthz").text == "ok\n"
    assert intake.call("GET", "/readyz").text == "ok\n"
    metrics = intake.call("GET", "/metrics")
    assert metrics.headers["content-type"].count("charset") == 1
    assert 'realname_requests_total{outcome="ok",route="healthz"} 1.0' in metrics.text
    intake.publisher.is_ready = False
    assert (intake.call("GET", "/readyz").status_code, intake.call("GET", "/readyz").text) == (503, "kafka_silent\n")


def test_metrics_name_routes_and_never_paths() -> None:
    intake = Intake()
    intake.call("GET", "/v1/registrations/secret-in-a-path")
    intake.call("GET", "/secret-in-a-path")
    assert "secret" not in intake.call("GET", "/metrics").text
