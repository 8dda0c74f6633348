"""The Spark that a program starts on, and the settings that its user has made for it already.

They come from spark-defaults.conf and from options as spark-submit takes them, be it on a command
line or in ``PYSPARK_SUBMIT_ARGS``. What spark-env.sh does is not known here.
"""

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from hydrofoil.errors import UsageError
from hydrofoil.settings.installing import PYSPARK
from hydrofoil.settings.properties import parse_properties

SUBMIT_ARGUMENTS = "PYSPARK_SUBMIT_ARGS"
JARS_KEY = "spark.jars"
MASTER_KEY = "spark.master"

# The options of spark-submit that have no value.
_FLAGS = frozenset(
    {
        *("--help", "-h", "--load-spark-defaults", "--supervise", "--usage-error", "--version"),
        *("--verbose", "-v"),
    }
)


def spark_home() -> Path:
    """Return SPARK_HOME, or the folder of the installed pyspark where that is not set.

    Raises
    ------
    UsageError
        There is neither.
    """
    if os.environ.get("SPARK_HOME"):
        return Path(os.environ["SPARK_HOME"])
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise UsageError(
            "no Spark found: SPARK_HOME is not set and pyspark is not installed for "
            f"{sys.executable}",
            hint=f"set SPARK_HOME, or {PYSPARK}",
        )
    return Path(spec.origin).parent


def spark_version() -> str | None:
    """Return the version of the Spark in `spark_home`, by its jars; None if there are none."""
    try:
        jars = spark_home().glob("jars/spark-core_*.jar")
    except UsageError:
        return None
    found = [re.search(r"_[\d.]+-(\d.*)\.jar$", path.name) for path in jars]
    return next((match[1] for match in found if match), None)


def submit_words() -> list[str]:
    """Return the words of ``PYSPARK_SUBMIT_ARGS``; none if they can't be told apart."""
    return _split(os.environ.get(SUBMIT_ARGUMENTS, ""))


def conf_of(words: Sequence[str]) -> dict[str, str]:
    """Return the settings of a program that spark-submit starts with ``words`` behind it."""
    found: dict[str, str] = {}
    for file in files_of(words):
        found |= read_settings(file)
    return found | given_conf(words)


def files_of(words: Sequence[str]) -> list[Path]:
    """Return the files of settings that Spark reads for a program with these options, in order."""
    given = list(_options(words))
    # Spark takes the last of several.
    named = [Path(value) for _, option, value in given if option == "--properties-file"][-1:]
    defaults = defaults_file()
    left_out = named and "--load-spark-defaults" not in {option for _, option, _ in given}
    return named if left_out or defaults is None else [defaults, *named]


def given_conf(words: Sequence[str]) -> dict[str, str]:
    """Return the settings among options; ``--jars`` comes before ``--conf spark.jars``."""
    found: dict[str, str] = {}
    jars = {}
    for _, option, value in _options(words):
        key, setting = _setting(option, value)
        if option == "--jars":
            jars[key] = setting
        elif key:
            found[key] = setting
    return found | jars


def master_of(words: Sequence[str], conf: Mapping[str, str]) -> str | None:
    """Return the master of a program with these options and `conf_of` them; None if none is named.

    As spark-submit chooses it: ``--master`` comes first, and the variable ``MASTER`` last.
    """
    given = [value for _, option, value in _options(words) if option == "--master"]
    return given[-1] if given else conf.get(MASTER_KEY) or os.environ.get("MASTER")


def with_conf(words: Sequence[str], conf: Mapping[str, str]) -> list[str]:
    """Return the same options, with these values for the settings that they already give."""
    made: list[str] = []
    end = 0
    for part, option, value in _options(words):
        key, _ = _setting(option, value)
        if key in conf:
            made += [option, conf[key] if option == "--jars" else f"{key}={conf[key]}"]
        else:
            made += words[part]
        end = part.stop
    return [*made, *words[end:]]


def program_at(words: Sequence[str]) -> int | None:
    """Return where the application is among spark-submit's words; None if none is."""
    place = max((part.stop for part, _, _ in _options(words)), default=0)
    return place if place < len(words) else None


def defaults_file() -> Path | None:
    """Return where spark-defaults.conf would be; None if there is no Spark."""
    folder = os.environ.get("SPARK_CONF_DIR")
    if folder:
        return Path(folder, "spark-defaults.conf")
    try:
        return spark_home() / "conf" / "spark-defaults.conf"
    except (UsageError, ImportError, ValueError):
        return None


def read_settings(file: Path) -> dict[str, str]:
    """Return the settings in a file; none where there is no such file."""
    # As Java does it: `Path.is_file` raises an error for a folder that may not be looked into.
    if not os.path.isfile(file):
        return {}
    return parse_properties(file.read_text(encoding="utf-8", errors="replace"))


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _options(words: Sequence[str]) -> Iterator[tuple[slice, str, str]]:
    """Each option in front of the application: which words it is made of, its name, its value."""
    start = 0
    while start < len(words) and words[start].startswith("-"):
        option, equals, value = words[start].partition("=")
        end = start + 1
        if not equals and option not in _FLAGS and end < len(words):
            value = words[end]
            end += 1
        yield slice(start, end), option, value
        start = end


def _setting(option: str, value: str) -> tuple[str, str]:
    """The setting that an option makes, among those that matter here; no key otherwise."""
    if option == "--jars":
        return JARS_KEY, value
    if option in ("--conf", "-c"):
        key, equals, setting = value.partition("=")
        if equals:
            return key, setting
    return "", ""
