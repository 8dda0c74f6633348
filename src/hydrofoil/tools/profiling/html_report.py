"""The profile as one self-contained HTML page."""

from pathlib import Path

from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.page import Bars, Page
from hydrofoil.tools.profiling.attribution import EXCHANGE, START_UP, USER
from hydrofoil.tools.profiling.flame import flame_graph
from hydrofoil.tools.profiling.report import Report, Sheet

_LEGEND = (
    "Root on top; a box is as wide as its share of the CPU time. Orange is user code, blue the "
    "exchange, green start-up. Point at a box for its name and seconds."
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
    _place(page, report.split())
    page.section("Functions and eval types")
    _place(page, report.queries())
    _place(page, report.udfs())
    page.section("Flame graphs")
    for profile in report.profiles:
        page.raw_svg(
            flame_graph(profile), f"{profile.engine}, {profile.total:.2f} s of CPU time", _LEGEND
        )
    page.section("By function")
    _place(page, report.functions(most))
    machine = describe_machine()
    page.details("Machine and versions", "\n".join(f"{k}: {v}" for k, v in machine.items()))
    page.write(path)


def _lede(report: Report) -> str:
    totals = [
        f"{profile.total:.2f} s of CPU time under {profile.engine}" for profile in report.profiles
    ]
    return f"The workers used {' and '.join(totals)}."


def _chart(report: Report) -> Bars:
    # In this order they get the colours of the flame graphs.
    series: dict[str, list[float | None]] = {
        "not attributed": [max(profile.not_attributed, 0.0) for profile in report.profiles]
    }
    for owner in (USER, EXCHANGE, START_UP):
        series[owner] = [profile.seconds(owner) for profile in report.profiles]
    return Bars(
        "CPU time of the workers by what it went to",
        [profile.engine for profile in report.profiles],
        series,
        unit="seconds of CPU time",
        stacked=True,
        style="{:.2f} s",
        strong=(EXCHANGE,),
    )


def _place(page: Page, sheet: Sheet) -> None:
    page.table(
        sheet.title,
        sheet.columns,
        sheet.rows,
        note=sheet.note,
        left=sheet.left,
        strong=sheet.strong,
    )
