"""Whether workers are watched as settings ask for it, and whether errors say why one has died."""

from collections.abc import Callable, Iterator

from hydrofoil.deaths import limits
from hydrofoil.holders import limits as models
from hydrofoil.settings.for_workers import executor_key
from hydrofoil.settings.launch import WHY_DIED
from hydrofoil.settings.plugin import PLUGIN, PLUGINS_KEY
from hydrofoil.settings.sources import Settings
from hydrofoil.settings.turned_on import is_on, variable
from hydrofoil.tools.checkup.finding import Finding, Level

_LIMITS: dict[str, tuple[str, Callable[[str], float]]] = {
    limits.SLOW_ROW_KEY: (limits.SLOW_ROW, limits.seconds),
    limits.MEMORY_KEY: (limits.MEMORY, limits.byte_count),
    models.MEMORY_KEY: (models.MEMORY, limits.byte_count),
    models.LINGER_KEY: (models.LINGER, limits.seconds),
}


def check(settings: Settings, master: str) -> Iterator[Finding]:
    """Look at what is set; nothing is found where nothing is."""
    for key, (name, read) in _LIMITS.items():
        yield from _check_limit(settings, master, key, name, read)
    for key in WHY_DIED:
        if is_on(settings) and key in settings and settings[key].value.lower() == "false":
            yield Finding(
                "why workers die",
                Level.NOTE,
                f"{key}=false ({settings[key].source}): errors don't say why a worker has died",
            )


def _check_limit(
    settings: Settings, master: str, key: str, name: str, read: Callable[[str], float]
) -> Iterator[Finding]:
    given = variable(settings, master, name)
    setting = settings.get(key)
    if given is None and setting is None:
        return
    value, source = given or (setting.value, setting.source)  # type: ignore[union-attr]
    named = key if given is None else name
    try:
        read(value)
    except ValueError as error:
        yield Finding(key, Level.WARNING, f"{named} ({source}) is left out: {error}", "correct it")
        return
    plugins = settings[PLUGINS_KEY].value if PLUGINS_KEY in settings else ""
    if given is None and (PLUGIN not in plugins or master.startswith("local")):
        yield Finding(
            key,
            Level.WARNING,
            f"{key} is {value} ({source}), and nothing passes it on to the executors",
            f"set {executor_key(name)}={value}, or start the session with hydrofoil.session(), "
            "configure() or submit; for a program that does the latter, check with hydrofoil "
            "doctor --configured",
        )
        return
    yield Finding(key, Level.OK, f"{named}={value} ({source})")
