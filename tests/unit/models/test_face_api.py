"""Weights that come without a network: read by their list, and refused where the list is another one's."""

from __future__ import annotations

import json

import numpy as np
import pytest

from models.face_api import WeightsWrong, build, read_weights

LISTED = [
    {
        "weights": [
            {"name": "fc", "shape": [2, 2], "dtype": "float32"},
            {"name": "bias", "shape": [3], "dtype": "float32", "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1.0}},
        ]
    }
]
STORED = np.float32([1, 2, 3, 4]).tobytes() + bytes([0, 2, 255])


def listed(body: object = LISTED) -> bytes:
    return json.dumps(body).encode()


def test_plain_and_quantised_weights_are_read_in_their_order():
    found = read_weights(STORED, listed())
    np.testing.assert_array_equal(found["fc"], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(found["bias"], np.float32([-1, 0, 126.5]))


@pytest.mark.parametrize(
    ("stored", "body", "words"),
    [
        (STORED[:-1], LISTED, "end before bias"),
        (STORED + b"more", LISTED, "4 bytes of weights are not listed"),
        (STORED, {"weights": []}, "does not read"),
    ],
)
def test_weights_and_list_that_do_not_fit_are_refused(stored: bytes, body: object, words: str):
    with pytest.raises(WeightsWrong, match=words):
        read_weights(stored, listed(body))


def test_weights_of_another_network_are_refused_by_what_they_lack():
    with pytest.raises(WeightsWrong, match="no conv32_down"):
        build(STORED, listed())
