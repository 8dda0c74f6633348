"""The profile as one self-contained HTML page."""

from pathlib import Path

from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.page import Bars, Page
from hydrofoil.tools.page.palette import COSTS
from hydrofoil.tools.profiling.attribution import EXCHANGE, OWNERS, START_UP, USER
from hydrofoil.tools.profiling.flame import boxes
from hydrofoil.tools.profiling.report import Report

_LEGEND = (
    "The root is on top; a box is as wide as its share of the CPU time. Click a box to zoom in; "
    "Back and Show all zoom out. With the keyboard: arrows move, Enter zooms in, Escape goes back. "
    "The search also finds names of files."
)


def write(report: Report, command: str, most: int, path: Path) -> None:
    """Write the page.

    Raises
    ------
    UsageError
        matplotlib, which draws its chart, is not installed.
    """
    page = Page(f"Profile of {report.subject}", _lede(report))
    page.pre(command)
    page.text("\n\n".join(report.how()))
    page.chart(_chart(report))
    page.sheet(report.split())
    page.section("Functions and eval types")
    page.sheet(report.queries())
    page.sheet(report.udfs())
    page.section("Flame graphs")
    colors: dict[str, str] = {owner: COSTS[owner] for owner in OWNERS}
    for profile in report.profiles:
        title = f"{profile.engine}, {profile.total:.2f} s of CPU time"
        page.flame(boxes(profile), colors, title, _LEGEND)
    page.section("By function")
    page.sheet(report.functions(most))
    machine = describe_machine()
    page.details("Machine and versions", "\n".join(f"{k}: {v}" for k, v in machine.items()))
    page.write(path)


def _lede(report: Report) -> str:
    totals = [
        f"{profile.total:.2f} s of CPU time under {profile.engine}" for profile in report.profiles
    ]
    return f"The workers used {' and '.join(totals)}."


def _chart(report: Report) -> Bars:
    series: dict[str, list[float | None]] = {
        owner: [profile.seconds(owner) for profile in report.profiles]
        for owner in (EXCHANGE, START_UP, USER)
    }
    series["not attributed"] = [max(profile.not_attributed, 0.0) for profile in report.profiles]
    return Bars(
        "CPU time of the workers by what it went to",
        [profile.engine for profile in report.profiles],
        series,
        unit="seconds of CPU time",
        stacked=True,
        style="{:.2f} s",
    )
