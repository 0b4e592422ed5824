"""Keys of a development stack, made once at its first start: what a real deployment gets from its key store.

keys/<operator>.keys.json         key-encryption keys of the vault (realname.keys.KeyFile)
keys/callers.jwks.json            public keys of callers: Ed25519 JWKs, each with the operator that it speaks for
keys/<operator>.caller.jwk.json   the private half, with which the command line signs its tokens
keys/policies.jwks.json           public keys of policy signers, each with the operator whose policy it may activate
keys/<operator>.policy.jwk.json   the private half, with which `realname activate` signs
keys/challenge.key                32 random bytes in base64: signs challenges
Each file is readable by its owner alone (0600, folder 0700), written whole or not at all; keys are never overwritten.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from realname.activation import SIGNERS_FILE
from realname.jwk import SigningKey, new_key, public_half
from realname.keys import new_key_file

JWKS = "callers.jwks.json"
CHALLENGE_KEY = "challenge.key"
POLICY_JWKS = SIGNERS_FILE
_CHALLENGE_KEY_BYTES = 32


class KeySet(Struct, frozen=True):
    """A JWK set (RFC 7517)."""

    keys: tuple[SigningKey, ...]


def make_keys(folder: Path, operators: tuple[str, ...]) -> tuple[str, ...]:
    """Make what is missing; the names of the files written. A new operator gets its keys beside the old ones."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    written: list[str] = []
    for operator in operators:
        if not (vault_key := folder / f"{operator}.keys.json").exists():
            written.append(_write(vault_key, msgspec.json.encode(new_key_file(operator))))
        for name, key_id in ((caller_file(operator), f"{operator}-1"), (policy_file(operator), f"{operator}-policy-1")):
            if not (private := folder / name).exists():
                written.append(_write(private, msgspec.json.encode(new_key(SigningKey, operator, key_id))))
    if not (challenge := folder / CHALLENGE_KEY).exists():
        written.append(_write(challenge, base64.b64encode(os.urandom(_CHALLENGE_KEY_BYTES)) + b"\n"))
    for name, halves in ((JWKS, caller_file("*")), (POLICY_JWKS, policy_file("*"))):
        public = msgspec.json.format(msgspec.json.encode(_public(folder, halves)), indent=1) + b"\n"
        if not (jwks := folder / name).exists() or jwks.read_bytes() != public:
            written.append(_write(jwks, public))
    return tuple(written)


def caller_file(operator: str) -> str:
    """The name of the file with an operator's private caller key."""
    return f"{operator}.caller.jwk.json"


def policy_file(operator: str) -> str:
    """The name of the file with the private key that signs an operator's policy."""
    return f"{operator}.policy.jwk.json"


def _public(folder: Path, halves: str) -> KeySet:
    """The public halves of all private keys of that pattern in the folder, in the order of their names."""
    private = [msgspec.json.decode(path.read_bytes(), type=SigningKey) for path in sorted(folder.glob(halves))]
    return KeySet(tuple(public_half(key) for key in private))


def _write(path: Path, body: bytes) -> str:
    """0600 from its first byte; renamed into place, so that a start that is cut off leaves no half key."""
    half = path.with_name(f".{path.name}.half")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
    return path.name
