"""Accounts and stacks in; out, for one engine, who used how much of the workers' CPU time.

Whole amounts are the process's own clock's: from the fork to the first task, each task's set-up,
its data phase, its end, and what comes between tasks. Only a data phase is divided by stacks, in
the proportion that the stacks of the same UDFs have. What has no stacks is not attributed, nor is
what a process used after its last entry.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.tools.profiling import account, sampler, stacks
from hydrofoil.tools.profiling.stacks import Codes, Owner, Stack
from hydrofoil.tools.profiling.worker import MARK

START_UP: Owner = "start-up"
EXCHANGE: Owner = "exchange"
USER: Owner = "user code"
OWNERS: tuple[Owner, ...] = (START_UP, EXCHANGE, USER)

# Stacks of the profiler's own, outside of any task.
_OWN = (sampler.__file__, "_start_py_spy", "busy")


@dataclass
class Query:
    """All tasks with the same eval type and functions. Seconds of CPU time.

    Attributes
    ----------
    mark : str
        What stands at the root of its stacks.
    udfs : list of str
    cpu : float
        Of the data phases, by the clock.
    seen : float
        Of these, how much was seen under a stack; the rest is taken to be like it.
    shares : dict of owner to float
        The stacks' shares of what was seen; empty if nothing was.
    udf_shares : dict of str to float
        The share of each function.
    rounds : float
        About how many stacks the shares rest on.
    """

    mark: str
    eval_type: str
    udfs: list[str]
    tasks: int = 0
    setup: float = 0.0
    finish: float = 0.0
    cpu: float = 0.0
    wall: float = 0.0
    waiting: float = 0.0
    seen: float = 0.0
    shares: dict[Owner, float] = field(default_factory=dict)
    udf_shares: dict[str, float] = field(default_factory=dict)
    rounds: float = 0.0

    def seconds(self, owner: Owner) -> float:
        """What the owner used, outside of data phases too."""
        used = self.shares.get(owner, 0.0) * self.cpu
        return used + {START_UP: self.setup, EXCHANGE: self.finish}.get(owner, 0.0)

    @property
    def unknown(self) -> float:
        return 0.0 if self.shares else self.cpu

    @property
    def error(self) -> float:
        """Half of the 95 % interval of the seconds of user code, from the number of stacks."""
        if not self.rounds:
            return 0.0
        share = self.shares.get(USER, 0.0)
        return 1.96 * math.sqrt(max(share * (1 - share), 0.0) / max(self.rounds, 1.0)) * self.cpu


@dataclass
class EngineProfile:
    """One engine's run. Seconds; of CPU time unless they are of wall time.

    Attributes
    ----------
    total : float
        CPU time of all workers from the fork to their end, without the profiler's.
    profiler : float
        What the profiler used inside of them.
    daemon : float
        CPU time of the daemon, which under Hydrofoil imports for its workers.
    forking : float
        From the fork to the first task.
    between : float
        Between tasks: collecting garbage.
    queries : list of Query
    stacks : dict of Stack to float
        All stacks, scaled to the clock's amounts; from the mark on for those of data phases.
    codes : dict
        See `hydrofoil.tools.profiling.stacks.Codes`.
    samplers, reasons : Counter of str
        How stacks were taken, by number of workers, and why not by py-spy.
    """

    engine: str
    workers: int = 0
    failed: int = 0
    total: float = 0.0
    profiler: float = 0.0
    daemon: float = 0.0
    forking: float = 0.0
    between: float = 0.0
    queries: list[Query] = field(default_factory=list)
    stacks: dict[Stack, float] = field(default_factory=dict)
    codes: Codes = field(default_factory=dict)
    samplers: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def tasks(self) -> int:
        return sum(query.tasks for query in self.queries)

    def seconds(self, owner: Owner) -> float:
        """What the owner used, over all workers."""
        outside = {START_UP: self.forking, EXCHANGE: self.between}.get(owner, 0.0)
        return outside + sum(query.seconds(owner) for query in self.queries)

    @property
    def not_attributed(self) -> float:
        return self.total - sum(self.seconds(owner) for owner in OWNERS)

    @property
    def attributed_share(self) -> float:
        """How much of the workers' CPU time has an owner, 0 to 1."""
        return 1 - self.not_attributed / self.total if self.total else 0.0

    @property
    def wall(self) -> float:
        """Wall time of all tasks, one after the other."""
        return sum(query.wall for query in self.queries)

    @property
    def waiting(self) -> float:
        """Of it, waiting for the JVM to send or to take."""
        return sum(query.waiting for query in self.queries)

    @property
    def idle(self) -> float:
        """Of it, neither waiting for the JVM nor using the CPU."""
        used = sum(query.setup + query.cpu + query.finish for query in self.queries)
        return max(self.wall - self.waiting - used, 0.0)

    def owner(self, stack: Stack) -> Owner:
        return stacks.owner(stack, self.codes)


