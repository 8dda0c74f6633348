"""What the executors' Python processes have, and how they differ from the driver."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from hydrofoil.process import switch
from hydrofoil.process.needs import minor, release
from hydrofoil.settings.installing import hydrofoil_for
from hydrofoil.settings.sources import Settings
from hydrofoil.settings.turned_on import is_off, is_on
from hydrofoil.spark.versions import VERSIONS
from hydrofoil.tools.checkup import job
from hydrofoil.tools.checkup.facts import Facts
from hydrofoil.tools.checkup.finding import Finding, Level
from hydrofoil.tools.checkup.installation import check_extension
from hydrofoil.tools.checkup.versions import check_packages

PYTHON_ADVICE = (
    "point PYSPARK_PYTHON (or --conf spark.pyspark.python) to an environment that every host has"
)

# Another minor version of these is another program; of the others, only another major one is.
SAME_MINOR = ("pyspark", "hydrofoil")
SAME_MAJOR = ("pyarrow", "pandas", "numpy")

_LONGEST_ERROR = 600


@dataclass
class Executors:
    """The distinct processes that answered, with their numbers of tasks, and what is wrong."""

    processes: list[tuple[Facts, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def examine(
    driver: Facts, settings: Settings, master: str, spark: str | None, configured: bool, wait: float
) -> Executors:
    """Run the job and compare each kind of process that took part with the driver."""
    conf = {key: setting.value for key, setting in settings.items()}
    on_this_python = configured and master.startswith("local")
    return judge(job.run(master, conf, wait, on_this_python), driver, settings, master, spark)


def judge(
    outcome: job.Outcome, driver: Facts, settings: Settings, master: str, spark: str | None
) -> Executors:
    """Compare each kind of process that answered with the driver, and say why others did not."""
    found = Executors()
    if outcome.error is not None:
        found.findings.append(explain(outcome.error, master))
    found.processes = distinct(outcome.processes)
    if found.processes:
        hosts = len({process.host for process, _ in found.processes})
        answered = f"{len(outcome.processes)} task(s) on {hosts} host(s) answered"
        if outcome.error is not None:
            answered += ", with stock's daemon instead"
        found.findings.append(Finding("executors", Level.OK, answered))
        if hosts < outcome.hosts:
            found.findings.append(
                Finding(
                    "executors",
                    Level.NOTE,
                    f"{outcome.hosts} hosts have executors, but only {hosts} got a task",
                    "run the doctor again when the others are idle",
                )
            )
    on = is_on(settings)
    known = spark is None or minor(spark) in VERSIONS
    fast = on and known and outcome.error is None and not is_off(settings, master)
    for process, _ in found.processes:
        found.findings += check(process, driver, spark, on, fast)
    return found


def distinct(processes: list[Facts]) -> list[tuple[Facts, int]]:
    """Merge tasks that found the same; sorted by host."""
    # Dictionaries have no hash, but the representation of equal facts is the same.
    counts = Counter(map(repr, processes))
    different = {repr(process): process for process in processes}
    merged = [(process, counts[key]) for key, process in different.items()]
    return sorted(merged, key=lambda entry: (entry[0].host, entry[0].executable))


def check(
    process: Facts, driver: Facts, spark: str | None, on: bool, fast: bool
) -> Iterator[Finding]:
    """Check one kind of worker; what is well is left out.

    ``on`` says whether Hydrofoil is needed there, ``fast`` whether its worker should have run.
    """
    place = f"on {process.host}"
    found = [*_check_hydrofoil(process, place, on)]
    for finding in check_packages(process, spark, place):
        if finding.level in (Level.WARNING, Level.BROKEN):
            what = f"{place}: {finding.check} {finding.found}"
            found.append(Finding("executors", finding.level, what, finding.advice))
    found += _check_skew(process, driver, place)
    yield from found
    explained = any(finding.level is Level.BROKEN for finding in found)
    if process.worker == "stock" and fast and not explained:
        yield _stock_ran(process, place)


def _stock_ran(process: Facts, place: str) -> Finding:
    found = f"{place}: stock PySpark's worker ran, although Hydrofoil is turned on"
    if process.environment.get(switch.VARIABLE, "").strip().lower() == "off":
        advice = f"remove {switch.VARIABLE}=off from the environment of that host's executors"
        return Finding("executors", Level.WARNING, found, advice)
    return Finding(
        "executors",
        Level.BROKEN,
        found,
        "read the executor's stderr, where Hydrofoil says why it left the task to stock",
    )


def _check_hydrofoil(process: Facts, place: str, on: bool) -> Iterator[Finding]:
    package = process.packages["hydrofoil"]
    level = Level.BROKEN if on else Level.WARNING
    if package.version is None:
        why = "is not installed" if package.missing else f"can't be imported ({package.error})"
        yield Finding(
            "executors",
            level,
            f"{place}: Hydrofoil {why} for {process.executable}",
            f"{hydrofoil_for(process.executable)} {place}, or {PYTHON_ADVICE}",
        )
        return
    extension = check_extension(process, place)
    if extension.level is not Level.OK:
        yield Finding("executors", level, f"{place}: extension {extension.found}", extension.advice)


def _check_skew(process: Facts, driver: Facts, place: str) -> Iterator[Finding]:
    if minor(process.python) != minor(driver.python):
        yield _skew("Python", process.python, driver.python, place, Level.BROKEN, PYTHON_ADVICE)
    for name in (*SAME_MINOR, *SAME_MAJOR):
        there, here = process.packages[name].version, driver.packages[name].version
        if there is None or here is None or there == here:
            continue
        parts = 2 if name in SAME_MINOR else 1
        install = f"{process.executable} -m pip install {name}=={here}"
        if name == "hydrofoil":
            install = hydrofoil_for(process.executable, here)
        differs = release(there)[:parts] != release(here)[:parts]
        yield _skew(
            name,
            there,
            here,
            place,
            Level.BROKEN if differs else Level.WARNING,
            f"{install} {place}, or {PYTHON_ADVICE}",
        )


def _skew(name: str, there: str, here: str, place: str, level: Level, advice: str) -> Finding:
    found = f"{place}: version skew: {name} is {there} there and {here} on the driver"
    return Finding("executors", level, found, advice)


def lacks_hydrofoil(error: str) -> bool:
    """Whether a job failed since its workers' Python has no Hydrofoil."""
    return re.search(r"No module named '?hydrofoil\b", error) is not None


