"""HTTP: the one file that knows the library. TLS always, no redirects, no proxies from the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import httpx

from scalpctl.errors import AnswerMalformed, ConfigurationError, ExchangeUnavailable, ExchangeUnreachable
from scalpctl.okx.wire.codec import ANSWER_BYTES_MAX
from scalpctl.okx.wire.hosts import LOOPBACK

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
ANSWER_WITHIN_S = 5.0
_LIMITS = httpx.Limits(max_connections=16, max_keepalive_connections=8, keepalive_expiry=30.0)


class Headers(dict[str, str]):
    """Headers that carry a key and a signature, and therefore do not print, not even as a local of a traceback."""

    def __repr__(self) -> str:
        """Give the names only."""
        return f"Headers({', '.join(self)})"


@dataclass(frozen=True, slots=True)
class Request:
    """The exact bytes of a request; its headers carry the signature and do not print."""

    method: str
    target: str
    body: bytes = field(default=b"", repr=False)
    headers: Headers = field(default_factory=Headers, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; a hostile answer may quote the request, so the body does not print."""

    status: int
    body: bytes = field(repr=False)
    retry_after_s: int = 0


class Transport(Protocol):
    """Carries one request; ExchangeUnreachable means it never left, ExchangeUnavailable that the answer is lost."""

    async def send(self, request: Request) -> Response:
        """Send exactly these bytes and give the answer."""
        ...


class HttpTransport:
    """Carries requests over HTTPS, or over plain HTTP to this very machine."""

    def __init__(
        self, base: str, inner: httpx.AsyncBaseTransport | None = None, *, answer_within_s: float = ANSWER_WITHIN_S
    ) -> None:
        """Talk to one host only; what is not answered in time is lost."""
        address = urlsplit(base)
        if address.scheme != "https" and address.hostname not in LOOPBACK:
            raise ConfigurationError(f"{address.scheme}://{address.hostname} is not encrypted", hint="use https")
        self._base = httpx.URL(base)
        self._client = httpx.AsyncClient(
            transport=inner, timeout=answer_within_s, limits=_LIMITS, follow_redirects=False, trust_env=False
        )

    @classmethod
    def over_app(cls, app: Any) -> Self:
        """Talk to an ASGI application in this process, without a socket."""
        return cls("http://sim", httpx.ASGITransport(app))

    async def send(self, request: Request) -> Response:
        """Send exactly these bytes; the target goes on the wire as it was signed."""
        url = self._base.copy_with(raw_path=request.target.encode("ascii"))
        outgoing = httpx.Request(request.method, url, headers=request.headers, content=request.body or None)
        try:
            answer = await self._client.send(outgoing, stream=True)
            try:
                body = await _bounded(answer)
            finally:
                await answer.aclose()
        except _NEVER_SENT as error:
            raise _unreachable(self._base.host, error) from None
        except httpx.HTTPError as error:
            # the original may quote the request, and with it the key
            raise ExchangeUnavailable(f"no answer from {self._base.host}: {type(error).__name__}") from None
        retry_after = answer.headers.get("retry-after", "")
        return Response(answer.status_code, body, int(retry_after) if retry_after.isdecimal() else 0)

    async def close(self) -> None:
        """Hang up."""
        await self._client.aclose()


async def _bounded(answer: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in answer.aiter_bytes():
        size += len(part)
        if size > ANSWER_BYTES_MAX:
            raise AnswerMalformed(f"an answer of more than {ANSWER_BYTES_MAX} bytes was not read to its end")
        parts.append(part)
    return b"".join(parts)


def _unreachable(host: str, error: httpx.HTTPError) -> ExchangeUnreachable:
    text = str(error).lower()
    if "certificate" in text or "ssl" in text:
        hint = "the certificate was not accepted: check the machine's clock, its trusted certificates and any proxy"
        return ExchangeUnreachable(f"{host} did not prove who it is", hint=hint)
    hint = "check the network and the name service; scalpctl doctor --online shows more"
    return ExchangeUnreachable(f"{host} cannot be reached: {type(error).__name__}", hint=hint)
