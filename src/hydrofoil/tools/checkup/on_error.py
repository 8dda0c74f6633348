"""What becomes of rows for which functions raise: whether the settings can be followed."""

from collections.abc import Iterator

from hydrofoil.errors import UsageError
from hydrofoil.reports.logs import LOGS_KEY, level_of, wanted
from hydrofoil.reports.policy import (
    MAX_ERRORS_KEY,
    ON_ERROR_KEY,
    QUARANTINE,
    TABLE_KEY,
    choices_of,
    limit_of,
)
from hydrofoil.settings.sources import Settings
from hydrofoil.tools.checkup.finding import Finding, Level

_NAME = "errors of functions"


def check(settings: Settings) -> Iterator[Finding]:
    """Look at the settings of what becomes of errors; without any nothing is said."""
    for key, read in (
        (ON_ERROR_KEY, choices_of),
        (MAX_ERRORS_KEY, lambda text: limit_of(text, MAX_ERRORS_KEY)),
        (LOGS_KEY, lambda text: level_of(wanted(text) or "INFO", LOGS_KEY)),
    ):
        setting = settings.get(key)
        if setting is None:
            continue
        try:
            read(setting.value)
        except UsageError as error:
            yield Finding(
                _NAME,
                Level.BROKEN,
                f"{error.message} ({setting.source}): tasks with Python functions fail",
                error.hint or f"correct {key}, or remove it",
            )
            return
    asked = settings.get(ON_ERROR_KEY)
    if asked is None or not asked.value.strip():
        return
    if QUARANTINE in choices_of(asked.value).values() and TABLE_KEY not in settings:
        yield Finding(
            _NAME,
            Level.BROKEN,
            f"{ON_ERROR_KEY} ({asked.source}) asks for quarantine, and {TABLE_KEY} is not set",
            f"set {TABLE_KEY} to the path of a folder",
        )
        return
    yield Finding(_NAME, Level.OK, f"{ON_ERROR_KEY}={asked.value} ({asked.source})")
