"""``run.py --reached``: the core's functions that inputs reach, in ``profiles/fuzz_reached.md``.

Where inputs never come, no time of fuzzing finds a fault. All targets' inputs are run once, found
and kept ones; libFuzzer says which functions they reached, and llvm-symbolizer has their names.
"""

import re
import shutil
import subprocess
import sys
from collections import defaultdict

from fuzz.target import CORPUS, names
from fuzz.tries import BUILT, FUZZER, LIMITS, ROOT, environment

SHOWN = ROOT / "profiles" / "fuzz_reached.md"
_LINE = re.compile(
    r"^(UN)?COVERED_FUNC: hits: \d+ edges: \d+/(\d+) (\S+) \S*/hydrofoil/_cext/(\S+?):", re.M
)
# What Cython adds to each module and class.
_ADDED = re.compile(r"__pyx_(pymod|tp_|mdef|[gs]etprop|specialm|bisect|CommonT)|PyInit|__Pyx")
_PREFIX = re.compile(r"^__pyx_(?:f|pf|pw|gb)_")

HEAD = """\
# What fuzzing reaches

The functions of the core that inputs of `make fuzz`, kept and found ones, have reached by now; this
page is made by `make fuzz FUZZ_REACHED=1`. Functions without a branch and those that Cython adds
are not counted. Some that are not reached need a processor with other instructions, or a crash.

| source | reached | of | not reached |
| --- | ---: | ---: | --- |
"""


def run() -> None:
    """Write the page."""
    if shutil.which("llvm-symbolizer") is None:
        sys.exit("fuzz: llvm-symbolizer is not on PATH; on Debian it is in the package llvm")
    logs = []
    for name in names():
        logs.append(reached_by(name))
        print(f"{name}: done", flush=True)
    SHOWN.write_text(table(logs))
    print(f"fuzz: {SHOWN.relative_to(ROOT)} has what is reached")


def reached_by(name: str) -> str:
    """What libFuzzer prints of a target's inputs."""
    folders = [str(path) for path in (BUILT / "corpus" / name, CORPUS / name) if path.exists()]
    done = subprocess.run(
        [
            str(FUZZER),
            "-runs=0",
            "-print_coverage=1",
            f"-artifact_prefix={BUILT}/faults/{name}-",
            *LIMITS,
            *folders,
        ],
        env=environment(name),
        capture_output=True,
        text=True,
        errors="replace",
        cwd=BUILT,
        check=False,
    )
    if done.returncode:
        sys.exit(f"fuzz: an input of {name} fails; the end of the output is\n{done.stderr[-3000:]}")
    return done.stderr


def table(logs: list[str]) -> str:
    """The page, of what libFuzzer has printed of each target."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for log in logs:
        for missed, edges, function, source in _LINE.findall(log):
            if int(edges) > 1 and not _ADDED.match(function):
                of = found[re.sub(r"\.c$", ".pyx", source)]
                of[function] = of.get(function, False) or not missed
    return HEAD + "".join(row(source, found[source]) for source in sorted(found))


def row(source: str, functions: dict[str, bool]) -> str:
    missed = ", ".join(
        f"`{readable(each, source)}`" for each in sorted(functions) if not functions[each]
    )
    return f"| {source} | {sum(functions.values())} | {len(functions)} | {missed} |\n"


def readable(function: str, source: str) -> str:
    """A function's name in its source: Cython puts each part's length in front of it."""
    rest, parts = _PREFIX.sub("", function), []
    while match := re.match(r"(\d+)", rest):
        size, rest = int(match[1]), rest[match.end() :]
        if rest[size : size + 1] != "_":
            break
        parts.append(rest[:size])
        rest = rest[size + 1 :]
    # Without packages and module; wrappers of methods have a number.
    in_source = parts[2 + len(source.split("/")) :]
    return ".".join([*in_source, rest.lstrip("0123456789")]) if parts else function
