"""All checks, in the order in which they depend on each other."""

from collections.abc import Mapping
from dataclasses import dataclass

from hydrofoil.errors import UsageError
from hydrofoil.process.needs import needs_of
from hydrofoil.settings import sources as spark_settings
from hydrofoil.tools.checkup import (
    costly,
    executors,
    facts,
    installation,
    java,
    on_error,
    pythons,
    sockets,
    turned_on,
    versions,
    watching,
)
from hydrofoil.tools.checkup.facts import Facts
from hydrofoil.tools.checkup.finding import Finding, Level, exit_code
from hydrofoil.tools.tables import html_page, html_table, text_table

CONCLUSIONS = {
    0: "All is well.",
    1: "Everything works, but something costs speed or is a risk.",
    2: "Something is broken.",
}
_HEADINGS = ("", "check", "found", "to do")


@dataclass(frozen=True)
class Examination:
    """Everything that was found; ``str()`` and notebooks show it.

    Attributes
    ----------
    findings : list of Finding
        Each with ``check``, ``level``, ``found`` and ``advice``.
    driver : Facts or None
        None for a Python that could not be probed.
    executors : list of (Facts, int)
        The different worker processes that answered, and how many tasks each kind ran.
    settings : mapping of str to Setting
    """

    findings: list[Finding]
    driver: Facts | None
    executors: list[tuple[Facts, int]]
    settings: spark_settings.Settings

    @property
    def exit_code(self) -> int:
        """That of ``hydrofoil doctor``: 2 if something is broken, 1 if it costs speed, or 0."""
        return exit_code(self.findings)

    @property
    def headline(self) -> str:
        """One line that sums up."""
        return CONCLUSIONS[self.exit_code]

    def __repr__(self) -> str:
        return f"{self.headline}\n\n{text_table(_HEADINGS, self._rows())}"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return html_page(self.headline, [html_table(_HEADINGS, self._rows())], [])

    def _rows(self) -> list[list[str]]:
        return [[f.level.value, f.check, f.found, f.advice] for f in self.findings]


def examine(
    master: str = "local[2]",
    conf: Mapping[str, str] | None = None,
    configured: bool = False,
    run_job: bool = True,
    timeout: float = 180,
) -> Examination:
    """Check this installation, and the executors of a master.

    Parameters
    ----------
    master : str
        Where the small job runs.
    conf : mapping, optional
        Spark settings of the program, beside those of spark-defaults.conf.
    configured : bool
        Whether the program turns Hydrofoil on itself, with `hydrofoil.configure` or ``submit``. So
        it is taken to do where no setting turns Hydrofoil on or off.
    run_job : bool
        Whether to start Spark at all.
    timeout : float
        Seconds for the job.
    """
    try:
        settings = spark_settings.gather(conf or {}, configured)
        note = turned_on.nothing_set(settings)
        if note is not None:
            configured, settings = True, spark_settings.gather(conf or {}, True)
    except UsageError as error:
        # A program fails so, too, before it has a session.
        wrong = Finding("settings", Level.BROKEN, error.message, error.hint or "correct it")
        return Examination([wrong], None, [], {})
    notes = [note] if note is not None else []
    driver = facts.of_this_python()
    if isinstance(driver, str):
        found = [*notes, java.check(needs_of(None).java), installation.check_driver_python(driver)]
        found += [*pythons.check(settings, master), *turned_on.check(settings, master)]
        found += costly.check(settings)
        return Examination([*found, _no_job("Python")], None, [], settings)

    spark = installation.spark_version(driver)
    base = [java.check(needs_of(spark).java), installation.check_spark(driver)]
    found = [*notes, *base, *versions.check_packages(driver, spark, "on the driver")]
    found.append(installation.check_hydrofoil(driver))
    found.append(installation.check_extension(driver, "on the driver"))
    found += [*pythons.check(settings, master), *turned_on.check(settings, master)]
    found += [*sockets.check(settings, spark), *costly.check(settings), *on_error.check(settings)]
    found += watching.check(settings, master)
    if not run_job:
        return Examination(found, driver, [], settings)
    # No job can run without Java and Spark.
    missing = [finding.check for finding in base if finding.level is Level.BROKEN]
    if missing:
        return Examination([*found, _no_job(" and ".join(missing))], driver, [], settings)
    workers = executors.examine(driver, settings, master, spark, configured, timeout)
    return Examination([*found, *workers.findings], driver, workers.processes, settings)


def _no_job(first: str) -> Finding:
    return Finding("executors", Level.NOTE, "not looked at", f"set {first} right first")
