"""Is Hydrofoil turned on, and nothing turning it off again?"""

from collections.abc import Callable, Iterator

from hydrofoil.counts import task_trace
from hydrofoil.process import inner, switch
from hydrofoil.settings import jvm_operators, rows
from hydrofoil.settings.for_workers import INNER_KEY
from hydrofoil.settings.launch import (
    DAEMON_KEY,
    INNER_VARIABLE_KEY,
    SETTINGS,
    STOCK,
)
from hydrofoil.settings.plugin import PLUGIN, PLUGINS_KEY
from hydrofoil.settings.sources import Settings
from hydrofoil.settings.turned_on import (
    ENVIRONMENT_KEY,
    deciding_key,
    is_off,
    is_on,
    variable,
)
from hydrofoil.settings.user_conf import JARS_KEY, spark_version
from hydrofoil.tools.checkup.finding import Finding, Level


def check(settings: Settings, master: str) -> Iterator[Finding]:
    """Check the settings that name the daemon and the variables that workers would have."""
    yield _check_daemon(settings)
    yield from _check_inner(settings, master)
    yield _check_columnar(settings)
    yield from _check_rows(settings, master)
    off = "workers run stock PySpark" if is_off(settings, master) else ""
    yield _check_variable(settings, master, switch.VARIABLE, "not turned off", lambda _: off)
    yield _check_variable(
        settings,
        master,
        task_trace.VARIABLE,
        "not left on",
        lambda value: "" if value in ("", "0") else "every task writes a report",
    )


def nothing_set(settings: Settings) -> Finding | None:
    """Say who turns Hydrofoil on where no setting does; None where one does, or names stock's."""
    key = deciding_key(settings)
    if key in settings:
        return None
    return Finding(
        "turned on",
        Level.NOTE,
        f"{key} is not set: Hydrofoil is on only in programs that hydrofoil submit, "
        "hydrofoil.session() or hydrofoil.configure(builder) starts, which is what was checked; "
        "stock PySpark runs in all others",
        f"for all programs, {_into_defaults(key)}",
    )


def _check_daemon(settings: Settings) -> Finding:
    key = deciding_key(settings)
    if is_on(settings):
        return Finding("daemon", Level.OK, f"{key}={SETTINGS[key]} ({settings[key].source})")
    if key in settings and settings[key].value != STOCK[key]:
        found = f"{key} is {settings[key].value} ({settings[key].source}), not Hydrofoil's"
        if key == DAEMON_KEY:
            return Finding("daemon", Level.WARNING, found, _wrapping(settings[key].value))
    elif key in settings:
        found = f"{key} is {settings[key].value} ({settings[key].source}): stock PySpark runs"
    else:
        found = f"{key} is not set: stock PySpark runs"
    return Finding(
        "daemon",
        Level.WARNING,
        found,
        f"{_into_defaults(key)}, or start the program with hydrofoil submit, or its session with "
        "hydrofoil.session() or "
        "hydrofoil.configure(builder); for a program that does the latter, check with "
        "hydrofoil doctor --configured",
    )


def _into_defaults(key: str) -> str:
    if key == DAEMON_KEY:
        return "put what hydrofoil defaults prints into spark-defaults.conf"
    return f"put '{key} {SETTINGS[key]}' into spark-defaults.conf"


def _wrapping(module: str) -> str:
    return (
        f"set {DAEMON_KEY}={SETTINGS[DAEMON_KEY]} and {INNER_KEY}={module}: Hydrofoil's daemon "
        f"then wraps it; without hydrofoil.session(), configure() or submit, set "
        f"{INNER_VARIABLE_KEY}={module}"
    )


def _check_inner(settings: Settings, master: str) -> Iterator[Finding]:
    """Look whether the daemon to be wrapped reaches the executors, if there is one."""
    setting = settings.get(INNER_KEY)
    given = variable(settings, master, inner.VARIABLE)
    plugins = settings[PLUGINS_KEY].value if PLUGINS_KEY in settings else ""
    if given is not None:
        yield Finding("inner daemon", Level.OK, f"{inner.VARIABLE}={given[0]} ({given[1]})")
    elif setting is not None and PLUGIN in plugins and not master.startswith("local"):
        yield Finding("inner daemon", Level.OK, f"{INNER_KEY}={setting.value} ({setting.source})")
    elif setting is not None:
        yield Finding(
            "inner daemon",
            Level.WARNING,
            f"{INNER_KEY} is {setting.value} ({setting.source}), and nothing passes it on to the "
            "executors",
            f"set {INNER_VARIABLE_KEY}={setting.value}, or start the session with "
            "hydrofoil.session(), configure() or submit; for a program that does the latter, check "
            "with hydrofoil doctor --configured",
        )


def _check_rows(settings: Settings, master: str) -> Iterator[Finding]:
    """Look whether workers can follow how rows are exchanged, if somebody says it."""
    given = variable(settings, master, rows.VARIABLE)
    if given is None or given[0] in ("", *rows.CHOICES):
        return
    yield Finding(
        rows.VARIABLE,
        Level.BROKEN,
        f"{rows.VARIABLE}={given[0]} ({given[1]}): tasks of plain functions on Arrow fail",
        f"set it to one of {', '.join(rows.CHOICES)}, or leave it out",
    )


def _check_columnar(settings: Settings) -> Finding:
    """Look for the JVM's half; without it queries are as they were, so that is only a note."""
    values = {key: setting.value for key, setting in settings.items()}
    key = jvm_operators.EXTENSIONS_KEY
    if jvm_operators.EXTENSION not in values.get(key, ""):
        reason = jvm_operators.why_not(spark_version())
        advice = "hydrofoil defaults prints the lines of spark-defaults.conf that turn them on"
        found = f"the JVM's columnar operators are off: {reason or f'{key} does not name them'}"
        return Finding("columnar", Level.NOTE, found, "" if reason else advice)
    source = settings[key].source
    if left_out := jvm_operators.left_out_by(spark_version()):
        found = f"{key} names them ({source}), but the JVM's columnar operators are off: {left_out}"
        return Finding("columnar", Level.NOTE, found)
    if not jvm_operators.is_on(values):
        disabled = settings[jvm_operators.ENABLED_KEY]
        found = f"off by {jvm_operators.ENABLED_KEY}={disabled.value} ({disabled.source})"
        return Finding("columnar", Level.NOTE, found)
    if not jvm_operators.is_given(values):
        return Finding(
            "columnar",
            Level.WARNING,
            f"{key} names {jvm_operators.EXTENSION} ({source}), and no jar has it: Spark leaves it "
            "out",
            f"add the jar that hydrofoil defaults names to {JARS_KEY}",
        )
    return Finding("columnar", Level.OK, f"{key}={values[key]} ({source})")


def _check_variable(
    settings: Settings, master: str, name: str, fine: str, harm: Callable[[str], str]
) -> Finding:
    """Look whether workers would have a variable, and whether its value does harm."""
    given = variable(settings, master, name)
    harms = harm(given[0]) if given is not None else ""
    if given is None or not harms:
        return Finding(name, Level.OK, fine)
    found = f"{name}={given[0]} ({given[1]}): {harms}"
    return Finding(name, Level.WARNING, found, _removal(name, given[1]))


def _removal(variable: str, source: str) -> str:
    if source == "environment":
        return f"unset {variable} where the program is started"
    return f"remove {ENVIRONMENT_KEY}{variable} from {source}"
