"""Pure: the OpenAPI document as a page that a person reads. Plain HTML, no script, nothing from another host."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files
from typing import Any, NamedTuple

import msgspec

from services.intake.problem_texts import TABLE

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)


class Page(NamedTuple):
    """One fixed answer."""

    body: bytes
    media_type: str
    headers: dict[str, str]


def pages_of(document: Mapping[str, Any]) -> dict[str, Page]:
    """Every page by its path: the document itself, the page, its style sheet."""
    policy = {"content-security-policy": CONTENT_SECURITY_POLICY}
    style = files(__package__ or "services.intake").joinpath("static", "docs.css").read_bytes()
    return {
        "/openapi.json": Page(msgspec.json.encode(document), "application/vnd.oai.openapi+json", {}),
        "/docs": Page(render(document).encode(), "text/html", policy),
        "/docs/style.css": Page(style, "text/css", {}),
    }


def render(document: Mapping[str, Any]) -> str:
    """The whole page."""
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{escape(info['title'])}</title><link rel=stylesheet href=/docs/style.css>",
        f"<main><h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1><p>{_text(info['description'])}</p>",
        "<p>The same for programs: <a href=/openapi.json>/openapi.json</a>.",
        "Every call carries <code>Authorization: Bearer &lt;token&gt;</code>, signed (EdDSA) by your operator's key.</p>",
        f"<nav><ul>{''.join(_links(document))}</ul></nav><h2>Calls</h2>",
        *(_operation(path, verb, each) for path, verbs in document["paths"].items() for verb, each in verbs.items()),
        "<h2>Structures</h2>",
        *(_structure(name, schema) for name, schema in document["components"]["schemas"].items()),
        f"<h2 id=problems>Problems</h2>{_problems()}</main></html>",
    ]
    return "\n".join(parts)


def _links(document: Mapping[str, Any]) -> Iterator[str]:
    for path, verbs in document["paths"].items():
        for verb, each in verbs.items():
            yield f"<li><a href='#{_anchor(verb + path)}'>{escape(each['summary'])}</a>: {verb.upper()} {escape(path)}</li>"
    yield "<li><a href='#problems'>What can be wrong, and what to do</a></li>"


def _operation(path: str, verb: str, operation: Mapping[str, Any]) -> str:
    heading = f"<h3 id='{_anchor(verb + path)}'>{escape(operation['summary'])}</h3>"
    line = f"<p><span class=verb>{verb}</span> <code>{escape(path)}</code></p><p>{_text(operation['description'])}</p>"
    rows = [
        (f"<code>{escape(each['name'])}</code>", escape(each["in"]), escape(each["description"]))
        for each in operation.get("parameters", ())
    ]
    parameters = _table(("Parameter", "In", "Meaning"), rows) if rows else ""
    sent = [
        (escape(media), _type(content["schema"]))
        for media, content in operation.get("requestBody", {}).get("content", {}).items()
    ]
    body = _table(("You send", "Structure"), sent) if sent else ""
    answers = [
        (status, escape(media), _type(content["schema"]), _names(answer["description"]))
        for status, answer in operation["responses"].items()
        for media, content in answer["content"].items()
    ]
    return heading + line + parameters + body + _table(("Status", "You get", "Structure", "When"), answers)


def _structure(name: str, schema: Mapping[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = [
        (f"<code>{escape(field)}</code>", "yes" if field in required else "no", _type(each), _text(each.get("description", "")))
        for field, each in schema.get("properties", {}).items()
    ]
    choices = ", ".join(f"<code>{escape(str(each))}</code>" for each in schema.get("enum", ()))
    table = _table(("Field", "Required", "Type", "Meaning"), rows) if rows else f"<p>{choices}</p>"
    return f"<h3 id='{escape(name)}'>{escape(name)}</h3><p>{_text(schema.get('description', ''))}</p>{table}"


def _problems() -> str:
    rows = [
        (f"<code id='problem-{name.value}'>{name.value}</code>", str(row.status), escape(row.en.title), _text(row.en.todo))
        for name, row in TABLE.items()
    ]
    return _table(("Name", "Status", "What is wrong", "What to do"), rows)


def _type(schema: Mapping[str, Any]) -> str:
    """One line for a schema: a reference as a link, a choice as its values, else its type and bounds."""
    if reference := schema.get("$ref"):
        name = escape(str(reference).rsplit("/", 1)[-1])
        return f"<a href='#{name}'>{name}</a>"
    if choices := schema.get("anyOf"):
        return " or ".join(_type(each) for each in choices)
    if values := schema.get("enum"):
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in values)
    if schema.get("type") == "object" and "properties" in schema:
        return "; ".join(f"<code>{escape(name)}</code>: {_type(each)}" for name, each in schema["properties"].items())
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    bounds = [
        f"{label} {schema[key]}"
        for key, label in (("minimum", "at least"), ("maximum", "at most"), ("pattern", "matching"))
        if key in schema
    ]
    return escape(", ".join([str(schema.get("format") or schema.get("type", "value")), *bounds]))


def _names(description: str) -> str:
    """Problem names as links to their row."""
    words = [word.strip() for word in description.split(",")]
    known = {name.value for name in TABLE}
    return ", ".join(f"<a href='#problem-{word}'>{word}</a>" if word in known else escape(word) for word in words)


def _text(text: str) -> str:
    """Escaped, with `code` marked."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    cells = "".join(f"<th scope=col>{each}</th>" for each in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