def explain(error: str, master: str) -> Finding:
    """Say in the user's terms why the job failed."""
    if lacks_hydrofoil(error):
        return Finding(
            "executors",
            Level.BROKEN,
            "the executors' Python has no Hydrofoil, so its daemon can't start and every Python "
            "query fails",
            f"install Hydrofoil on every host for the Python of the executors, or {PYTHON_ADVICE}",
        )
    if "PYTHON_VERSION_MISMATCH" in error:
        versions = re.search(r"version: ([\d.]+) than that in driver: ([\d.]+)", error)
        both = f": {versions[1]} there and {versions[2]} on the driver" if versions else ""
        return Finding(
            "executors",
            Level.BROKEN,
            f"version skew: workers and driver run different Pythons{both}",
            PYTHON_ADVICE,
        )
    no_program = re.search(r'Cannot run program "([^"]+)"', error)
    if no_program:
        return Finding(
            "executors",
            Level.BROKEN,
            f"the executors' Python, {no_program[1]}, can't be started",
            PYTHON_ADVICE,
        )
    if error.startswith("no answer"):
        return Finding(
            "executors",
            Level.BROKEN,
            shortened(error),
            f"see whether {master} has free slots for an application, and its hosts can reach this "
            "one; or give more time with --timeout",
        )
    return Finding(
        "executors",
        Level.BROKEN,
        f"the job failed: {shortened(error)}",
        "this is Spark's own message; set right what it names, then run the doctor again",
    )


def shortened(error: str) -> str:
    """The beginning of a long message."""
    return error if len(error) <= _LONGEST_ERROR else error[:_LONGEST_ERROR] + " ..."
