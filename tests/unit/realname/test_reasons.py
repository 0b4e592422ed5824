import tomllib
from importlib.resources import files

import pytest

from realname.reasons import Reason, advice, text_of


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_has_words_for_customer_and_staff(reason, language):
    text = text_of(reason, language)
    assert len(text.customer) > 3
    assert len(text.staff) > 3


def test_there_are_no_words_for_a_reason_that_is_gone():
    texts = tomllib.loads(files("realname").joinpath("reasons.toml").read_text("utf-8"))
    assert set(texts) == {reason.value for reason in Reason}


def test_no_text_for_a_customer_holds_a_number_or_a_threshold():
    for reason in Reason:
        assert not any(character.isdigit() for character in text_of(reason, "en").customer)


def test_a_customer_hears_at_most_two_things_the_decisive_first():
    reasons = (Reason.TOO_DARK, Reason.FACE_TOO_SMALL, Reason.BLURRED)
    assert advice(reasons, "en") == (text_of(Reason.TOO_DARK, "en").customer, text_of(Reason.FACE_TOO_SMALL, "en").customer)


def test_reasons_that_say_the_same_are_said_once():
    assert advice((Reason.LIVENESS_DOUBTFUL, Reason.SIMILARITY_DOUBTFUL, Reason.TOO_DARK), "en") == (
        text_of(Reason.LIVENESS_DOUBTFUL, "en").customer,
        text_of(Reason.TOO_DARK, "en").customer,
    )
