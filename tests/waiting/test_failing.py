"""Which errors of clients are asked again after, and when: by class names and attributes."""

import datetime
from email.utils import format_datetime
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from hydrofoil.waiting.calls.failing import TryAgain, asked_for, delay_of, may_pass, status_of
from hydrofoil.waiting.options import Options


def error(module: str, names: str, **attributes: Any) -> Exception:
    """An error of a class as clients have it: base classes first."""
    cls: type[Exception] = Exception
    for name in names.split():
        cls = type(name, (cls,), {"__module__": module})
    made = cls("it failed")
    vars(made).update(attributes)
    return made


def response(status: int, **headers: str) -> Any:
    return SimpleNamespace(
        status_code=status, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


HTTPX = ("httpx", "HTTPError HTTPStatusError")
OPENAI = ("openai", "OpenAIError APIError APIStatusError")
BOTO = ("botocore.exceptions", "ClientError")


@pytest.mark.parametrize(
    ("failed", "passes"),
    [
        (error("httpx", "HTTPError RequestError TransportError ConnectTimeout"), True),
        (error(*HTTPX, response=response(503)), True),
        (error(*HTTPX, response=response(404)), False),
        (error("aiohttp.client_exceptions", "ClientError ClientConnectionError Other"), True),
        (error("aiohttp.client_exceptions", "ClientResponseError", status=429), True),
        (error("aiohttp.client_exceptions", "ClientResponseError", status=400), False),
        (requests.exceptions.ConnectTimeout(), True),
        (requests.exceptions.InvalidURL(), False),
        (requests.exceptions.HTTPError(response=response(502)), True),
        (error("openai", "OpenAIError APIError APIConnectionError APITimeoutError"), True),
        (error(*OPENAI, status_code=429), True),
        (error(*OPENAI, status_code=401), False),
        (error("anthropic", "APIError APIStatusError", status_code=529), True),
        (error("google.api_core.exceptions", "Error", code=HTTPStatus.SERVICE_UNAVAILABLE), True),
        (error("google.api_core.exceptions", "Error NotFound", code=404), False),
        (error("google.genai.errors", "APIError ServerError", code=500), True),
        (error("grpc.aio", "RpcError", code=lambda: SimpleNamespace(name="UNAVAILABLE")), True),
        (error("grpc.aio", "RpcError", code=lambda: SimpleNamespace(name="NOT_FOUND")), False),
        (error(*BOTO, response={"Error": {"Code": "ThrottlingException"}}), True),
        (error(*BOTO, response={"ResponseMetadata": {"HTTPStatusCode": 400}}), False),
        (error("urllib.error", "URLError", reason=ConnectionRefusedError()), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (TryAgain(), True),
        (ValueError("no answer"), False),
        (error("mine", "ServiceUnavailable"), False),
    ],
    ids=lambda value: repr(value),
)
def test_which_may_pass(failed: Exception, passes: bool) -> None:
    assert may_pass(failed) is passes
    assert (delay_of(failed, 0, Options()) is not None) is passes


def test_what_a_service_asks_for() -> None:
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=100)
    assert asked_for(error(*HTTPX, response=response(429, retry_after="7"))) == 7.0
    assert asked_for(error(*OPENAI, response=response(429, Retry_After="2", x="y"))) == 2.0
    assert asked_for(error(*OPENAI, response=response(429, retry_after_ms="250"))) == 0.25
    date = error(*HTTPX, response=response(503, retry_after=format_datetime(later)))
    assert asked_for(date) == pytest.approx(100, abs=5)
    assert asked_for(error("x", "E", headers={"RETRY-AFTER": "3"})) == 3.0
    boto = {"ResponseMetadata": {"HTTPHeaders": {"retry-after": "4"}}}
    assert asked_for(error(*BOTO, response=boto)) == 4.0
    assert asked_for(TryAgain("busy", after=0.5)) == 0.5
    assert asked_for(error(*HTTPX, response=response(429, retry_after="soon"))) is None
    assert asked_for(ValueError()) is None


def test_delays() -> None:
    options = Options(retries=3, backoff=2.0)
    for done, most in enumerate([2.0, 4.0, 8.0]):
        delay = delay_of(TimeoutError(), done, options)
        assert delay is not None and most / 2 <= delay <= most
    assert delay_of(TimeoutError(), 3, options) is None
    told = delay_of(TryAgain(after=10), 0, options)
    assert told is not None and 10 <= told <= 11.01
    assert delay_of(ValueError(), 0, Options(retry_on=lambda e: True)) is not None
    assert delay_of(TimeoutError(), 0, Options(retry_on=lambda e: False)) is None
    assert delay_of(TimeoutError(), 0, Options(retry_on=lambda e: None)) is not None


def test_statuses() -> None:
    assert status_of(error("x", "E", code="ABORTED")) == "ABORTED"
    assert status_of(error("x", "E", code=7)) is None
    assert status_of(error("x", "E", code="insufficient_quota", status_code=429)) == 429
