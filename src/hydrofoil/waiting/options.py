"""What a function that waits may be told, checked when its decorator runs."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hydrofoil.errors import UsageError

# Calls in flight in a task where nothing else is said.
CONCURRENCY = 100
RETRIES = 5

_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "minute": 60.0, "h": 3600.0}
_SECONDS |= {"hour": 3600.0, "day": 86400.0}
_RATE = re.compile(r"(\d[\d_,]*(?:\.\d+)?)\s*/\s*(\d*)\s*([a-z]+)")


@dataclass(frozen=True)
class Options:
    """How a function is called.

    Attributes
    ----------
    concurrency : int
        Most calls in flight in a task.
    retries : int
        How often a call is made again after an error that a service may not repeat.
    backoff : float
        Seconds before the first of these, doubled for each further one, up to a minute.
    timeout : float or None
        Seconds for each call.
    rate, tokens : float or None
        Calls, and what `cost` says they cost, a second, of all tasks together.
    cost : callable or None
        Arguments of a call to its cost.
    max_in_flight : int or None
        Most calls in flight of all tasks together.
    once : bool
        Whether equal arguments are asked once a query.
    remember : str or None
        The file on the driver that keeps answers.
    retry_on : callable or None
        Error to whether to call again; None leaves it to what is known of services' errors.
    """

    concurrency: int = CONCURRENCY
    retries: int = RETRIES
    backoff: float = 0.5
    timeout: float | None = None
    rate: float | None = None
    tokens: float | None = None
    cost: Callable[..., float] | None = field(default=None, compare=False)
    max_in_flight: int | None = None
    once: bool = True
    remember: str | None = None
    retry_on: Callable[[BaseException], bool | None] | None = field(default=None, compare=False)

    @property
    def has_limits(self) -> bool:
        """Whether tasks have to be told when to call."""
        return self.rate is not None or self.tokens is not None or self.max_in_flight is not None

    @property
    def needs_hub(self) -> bool:
        """Whether tasks can't run without the driver's hub."""
        return self.has_limits or self.remember is not None


def options_of(
    *,
    concurrency: int | None,
    retries: int,
    backoff: float,
    timeout: float | None,
    rate: str | float | None,
    tokens: str | float | None,
    cost: Callable[..., float] | None,
    max_in_flight: int | None,
    once: bool,
    remember: Any,
    retry_on: Callable[[BaseException], bool | None] | None,
) -> Options:
    """The options that a decorator's arguments say.

    Raises
    ------
    UsageError
        An argument is none that it can be, or has no meaning without another.
    """
    if tokens is not None and cost is None:
        raise UsageError(
            f"tokens={tokens!r} needs to know what a call costs",
            hint="give cost=, a function of the same arguments that returns a number of tokens",
        )
    if remember is not None and not once:
        raise UsageError(
            "once=False asks each time, and remember= keeps answers",
            hint="leave one of them out",
        )
    for name, given in (("cost", cost), ("retry_on", retry_on)):
        if given is not None and not callable(given):
            raise UsageError(f"{name}={given!r} is no function")
    if remember is not None:
        remember = os.path.abspath(os.path.expanduser(os.fspath(remember)))
    most = count_of(max_in_flight, "max_in_flight", 1)
    # What the limit for all tasks allows, one of them may use.
    default = CONCURRENCY if most is None else most
    return Options(
        concurrency=count_of(concurrency, "concurrency", 1) or default,
        retries=count_of(retries, "retries", 0) or 0,
        backoff=_seconds(backoff, "backoff") or 0.0,
        timeout=_seconds(timeout, "timeout"),
        rate=rate_of(rate, "rate"),
        tokens=rate_of(tokens, "tokens"),
        cost=cost,
        max_in_flight=most,
        once=bool(once),
        remember=remember,
        retry_on=retry_on,
    )


def rate_of(given: str | float | None, name: str) -> float | None:
    """A number a second, of ``"600/min"``, ``"10/s"``, ``"5/10s"`` or a number a second.

    Raises
    ------
    UsageError
        It is none, or not above 0.
    """
    if given is None:
        return None
    if isinstance(given, (int, float)) and not isinstance(given, bool) and given > 0:
        return float(given)
    if isinstance(given, str):
        found = _RATE.fullmatch(given.strip().lower())
        if found is not None:
            number, every, unit = found.groups()
            seconds = _SECONDS.get(unit) or _SECONDS.get(unit.rstrip("s"))
            amount = float(number.replace(",", "").replace("_", ""))
            if seconds is not None and amount > 0 and int(every or 1):
                return amount / (seconds * float(every or 1))
    raise UsageError(
        f"{name}={given!r} is no rate", hint=f'write {name}="600/min", or {name}="10/s"'
    )


def count_of(given: Any, name: str, least: int) -> int | None:
    """A number of at least so much, or None.

    Raises
    ------
    UsageError
        It is neither.
    """
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or given < least:
        raise UsageError(f"{name}={given!r} is no number of at least {least}")
    return given


def _seconds(given: Any, name: str) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, (int, float)) or given <= 0:
        raise UsageError(f"{name}={given!r} is no number of seconds above 0")
    return float(given)