@dataclass
class _Worker:
    """One process's records and stacks."""

    stem: Path
    records: list[dict[str, Any]]

    @property
    def started(self) -> dict[str, Any]:
        return next(record for record in self.records if record["kind"] == "worker")

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["kind"] == kind]


def attribute(folder: Path, engine: str, counted: Path | None = None) -> EngineProfile:
    """Put the files of a run together.

    Parameters
    ----------
    folder : Path
        Of the run whose CPU time is divided.
    engine : str
        Its name.
    counted : Path, optional
        Of another run of the same program, whose stacks are taken: cProfile changes how much CPU
        time a run needs. By default the stacks of ``folder``.

    Raises
    ------
    UsageError
        No worker left any.
    """
    workers = _workers(folder)
    sampled = workers if counted is None else _workers(counted)
    if not workers or not sampled:
        raise UsageError(
            f"no Python worker was profiled under {engine}: the program used no Python function, "
            "or its executors don't run Hydrofoil's daemon",
            hint="Hydrofoil has to be installed for the executors' Python, and a program must not "
            "set spark.python.daemon.module itself",
        )
    result = EngineProfile(engine, workers=len(workers))
    result.codes = _codes(sampled)
    result.daemon = sum(
        record["cpu"] for path in _logs(folder, "daemon") for record in account.read(path)
    )
    queries: dict[str, Query] = {}
    for worker in workers:
        _add_account(result, queries, worker)
    result.queries = sorted(queries.values(), key=lambda query: -query.cpu)
    seen: dict[str | None, dict[Stack, float]] = defaultdict(lambda: defaultdict(float))
    for worker in sampled:
        started = worker.started
        result.samplers[started["sampler"]] += 1
        if started["why"]:
            result.reasons[started["why"]] += 1
        for stack, seconds in stacks.read(worker.stem, started["sync"]).items():
            if not _is_own(stack):
                seen[_query_of(stack, queries, result.codes)][stack] += seconds
    # Stacks a second of CPU time; what counts calls takes none.
    rate = max(
        (w.started["rate"] for w in sampled if w.started["sampler"] == sampler.PY_SPY), default=0
    )
    for mark, query in queries.items():
        _divide(query, seen[mark], result.codes)
        query.rounds = query.cpu * rate if query.shares else 0.0
        _scale(result.stacks, seen[mark], query.cpu)
    outside = result.total - sum(query.cpu for query in result.queries)
    _scale(result.stacks, seen[None], outside)
    return result


def _workers(folder: Path) -> list[_Worker]:
    paths = _logs(folder, "worker")
    workers = [_Worker(path.with_suffix(""), account.read(path)) for path in paths]
    # One that was killed before its first task has nothing to tell.
    return [worker for worker in workers if worker.of_kind("snapshot")]


