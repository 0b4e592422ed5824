import tomllib
from importlib.resources import files

import pytest

from realname.reasons import Reason, text_of


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
