"""``make fuzz FUZZ_HOURS=2``: so many hours of CPU time for each target, in as many runs as needed.

Targets take turns on the processors, whoever had least first. ``profiles/fuzz.json`` keeps what
each has had on all machines, and ``profiles/fuzz.md`` shows it. What was found stays in
``build/fuzz/corpus``; after a campaign, ``run.py --keep`` takes some of it into the kept corpus.
"""

import json
import os
import signal
import threading
from pathlib import Path

from fuzz.tries import ROOT, Trial, Tried

COUNTED = ROOT / "profiles" / "fuzz.json"
SHOWN = ROOT / "profiles" / "fuzz.md"
SLICE = 600  # Seconds of a turn.

HEAD = """\
# Fuzzing

What each target of `make fuzz` has had in all. `make fuzz FUZZ_HOURS=2` goes on from here until
each has had two hours of CPU time, and writes this page.

Edges are the core's that the inputs reach; features are what guides libFuzzer (how often each
edge, each line of Hydrofoil's Python code and each comparison is reached). Both are those at the
beginning and at the end of the last turn: where they no longer grow, little is left to find.
Faults are turns that ended by an input that failed, whether it was a fault of Hydrofoil or of
the fuzzer's own code; each is fixed. Up to 1,180 CPU seconds a target are of runs before this
count began, by what libFuzzer said at their ends; on the first day three faults of the fuzzer's
own were set back by hand. The turns of one hour on 2026-12-01 are counted from what they printed,
rounded down. On that day the targets were made to reach nearly all of the core, as
`profiles/fuzz_reached.md` lists; `frames`, `gang` and `groups` were left as they were.

| target | CPU hours | inputs | edges | features | faults |
| --- | ---: | ---: | ---: | ---: | ---: |
"""


class Count:
    """What each target has had, by its name; saved after each turn."""

    def __init__(self, path: Path = COUNTED) -> None:
        self.path = path
        self.of = json.loads(path.read_text()) if path.exists() else {}

    def cpu(self, name: str) -> float:
        """Seconds."""
        return float(self.of.get(name, {}).get("cpu", 0))

    def add(self, name: str, tried: Tried) -> None:
        had = self.of.get(name, {})
        self.of[name] = {
            "cpu": round(had.get("cpu", 0) + tried.cpu),
            "inputs": had.get("inputs", 0) + tried.inputs,
            "edges": list(tried.edges),
            "features": list(tried.features),
            "faults": had.get("faults", 0) + (not tried.well),
        }
        self.path.write_text(json.dumps(dict(sorted(self.of.items())), indent=1) + "\n")

    def table(self) -> str:
        def row(name: str) -> str:
            had = self.of[name]
            edges, features = ("{:,} to {:,}".format(*had[key]) for key in ("edges", "features"))
            return (
                f"| {name} | {had['cpu'] / 3600:.2f} | {had['inputs']:,} | {edges} | {features} "
                f"| {had['faults']} |\n"
            )

        return HEAD + "".join(map(row, sorted(self.of)))


class Campaign:
    """Turns of targets until each has had its time, or Ctrl-C; a fault ends a turn only."""

    def __init__(self, names: list[str], hours: float) -> None:
        self.names, self.seconds = names, hours * 3600
        self.count = Count()
        self.running: dict[str, Trial] = {}
        self.faults: list[str] = []
        self.ended = False
        self.lock = threading.Lock()

    def run(self, jobs: int) -> bool:
        """Whether no input failed."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.end())
        workers = [threading.Thread(target=self.take_turns) for _ in range(jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        SHOWN.write_text(self.count.table())
        print(f"fuzz: {SHOWN.relative_to(ROOT)} has what each target has had", flush=True)
        return not self.faults

    def end(self) -> None:
        """Ends the turns; what they came to is counted."""
        self.ended = True
        for trial in list(self.running.values()):
            trial.stop()

    def take_turns(self) -> None:
        while (trial := self.next()) is not None:
            tried = trial.wait()
            with self.lock:
                del self.running[trial.name]
                self.count.add(trial.name, tried)
                had = self.count.cpu(trial.name) / 3600
                print(f"{trial.name}: {had:.2f} of {self.seconds / 3600:g} h; {tried}", flush=True)
                if not tried.well:
                    self.faults.append(trial.name)
                    print(f"  FAILED; the end of its output is\n{trial.end()}", flush=True)

    def next(self) -> Trial | None:
        with self.lock:
            left = {
                name: self.seconds - self.count.cpu(name)
                for name in self.names
                if name not in self.running and name not in self.faults
            }
            name = max(left, key=lambda name: left[name], default=None)
            if self.ended or name is None or left[name] <= 0:
                return None
            self.running[name] = Trial(name, max(1, min(SLICE, round(left[name]))))
            return self.running[name]


def run(names: list[str], hours: float) -> bool:
    """Have all targets tried for so many hours each, counting what they have had before."""
    return Campaign(names, hours).run(os.cpu_count() or 1)
