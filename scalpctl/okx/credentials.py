"""The key, its secret and its passphrase, in a box that does not show them."""

from __future__ import annotations

from scalpctl.core.instants import Instant
from scalpctl.okx.wire.operations import LoginArg, LoginFrame
from scalpctl.okx.wire.signing import login_signature, login_timestamp, rest_timestamp, signature


class Credentials:
    """Signs requests and logins; prints as nothing, whoever asks."""

    __slots__ = ("_key", "_passphrase", "_secret")

    def __init__(self, key: str, secret: str, passphrase: str) -> None:
        """Take the three texts."""
        self._key = key
        self._secret = secret
        self._passphrase = passphrase

    def __repr__(self) -> str:
        """Name the type only."""
        return "Credentials(***)"

    def __reduce__(self) -> str:
        """Refuse to be copied out of the process."""
        raise TypeError("credentials are not to be serialised")

    def secrets(self) -> tuple[str, ...]:
        """Give what must never be seen, for the redaction of logs."""
        return tuple(text for text in (self._key, self._secret, self._passphrase) if text)

    def headers(self, at: Instant, method: str, target: str, body: bytes) -> dict[str, str]:
        """Sign the exact request that will be sent."""
        timestamp = rest_timestamp(at)
        return {
            "OK-ACCESS-KEY": self._key,
            "OK-ACCESS-TIMESTAMP": timestamp,
            "OK-ACCESS-PASSPHRASE": self._passphrase,
            "OK-ACCESS-SIGN": signature(self._secret, timestamp, method, target, body),
        }

    def login(self, at: Instant) -> LoginFrame:
        """Sign a login to a private stream."""
        timestamp = login_timestamp(at)
        sign = login_signature(self._secret, timestamp)
        greeting = LoginArg(api_key=self._key, passphrase=self._passphrase, timestamp=timestamp, sign=sign)
        return LoginFrame(op="login", args=[greeting])
