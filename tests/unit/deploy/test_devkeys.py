"""Development keys: made once, kept, private to their owner, and of the forms that their readers take."""

from __future__ import annotations

import base64
import json
import os
import time
from pathlib import Path

import jwt
import pytest

from deploy.local.devkeys import CHALLENGE_KEY, JWKS, POLICY_JWKS, caller_file, make_keys, policy_file
from realname.keys import FileKeys

OPERATORS = ("north", "harbor", "summit")


def test_a_second_start_keeps_every_key(tmp_path: Path) -> None:
    make_keys(tmp_path, OPERATORS)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert make_keys(tmp_path, OPERATORS) == ()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_new_operator_gets_keys_and_the_old_ones_stay(tmp_path: Path) -> None:
    make_keys(tmp_path, ("north",))
    before = (tmp_path / "north.keys.json").read_bytes()
    assert make_keys(tmp_path, ("north", "harbor")) == (
        "harbor.keys.json",
        caller_file("harbor"),
        policy_file("harbor"),
        JWKS,
        POLICY_JWKS,
    )
    assert (tmp_path / "north.keys.json").read_bytes() == before
    assert [key["operator"] for key in json.loads((tmp_path / JWKS).read_bytes())["keys"]] == ["harbor", "north"]


def test_only_the_owner_reads_a_key(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys", OPERATORS)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {path.name for path in (tmp_path / "keys").iterdir() if path.stat().st_mode & 0o077} == set()


def test_no_private_half_is_in_the_key_set(tmp_path: Path) -> None:
    make_keys(tmp_path, OPERATORS)
    for public, private in ((JWKS, caller_file), (POLICY_JWKS, policy_file)):
        assert all("d" not in key for key in json.loads((tmp_path / public).read_bytes())["keys"])
        assert "d" in json.loads((tmp_path / private("north")).read_bytes())


def test_a_callers_key_signs_no_policy(tmp_path: Path) -> None:
    make_keys(tmp_path, OPERATORS)
    kinds = [{key["x"] for key in json.loads((tmp_path / name).read_bytes())["keys"]} for name in (JWKS, POLICY_JWKS)]
    assert not kinds[0] & kinds[1]


def test_a_token_signed_by_an_operators_key_verifies_by_that_key_alone(tmp_path: Path) -> None:
    make_keys(tmp_path, OPERATORS)
    private = jwt.PyJWK.from_json((tmp_path / caller_file("north")).read_text())
    token = jwt.encode({"iss": "north", "exp": time.time() + 60}, private.key, "EdDSA", headers={"kid": private.key_id})
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_json((tmp_path / JWKS).read_text()).keys}
    assert jwt.decode(token, keys["north-1"].key, ["EdDSA"])["iss"] == "north"
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, keys["harbor-1"].key, ["EdDSA"])


def test_the_vault_reads_its_keys(tmp_path: Path) -> None:
    make_keys(tmp_path, OPERATORS)
    keys = FileKeys(tmp_path)
    data_key = os.urandom(32)
    assert keys.unwrap("harbor", keys.wrap("harbor", data_key)) == data_key
    assert keys.fingerprint_secret("north") != keys.fingerprint_secret("harbor")


def test_the_challenge_key_is_32_bytes(tmp_path: Path) -> None:
    make_keys(tmp_path, OPERATORS)
    assert len(base64.b64decode((tmp_path / CHALLENGE_KEY).read_bytes())) == 32
