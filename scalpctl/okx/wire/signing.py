"""Signatures over the exact bytes sent: REST requests and the WebSocket login."""

from __future__ import annotations

import base64
import hashlib
import hmac

from scalpctl.core.instants import MICROS_PER_SECOND, Instant, to_datetime

LOGIN_PATH = "/users/self/verify"


def rest_timestamp(at: Instant) -> str:
    """Spell an instant the way the REST header wants it: ISO 8601 with exactly milliseconds and a Z."""
    return to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def login_timestamp(at: Instant) -> str:
    """Spell an instant the way a login wants it: whole seconds."""
    return str(at // MICROS_PER_SECOND)


def signature(secret: str, timestamp: str, method: str, target: str, body: bytes = b"") -> str:
    """Sign timestamp, method, request target with its query as sent, and body."""
    text = f"{timestamp}{method}{target}".encode() + body
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def login_signature(secret: str, timestamp: str) -> str:
    """Sign a login."""
    return signature(secret, timestamp, "GET", LOGIN_PATH)
