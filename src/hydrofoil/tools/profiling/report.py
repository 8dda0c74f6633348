"""The profile in figures: the rows of its tables, which the terminal and the page both show."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from hydrofoil.tools.profiling.attribution import (
    EXCHANGE,
    OWNERS,
    START_UP,
    USER,
    EngineProfile,
    Query,
)
from hydrofoil.tools.profiling.functions import by_function, named, shown
from hydrofoil.tools.profiling.sampler import CPROFILE, PY_SPY
from hydrofoil.tools.sheet import Sheet, show_sheet

_HOW = {
    PY_SPY: "stacks by py-spy, native frames included",
    CPROFILE: "stacks by cProfile, which counts calls: rough for short functions, waiting counts",
    "none": "no stacks: what tasks used on data can't be divided",
}
_MEANINGS = {
    START_UP: "forking, imports, reading the task and its functions",
    EXCHANGE: "reading, converting and writing data; collecting garbage",
    USER: "the functions, with all that they call",
}


@dataclass(frozen=True)
class Report:
    """Profiles of all engines, and the CPU seconds of their workers in runs without stacks."""

    subject: str
    profiles: Sequence[EngineProfile]
    unprofiled: dict[str, float] = field(default_factory=dict)

    def headline(self) -> str:
        """One line that sums up: of workers, and with their daemons, where Hydrofoil imports."""
        used = [
            f"{p.total:.2f} s of CPU time under {p.engine} ({p.seconds(EXCHANGE):.2f} s exchange)"
            for p in self.profiles
        ]
        line = f"The Python workers used {', and '.join(used)}"
        first, last = self.profiles[0], self.profiles[-1]
        if not first.total > last.total > 0:
            return f"{line}."
        with_daemons = (first.total + first.daemon) / (last.total + last.daemon)
        return (
            f"{line}: {first.engine} used {first.total / last.total:.1f} times as much, "
            f"{with_daemons:.1f} times with the daemons that start them."
        )

    def how(self) -> list[str]:
        """In words, how the stacks were taken, and what that cost."""
        lines = []
        for profile in self.profiles:
            ways = ", ".join(_HOW[name] for name in profile.samplers)
            because = "".join(f"; not by py-spy: {reason}" for reason in profile.reasons)
            lines.append(
                f"{profile.engine}: {profile.attributed_share:.1%} of the workers' CPU time has an "
                f"owner; {ways}{because}; inside the workers the profiler used "
                f"{profile.profiler:.2f} s more{self._cost(profile)}."
            )
        return lines

    def _cost(self, profile: EngineProfile) -> str:
        bare = self.unprofiled.get(profile.engine)
        if not bare:
            return ""
        ratio = (profile.total + profile.profiler) / bare
        return (
            f"; with it the workers used {ratio:.2f} times the {bare:.2f} s of a run without stacks"
        )

    def split(self) -> Sheet:
        """Who used the CPU time, and the wall time of tasks."""
        columns = [
            "",
            *(head for p in self.profiles for head in (f"{p.engine}, s", f"{p.engine}, %")),
        ]
        rows: list[list[str]] = []
        for owner in OWNERS:
            rows.append([f"{owner}: {_MEANINGS[owner]}"])
            for profile in self.profiles:
                rows[-1] += _with_share(profile.seconds(owner), profile.total)
        rows.append(["not attributed"])
        rows.append(["CPU time of the workers, from fork to end"])
        rows.append(["CPU time of the daemon, which starts them"])
        rows.append(["wall time of all tasks, added up"])
        rows.append(["- of the wall time: waiting for the JVM"])
        rows.append(["- of the wall time: waiting for a core, sleeping, other input"])
        for profile in self.profiles:
            rows[-6] += _with_share(profile.not_attributed, profile.total)
            rows[-5] += [f"{profile.total:.2f}", ""]
            rows[-4] += [f"{profile.daemon:.2f}", ""]
            rows[-3] += [f"{profile.wall:.2f}", ""]
            rows[-2] += _with_share(profile.waiting, profile.wall)
            rows[-1] += _with_share(profile.idle, profile.wall)
        counts = "; ".join(
            f"{p.engine}: {p.workers} workers, {p.tasks} tasks with Python functions"
            + (f", {p.failed} failed" if p.failed else "")
            for p in self.profiles
        )
        return Sheet(f"Where the workers' time goes ({counts})", columns, rows, strong=(4,))

    def queries(self) -> Sheet:
        """By eval type and functions: who used the CPU time of its tasks."""
        columns = ["functions", "eval type", "engine", "runs", *OWNERS, "± user", "seen, %"]
        rows = []
        for mark in self._marks():
            for profile in self.profiles:
                query = _query(profile, mark)
                if query is not None:
                    rows.append(_query_row(profile, query))
        return Sheet(
            "By eval type and functions, CPU seconds",
            columns,
            rows,
            left=("eval type", "engine"),
            note="±: half of the 95 % interval that follows from the number of stacks. seen: the "
            "share of the data phases' CPU time that was under a stack; the rest is divided in the "
            "same proportion. start-up counts where it happened: in a worker's first "
            "task, or in the first that imports a module.",
        )

    def udfs(self) -> Sheet:
        """By UDF: the CPU seconds of its code alone."""
        found: dict[tuple[str, str], dict[str, float]] = {}
        for profile in self.profiles:
            for query in profile.queries:
                for name in dict.fromkeys([*query.udfs, *query.udf_shares]):
                    seconds = query.udf_shares.get(name, 0.0) * query.cpu
                    times = found.setdefault((name, query.eval_type), {})
                    times[profile.engine] = times.get(profile.engine, 0.0) + seconds
        engines = [profile.engine for profile in self.profiles]
        rows = [
            [name, plain(eval_type), *(f"{times.get(engine, 0.0):.3f}" for engine in engines)]
            for (name, eval_type), times in found.items()
        ]
        columns = ["UDF", "eval type", *(f"{engine}, s" for engine in engines)]
        return Sheet("User code by UDF, CPU seconds", columns, rows, left=("eval type",))

    def functions(self, most: int) -> Sheet:
        """The functions with the most CPU time of their own."""
        engines = [profile.engine for profile in self.profiles]
        columns = ["function", "where", "whose", *(f"{engine}, s" for engine in engines)]
        columns += [f"{engine} with callees" for engine in engines]
        rows = [
            [
                name,
                place,
                owner,
                *(_seconds(time.own.get(engine)) for engine in engines),
                *(_seconds(time.total.get(engine)) for engine in engines),
            ]
            for (name, place, owner), time in by_function(self.profiles)[:most]
        ]
        return Sheet(
            "By function, CPU seconds: its own, and with all that it calls",
            columns,
            rows,
            left=("where", "whose"),
            note="Compiled code without a name of its own counts for the function that called it; "
            "an import counts whole.",
        )

    def as_json(self) -> dict[str, Any]:
        """The report as JSON has it; seconds of CPU time unless they are named otherwise."""
        return {
            "subject": self.subject,
            "engines": {profile.engine: self._engine(profile) for profile in self.profiles},
        }

    def _engine(self, profile: EngineProfile) -> dict[str, Any]:
        return {
            "workers": profile.workers,
            "tasks": profile.tasks,
            "failed_tasks": profile.failed,
            "cpu_s": profile.total,
            "cpu_by_owner_s": {owner: profile.seconds(owner) for owner in OWNERS},
            "not_attributed_s": profile.not_attributed,
            "attributed_share": profile.attributed_share,
            "daemon_cpu_s": profile.daemon,
            "profiler_cpu_s": profile.profiler,
            "cpu_without_stacks_s": self.unprofiled.get(profile.engine),
            "task_wall_s": profile.wall,
            "waiting_for_jvm_s": profile.waiting,
            "sampler": dict(profile.samplers),
            "why_not_py_spy": dict(profile.reasons),
            "queries": [
                {
                    "eval_type": query.eval_type,
                    "udfs": query.udfs,
                    "tasks": query.tasks,
                    "cpu_by_owner_s": {owner: query.seconds(owner) for owner in OWNERS},
                    "not_attributed_s": query.unknown,
                    "user_code_error_s": query.error,
                    "udf_cpu_s": {k: v * query.cpu for k, v in query.udf_shares.items()},
                    "task_wall_s": query.wall,
                    "waiting_for_jvm_s": query.waiting,
                }
                for query in profile.queries
            ],
            "functions": [
                {
                    "function": name,
                    "where": place,
                    "owner": owner,
                    "own_s": time.own.get(profile.engine, 0.0),
                    "total_s": time.total[profile.engine],
                }
                for (name, place, owner), time in by_function([profile])
            ],
            "stacks": [
                {"frames": [" ".join(named(frame)) for frame in shown(stack)], "s": seconds}
                for stack, seconds in profile.stacks.items()
            ],
        }

    def _marks(self) -> list[str]:
        return list(dict.fromkeys(q.mark for profile in self.profiles for q in profile.queries))


def show(report: Report, console: Console, most: int) -> None:
    """Print the tables."""
    console.print(report.headline(), style="bold", markup=False)
    for line in report.how():
        # It may have a message of another program's, with brackets.
        console.print(line, markup=False)
    for sheet in (report.split(), report.queries(), report.udfs(), report.functions(most)):
        console.print()
        show_sheet(sheet, console)


def plain(eval_type: str) -> str:
    """The name of an eval type without what all of them have in common."""
    return eval_type.removeprefix("SQL_").removesuffix("_UDF").replace("_", " ").lower()


def _query(profile: EngineProfile, mark: str) -> Query | None:
    return next((query for query in profile.queries if query.mark == mark), None)


def _query_row(profile: EngineProfile, query: Query) -> list[str]:
    seen = f"{query.seen / query.cpu * 100:.0f}" if query.cpu else ""
    return [
        ", ".join(query.udfs),
        plain(query.eval_type),
        profile.engine,
        str(query.tasks),
        *(f"{query.seconds(owner):.3f}" for owner in OWNERS),
        f"{query.error:.3f}",
        seen,
    ]


def _with_share(seconds: float, whole: float) -> list[str]:
    return [f"{seconds:.2f}", f"{seconds / whole:.1%}" if whole else ""]


def _seconds(value: float | None) -> str:
    return "" if not value else f"{value:.3f}"
