"""Pure: whose call this is. EdDSA tokens of callers, by keys that each speak for one operator. The clock is an argument."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta, Struct

from realname.errors import SettingsWrong
from realname.jwk import SigningKey, new_key, private_of, public_half, public_of
from services.intake.problem_names import Name
from services.intake.problems import Problem

AUDIENCE = "realname-intake"
_ALGORITHM = "EdDSA"  # the only one: `none` and every MAC are refused before a key is looked at
_LEEWAY_S = 30  # clocks of stores
_CACHE_MAX = 1024  # verified tokens; a store system uses one token for many calls
_TOKEN_CHARS_MAX = 4096


class CallerKey(SigningKey, frozen=True):
    """A store system's."""


class KeySet(Struct, frozen=True):
    """callers.jwks.json (RFC 7517)."""

    keys: tuple[CallerKey, ...]


class Claims(Struct, frozen=True):
    """What a token says. iss: the store system; sub: its user or service; stores: names, or "*" for all of the operator."""

    iss: Annotated[str, Meta(min_length=1, max_length=120)]
    sub: Annotated[str, Meta(min_length=1, max_length=120)]
    aud: Literal["realname-intake"]
    exp: int
    operator: str
    stores: tuple[str, ...] | Literal["*"]
    nbf: int | None = None
    iat: int | None = None


class Caller(NamedTuple):
    """Who calls, after verification."""

    operator: str
    subject: str
    stores: frozenset[str] | Literal["*"]

    def may_use(self, store: str) -> bool:
        """Whether this caller speaks for that store of its operator."""
        return self.stores == "*" or store in self.stores


class _Verified(NamedTuple):
    caller: Caller
    not_before_s: int
    expires_s: int


class Callers:
    """All keys. Not thread-safe: it belongs to the event loop."""

    def __init__(self, keys: Sequence[CallerKey], operators: Sequence[str]) -> None:
        """Raises SettingsWrong for a key id used twice: it would speak for two."""
        if len({key.kid for key in keys}) != len(keys):
            raise SettingsWrong("callers.jwks.json: a key id stands twice; each key speaks for one operator")
        known = frozenset(operators)
        self._keys = {key.kid: (key.operator, _public(key)) for key in keys if key.operator in known}
        self._verified: OrderedDict[str, _Verified] = OrderedDict()

    def authenticate(self, authorization: str | None, now: datetime) -> Caller | Problem:
        """The caller behind an Authorization header, or token_missing, token_invalid, token_expired."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return Problem(Name.TOKEN_MISSING)
        found = self._verified.get(token) or self._verify(token)
        if found is None or now.timestamp() < found.not_before_s - _LEEWAY_S:
            return Problem(Name.TOKEN_INVALID)
        if now.timestamp() >= found.expires_s + _LEEWAY_S:
            return Problem(Name.TOKEN_EXPIRED)
        return found.caller

    def _verify(self, token: str) -> _Verified | None:
        """Signature, audience and binding; instants are compared at each call."""
        if len(token) > _TOKEN_CHARS_MAX:
            return None
        try:
            header = jwt.get_unverified_header(token)
            operator, key = self._keys[str(header.get("kid"))]
            body: dict[str, Any] = jwt.decode(token, key, algorithms=[_ALGORITHM], options=_WITHOUT_TIME)
            claims = msgspec.convert(body, type=Claims)
        except (jwt.InvalidTokenError, KeyError, msgspec.ValidationError):
            return None
        if claims.operator != operator:  # the key's operator is the truth; a token that says another is forged
            return None
        stores = frozenset(claims.stores) if isinstance(claims.stores, tuple) else claims.stores
        found = _Verified(Caller(operator, claims.sub, stores), claims.nbf or 0, claims.exp)
        self._verified[token] = found
        if len(self._verified) > _CACHE_MAX:
            self._verified.popitem(last=False)
        return found


# aud, exp and nbf are checked above: aud by its type, the instants against the clock that was passed in.
_WITHOUT_TIME: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False, "require": ["exp"]}


def read_keys(jwks: bytes) -> tuple[CallerKey, ...]:
    """The keys of callers.jwks.json. Raises SettingsWrong."""
    try:
        return msgspec.json.decode(jwks, type=KeySet).keys
    except msgspec.MsgspecError as error:
        raise SettingsWrong(f"callers.jwks.json does not read: {error}") from None


def new_caller_key(operator: str, *, number: int = 1) -> tuple[CallerKey, CallerKey]:
    """(private, public) of a fresh key pair, for development and tests; its id is <operator>-<number>."""
    key = new_key(CallerKey, operator, f"{operator}-{number}")
    return key, public_half(key)


def issue_token(
    key: CallerKey,
    *,
    now: datetime,
    stores: tuple[str, ...] | Literal["*"] = "*",
    subject: str = "development",
    lifetime_s: int = 3600,
) -> str:
    """A caller's token, as a store system would sign it. key: with its private half."""
    private = private_of(key)
    expires = int((now + timedelta(seconds=lifetime_s)).timestamp())
    claims = Claims(
        iss=key.operator, sub=subject, aud=AUDIENCE, exp=expires, operator=key.operator, stores=stores, iat=int(now.timestamp())
    )
    body = {name: value for name, value in msgspec.to_builtins(claims).items() if value is not None}
    return jwt.encode(body, private, algorithm=_ALGORITHM, headers={"kid": key.kid})


def _public(key: CallerKey) -> Ed25519PublicKey:
    try:
        return public_of(key)
    except ValueError:
        raise SettingsWrong(f"callers.jwks.json: key {key.kid} is no Ed25519 key") from None
