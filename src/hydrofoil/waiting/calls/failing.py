"""Which errors of services may not be repeated, and when to ask again.

Clients are known by the names of their errors' classes and by the attributes that these have:
nothing of theirs is imported.
"""

import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from hydrofoil.waiting.options import Options

_LONGEST_BACKOFF = 60.0

# Busy, too many, too early, or broken in a way that passes; 529 is Anthropic's "overloaded".
RETRIED = frozenset({408, 409, 423, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})

# Top-level package -> classes whose errors, and those of subclasses, may not be repeated. They are
# about connections, or say by their class what others say by a status.
_CLASSES: dict[str, frozenset[str]] = {
    "httpx": frozenset({"TransportError"}),
    "httpcore": frozenset({"NetworkError", "TimeoutException", "RemoteProtocolError"}),
    "aiohttp": frozenset({"ClientConnectionError", "ClientPayloadError", "ServerTimeoutError"}),
    "requests": frozenset(
        {"ConnectionError", "Timeout", "ChunkedEncodingError", "ContentDecodingError"}
    ),
    "urllib3": frozenset({"ProtocolError", "TimeoutError", "NewConnectionError", "MaxRetryError"}),
    "openai": frozenset({"APIConnectionError", "RateLimitError", "InternalServerError"}),
    "anthropic": frozenset(
        {"APIConnectionError", "RateLimitError", "InternalServerError", "OverloadedError"}
    ),
    "google": frozenset(
        {
            *("TooManyRequests", "ServiceUnavailable", "InternalServerError", "BadGateway"),
            *("GatewayTimeout", "DeadlineExceeded", "ResourceExhausted", "RetryError"),
        }
    ),
    "cohere": frozenset({"TooManyRequestsError", "ServiceUnavailableError", "InternalServerError"}),
    "mistralai": frozenset({"NoResponseError"}),
    "botocore": frozenset({"ConnectionError", "HTTPClientError"}),
    "grpc": frozenset(),
    "redis": frozenset({"ConnectionError", "TimeoutError", "BusyLoadingError"}),
    "websockets": frozenset({"ConnectionClosedError"}),
    "http": frozenset({"IncompleteRead", "BadStatusLine"}),
    "asyncio": frozenset({"IncompleteReadError", "TimeoutError"}),
    "urllib": frozenset(),
}
# Codes of gRPC, and of Amazon's services, which have words for what HTTP has numbers.
_WORDS = frozenset(
    {
        *("UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "ABORTED"),
        *("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestTimeout"),
        *("ModelTimeoutException", "ModelNotReadyException", "SlowDown", "InternalServerException"),
        *("ServiceUnavailableException", "RequestLimitExceeded"),
    }
)


class TryAgain(Exception):
    """Raise it in a function that waits to have its call made again.

    Parameters
    ----------
    after : float, optional
        In how many seconds; unless given, as after other errors.
    """

    def __init__(self, message: str = "", *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after

    def __reduce__(self) -> Any:
        return _try_again, (str(self), self.after)


def _try_again(message: str, after: float | None) -> TryAgain:
    return TryAgain(message, after=after)


def delay_of(error: BaseException, done: int, options: Options) -> float | None:
    """In how many seconds to call again; None where the error stands.

    Parameters
    ----------
    done : int
        How often the call has been made again.
    """
    if done >= options.retries or not _may_pass(error, options):
        return None
    # By half at most: calls that have failed together come back apart.
    own = min(_LONGEST_BACKOFF, options.backoff * 2.0 ** min(done, 16)) * random.uniform(0.5, 1.0)
    told = asked_for(error)
    if told is None:
        return own
    # Not before the service wants it; not all at the same moment either.
    return told + random.uniform(0.0, min(own, 0.1 * told + 0.01))


def _may_pass(error: BaseException, options: Options) -> bool:
    if options.retry_on is not None:
        said = options.retry_on(error)
        if said is not None:
            return bool(said)
    return may_pass(error)


def may_pass(error: BaseException) -> bool:
    """Whether a service that has failed so may answer when it is asked again."""
    if isinstance(error, (TryAgain, ConnectionError, TimeoutError)):
        return True
    status = status_of(error)
    if isinstance(status, int):
        return status in RETRIED
    if status in _WORDS:
        return True
    for known in type(error).__mro__:
        classes = _CLASSES.get(known.__module__.partition(".")[0])
        if classes is not None and known.__name__ in classes:
            return True
    # Clients that wrap what has gone wrong with the connection in an error of their own class,
    # such as urllib.error.URLError.
    reason = getattr(error, "reason", None)
    return isinstance(reason, (ConnectionError, TimeoutError))


def status_of(error: BaseException) -> int | str | None:
    """The status of the response that an error is about: HTTP's number, or another's word."""
    response = getattr(error, "response", None)
    for holder in (error, response):
        for name in ("status_code", "status", "code", "http_status"):
            found = _status(getattr(holder, name, None))
            if found is not None:
                return found
    if isinstance(response, Mapping):  # botocore's ClientError.
        found = _status(_within(response, "Error", "Code"))
        number = _status(_within(response, "ResponseMetadata", "HTTPStatusCode"))
        return found if found in _WORDS else number
    return None


def _status(value: Any) -> int | str | None:
    if callable(value):  # gRPC's.
        try:
            value = value()
        except Exception:
            return None
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return int(value) if 100 <= value < 600 else None
    name = getattr(value, "name", value)
    return name if isinstance(name, str) and name in _WORDS else None


def asked_for(error: BaseException) -> float | None:
    """The seconds after which a service wants to be asked again, if it has said so."""
    after = getattr(error, "after", None)
    if isinstance(error, TryAgain):
        return None if after is None else max(0.0, float(after))
    response = getattr(error, "response", None)
    holders = [getattr(error, "headers", None), getattr(response, "headers", None)]
    if isinstance(response, Mapping):
        holders.append(_within(response, "ResponseMetadata", "HTTPHeaders"))
    for headers in holders:
        if headers is None:
            continue
        milliseconds = _header(headers, "retry-after-ms")
        if milliseconds is not None:
            found = _number(milliseconds)
            if found is not None:
                return found / 1000.0
        told = _header(headers, "retry-after")
        if told is not None:
            found = _number(told)
            return _until(told) if found is None else found
    found = getattr(error, "retry_after", None)
    return max(0.0, float(found)) if isinstance(found, (int, float)) else None


def _header(headers: Any, name: str) -> str | None:
    try:
        for form in (name, name.title()):
            found = headers.get(form)
            if found is not None:
                return str(found)
        items = headers.items()
    except Exception:
        return None
    return next((str(value) for key, value in items if str(key).lower() == name), None)


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0.0 <= found < 1e9 else None


def _until(text: str) -> float | None:
    """The seconds until a date, as HTTP writes it."""
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _within(mapping: Any, *names: str) -> Any:
    for name in names:
        mapping = mapping.get(name) if isinstance(mapping, Mapping) else None
    return mapping
