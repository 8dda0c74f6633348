"""What becomes of a row whose function raises: ``on_error``, by decorators and by settings."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from hydrofoil.errors import UsageError

ON_ERROR_KEY = "spark.hydrofoil.onError"
TABLE_KEY = "spark.hydrofoil.quarantine.path"
MAX_ERRORS_KEY = "spark.hydrofoil.maxErrors"

RAISE, NULL, QUARANTINE = "raise", "null", "quarantine"
CHOICES = (RAISE, NULL, QUARANTINE)
OnError = Literal["raise", "null", "quarantine"]
# All of these rows pass the driver.
MOST_QUARANTINED = 10_000


@dataclass(frozen=True)
class Limit:
    """How many rows of a function may fail in a query.

    Attributes
    ----------
    number : int or None
    share : float or None
        Of the rows that the function was called for; 0.01 is 1 %.
    """

    number: int | None = None
    share: float | None = None

    def __str__(self) -> str:
        if self.share is not None:
            return f"{self.share * 100:g}%"
        return "no limit" if self.number is None else f"{self.number:,}"


def limit_of(given: Any, name: str) -> Limit | None:
    """What ``max_errors`` says: a number, or a share such as ``"1%"``.

    Raises
    ------
    UsageError
        It is neither.
    """
    if given is None:
        return None
    text = str(given).strip()
    if not isinstance(given, bool):
        if re.fullmatch(r"\d+", text):
            return Limit(number=int(text))
        if re.fullmatch(r"\d+(\.\d+)?\s*%", text) and float(text.rstrip("% ")) <= 100:
            return Limit(share=float(text.rstrip("% ")) / 100)
    raise UsageError(
        f"{name}={given!r} is no number of rows", hint=f'write {name}=1000, or {name}="1%"'
    )


@dataclass(frozen=True)
class Policy:
    """What becomes of the rows of one function that raise.

    Attributes
    ----------
    on_error : str
        One of `CHOICES`.
    table : str or None
        The folder of quarantined rows; None where the session's setting is to say it.
    limit : Limit or None
        None where the session's setting is to say it.
    """

    on_error: str
    table: str | None = None
    limit: Limit | None = None

    def completed(self, setting: Callable[[str], str | None]) -> "Policy":
        """The same with what the session's settings say of all that is left open.

        Raises
        ------
        UsageError
            There is no table to put rows in.
        """
        made = self
        if made.table is None:
            made = replace(made, table=setting(TABLE_KEY) or None)
        if made.limit is None:
            made = replace(made, limit=limit_of(setting(MAX_ERRORS_KEY), MAX_ERRORS_KEY))
        if made.limit is None:
            most = MOST_QUARANTINED if made.on_error == QUARANTINE else None
            made = replace(made, limit=Limit(number=most))
        if made.on_error == QUARANTINE and made.table is None:
            raise UsageError(
                'on_error="quarantine" has no table to put rows in',
                hint=f"give quarantine=, or set {TABLE_KEY} to the path of a folder",
            )
        return made


def policy_of(on_error: str | None, quarantine: str | None, max_errors: Any) -> Policy | None:
    """What a decorator's arguments say; None where it is left to the session.

    Raises
    ------
    UsageError
        An argument is none that it can be, or has no meaning without another.
    """
    limit = limit_of(max_errors, "max_errors")
    if on_error is None:
        for name, value in (("quarantine", quarantine), ("max_errors", max_errors)):
            if value is not None:
                raise UsageError(
                    f"{name}= has no meaning without on_error=",
                    hint='write on_error="quarantine" or on_error="null"',
                )
        return None
    _known(on_error, "on_error")
    if quarantine is not None and on_error != QUARANTINE:
        raise UsageError(
            f"quarantine= has no meaning with on_error={on_error!r}",
            hint='write on_error="quarantine", or leave quarantine= out',
        )
    return Policy(on_error, None if quarantine is None else str(quarantine), limit)


def chosen(function: Any, setting: Callable[[str], str | None]) -> tuple[Policy | None, bool]:
    """What `ON_ERROR_KEY` says of a function, such as ``parse=quarantine,*=null``.

    Returns
    -------
    Policy or None
        None where the function raises as ever.
    bool
        Whether the function is named there, and not just meant by ``*``.

    Raises
    ------
    UsageError
        The setting is no such list.
    """
    choices = choices_of(setting(ON_ERROR_KEY) or "")
    name = str(getattr(function, "__name__", type(function).__name__))
    for known in (f"{getattr(function, '__module__', '')}.{name}", name, "*"):
        if known in choices:
            choice = choices[known]
            return (None if choice == RAISE else Policy(choice)), known != "*"
    return None, False


def choices_of(text: str) -> dict[str, str]:
    """What the value of `ON_ERROR_KEY` says, by the functions' names.

    Raises
    ------
    UsageError
        It is no such list.
    """
    choices: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, equals, choice = (part.strip() for part in item.rpartition("="))
        choices[name if equals else "*"] = _known(choice, ON_ERROR_KEY)
    return choices


def _known(choice: str, name: str) -> str:
    if choice not in CHOICES:
        raise UsageError(
            f"{name}={choice!r} is none of {', '.join(map(repr, CHOICES))}",
            hint=f"such as {ON_ERROR_KEY}=parse=quarantine,score=null" if "." in name else None,
        )
    return choice
