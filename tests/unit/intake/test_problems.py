"""Problem documents: closed, bilingual, each with something to do."""

from __future__ import annotations

import re

import pytest

from services.intake import problems
from services.intake.problem_names import Name
from services.intake.problem_texts import TABLE
from services.intake.problems import Problem


def test_every_problem_has_its_row_and_every_row_its_problem() -> None:
    assert set(TABLE) == set(Name)


@pytest.mark.parametrize("name", Name, ids=str)
def test_each_says_what_to_do_in_both_languages(name: Name) -> None:
    row = TABLE[name]
    assert 400 <= row.status <= 599
    for text in (row.en, row.zh):
        assert text.title
        assert text.todo
    assert re.search(r"[\u4e00-\u9fff]", row.zh.title + row.zh.todo)
    assert not re.search(r"[\u4e00-\u9fff]", row.en.title + row.en.todo)


def test_a_document_is_as_rfc_9457_has_it() -> None:
    found = problems.document(Problem(Name.RATE_LIMITED, retry_after_s=3), "en")
    assert found.type == "urn:realname:problem:rate_limited"
    assert found.status == 429
    assert found.retry_after_s == 3


def test_a_long_field_name_is_cut() -> None:
    found = problems.document(Problem(Name.FIELD_UNKNOWN, field="x" * 5000), "en")
    assert found.field == "x" * 60


def test_retry_after_and_the_challenge_of_a_401_are_headers() -> None:
    assert problems.headers(Problem(Name.VAULT_FULL, retry_after_s=30))["retry-after"] == "30"
    assert problems.headers(Problem(Name.TOKEN_MISSING))["www-authenticate"].startswith("Bearer")
    assert "www-authenticate" not in problems.headers(Problem(Name.FIELD_INVALID))


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr, zh-TW;q=0.5", "zh"),
        ("zh;q=0, en", "en"),
        ("*", "en"),
        ("ZH", "zh"),
    ],
)
def test_the_language_is_the_first_of_ours_that_the_caller_names(header: str | None, language: str) -> None:
    assert problems.language_of(header) == language