def _logs(folder: Path, role: str) -> list[Path]:
    return sorted(folder.glob(f"{role}-*{account.SUFFIX}"))


def _codes(workers: Iterable[_Worker]) -> dict[tuple[str, str, int], str]:
    found: dict[tuple[str, str, int], str] = {}
    for worker in workers:
        for task in worker.of_kind("task"):
            for udf in task["udfs"]:
                found |= {(file, name, line): udf["name"] for file, name, line in udf["codes"]}
    return found


def _add_account(result: EngineProfile, queries: dict[str, Query], worker: _Worker) -> None:
    snapshots = worker.of_kind("snapshot")
    last = snapshots[-1]
    end = max(last["cpu"], stacks.cpu_at_end(worker.stem) or 0.0)
    total = end - last["profiler"]
    forking = snapshots[0]["cpu"] - snapshots[0]["profiler"]
    result.total += total
    result.profiler += last["profiler"]
    result.forking += forking
    in_tasks = 0.0
    before: dict[str, Any] = {}
    for record in worker.records:
        if record["kind"] == "snapshot":
            if before:
                own = record["profiler"] - before["snapshot"]["profiler"]
                in_tasks += _add_task(queries, before["task"], own)
                result.failed += before["task"]["failed"]
                before = {}
            latest = record
        elif record["kind"] == "task":
            before = {"task": record, "snapshot": latest}
    result.between += last["cpu"] - last["profiler"] - forking - in_tasks


def _add_task(queries: dict[str, Query], task: dict[str, Any], own: float) -> float:
    """Add a task to its query; ``own`` is what the profiler used in its data phase."""
    query = queries.setdefault(
        task["mark"],
        Query(task["mark"], task["eval_type"], [udf["name"] for udf in task["udfs"]]),
    )
    data = max(task["data"] - own, 0.0)
    query.tasks += 1
    query.setup += task["setup"]
    query.cpu += data
    query.finish += task["finish"]
    query.wall += task["wall"]
    query.waiting += task["read_wait"] + task["write_wait"]
    return float(task["setup"] + data + task["finish"])


def _query_of(stack: Stack, queries: dict[str, Query], codes: Codes) -> str | None:
    """The query that a stack belongs to; a thread of a task's has no mark in its stack."""
    mark = stacks.mark_of(stack)
    if mark is not None:
        return mark
    name = stacks.udf_of(stack, codes)
    fitting = [mark for mark, query in queries.items() if name in query.udfs]
    return fitting[0] if name is not None and fitting else None


def _is_own(stack: Stack) -> bool:
    file, *names = _OWN
    return any(frame.file == file and frame.name in names for frame in stack)


def _divide(query: Query, seen: dict[Stack, float], codes: Codes) -> None:
    query.seen = sum(seen.values())
    if query.seen <= 0:
        return
    shares: dict[Owner, float] = defaultdict(float)
    for stack, seconds in seen.items():
        whose = stacks.owner(stack, codes)
        shares[whose] += seconds / query.seen
        if whose == USER:
            # A callback of the user's that is no UDF: of the query's only one, or its first.
            name = stacks.udf_of(stack, codes) or query.udfs[0] if query.udfs else "?"
            query.udf_shares[name] = query.udf_shares.get(name, 0.0) + seconds / query.seen
    query.shares = dict(shares)


def _scale(into: dict[Stack, float], seen: dict[Stack, float], seconds: float) -> None:
    whole = sum(seen.values())
    for stack, part in seen.items():
        if seconds > 0:
            cut = _from_mark(stack)
            into[cut] = into.get(cut, 0.0) + part * seconds / whole


def _from_mark(stack: Stack) -> Stack:
    """A data phase's stack from its mark on; others without the daemon's frames."""
    for place, frame in enumerate(stack):
        if frame.file == MARK:
            return stack[place:]
    for place in reversed(range(len(stack))):
        if stack[place].file == stacks.WORKER:
            return stack[place:]
    return stack
