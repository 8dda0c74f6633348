"""``make fuzz``: builds the core with clang, instrumented, and lets libFuzzer try each target.

New inputs that reach something new are kept in ``build/fuzz/corpus``, what failed in
``build/fuzz/faults``. A target's line says how many inputs were tried, and how many of the core's
edges were reached: by the kept inputs, and in the end. Features are what guides the fuzzer: how
often each edge and each line of Hydrofoil's Python code is reached, and what is compared in the
core. Where a target is all Python, as the gang's messages are, they are all that grows.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from fuzz.target import CORPUS, names  # noqa: E402

ROOT = HERE.parent.parent
BUILT = ROOT / "build" / "fuzz"
FUZZER = BUILT / "fuzzer"
STAMP = BUILT / ".built"
SANITIZERS = "-fsanitize=address,undefined,fuzzer"
SECONDS = 20
LARGEST = 2500  # Bytes of a kept input.

# One input's: more is a hang, or memory that grows with what an input claims.
LIMITS = ["-timeout=20", "-rss_limit_mb=3000", "-malloc_limit_mb=1500", "-max_len=20000"]
# Python's own allocator would hide what is written beyond a string. A pool of freed memory that is
# small leaves room for more fuzzers.
ENVIRONMENT = {
    "PYTHONMALLOC": "malloc",
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=32",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TZ": "UTC",
}


def clang() -> str:
    for name in ("clang", *(f"clang-{version}" for version in range(21, 13, -1))):
        if shutil.which(name):
            return name
    sys.exit(
        "fuzz: clang is not on PATH; install it with its run-time libraries, on Debian the "
        "packages clang and libclang-rt-14-dev (of the version that clang is)"
    )


def build() -> None:
    """The core and the fuzzer's process, unless they are newer than their sources."""
    sources = [*(ROOT / "cext").rglob("*.p[yx][xd]"), *(ROOT / "cext").rglob("*.h")]
    sources += [*(ROOT / "cext").rglob("*.pxd"), ROOT / "setup.py", HERE / "fuzzer.c"]
    copy_python()
    if STAMP.exists() and all(STAMP.stat().st_mtime > each.stat().st_mtime for each in sources):
        return
    compiler = clang()
    switches = {
        "CC": compiler,
        "LDSHARED": f"{compiler} -shared",
        "CFLAGS": "-w",
        "HYDROFOIL_SANITIZE": "fuzz",
        "HYDROFOIL_OPTIMIZE": "1",
    }
    command = [sys.executable, "setup.py", "-q", "build_ext"]
    folders = [f"--build-lib={BUILT}", f"--build-temp={BUILT / 'temp'}"]
    subprocess.run(command + folders, cwd=ROOT, env=os.environ | switches, check=True)
    subprocess.run([compiler, *link_arguments()], cwd=ROOT, check=True)
    STAMP.touch()


def copy_python() -> None:
    """Hydrofoil's modules as they are now, beside the instrumented core."""
    shutil.copytree(
        ROOT / "src" / "hydrofoil",
        BUILT / "hydrofoil",
        ignore=shutil.ignore_patterns("*.so", "*.jar", "__pycache__"),
        dirs_exist_ok=True,
    )


def link_arguments() -> list[str]:
    have = sysconfig.get_config_vars()
    library = f"python{have['LDVERSION']}"
    return [
        "-g1",
        "-O1",
        SANITIZERS,
        "-rdynamic",  # The core looks for the fuzzer's functions here.
        f"-I{sysconfig.get_path('include')}",
        str(HERE / "fuzzer.c"),
        f"-L{have['LIBDIR']}",
        f"-Wl,-rpath,{have['LIBDIR']}",
        f"-l{library}",
        *str(have["LIBS"]).split(),
        *str(have["SYSLIBS"]).split(),
        "-o",
        str(FUZZER),
    ]


def environment(name: str) -> dict[str, str]:
    path = os.pathsep.join([str(BUILT), str(HERE.parent)])
    mine = {"PYTHONPATH": path, "FUZZ_TARGET": name, "FUZZ_PYTHON": sys.executable}
    return os.environ | ENVIRONMENT | mine


def fuzz(name: str, seconds: int, more: list[str]) -> tuple[bool, str]:
    """Try one target: whether all went well, and what to say about it."""
    found, faults = BUILT / "corpus" / name, BUILT / "faults"
    for folder in (found, faults):
        folder.mkdir(parents=True, exist_ok=True)
    log = BUILT / f"{name}.log"
    command = [
        str(FUZZER),
        f"-max_total_time={seconds}",
        f"-artifact_prefix={faults}/{name}-",
        "-print_final_stats=1",
        "-use_value_profile=1",
        *LIMITS,
        *more,
        str(found),
        str(CORPUS / name),
    ]
    began = time.monotonic()
    with log.open("wb") as out:
        done = subprocess.run(
            command, env=environment(name), stdout=out, stderr=out, cwd=BUILT, check=False
        )
    text = log.read_text(errors="replace")
    said = f"{summary(text)} in {time.monotonic() - began:.0f} s"
    if done.returncode:
        said += f"\n  FAILED; see {log.relative_to(ROOT)}, whose end is\n{text[-3000:]}"
    return done.returncode == 0, said


def keep(name: str, count: int) -> str:
    """Have some of the inputs that were found among the kept ones: such as reach most together."""
    chosen = BUILT / "chosen" / name
    shutil.rmtree(chosen, ignore_errors=True)
    chosen.mkdir(parents=True)
    command = [str(FUZZER), "-set_cover_merge=1", *LIMITS]
    folders = [str(chosen), str(CORPUS / name), str(BUILT / "corpus" / name)]
    log = BUILT / f"{name}.log"
    with log.open("wb") as out:
        subprocess.run(
            command + folders, env=environment(name), stdout=out, stderr=out, cwd=BUILT, check=True
        )
    fresh = [each for each in chosen.iterdir() if each.stat().st_size <= LARGEST]
    # They are named by what is in them, so this is a choice by chance.
    for path in sorted(fresh)[:count]:
        shutil.copy(path, CORPUS / name / f"found-{path.name[:8]}")
    return f"{len(fresh)} inputs reach all; kept {min(count, len(fresh))} of them"


def summary(log: str) -> str:
    covered = re.findall(r"\bcov: (\d+) ft: (\d+)", log)
    edges = re.search(r"INFO: Loaded \d+ modules +\((\d+) inline", log)
    tried = re.search(r"number_of_executed_units: (\d+)", log)
    first = re.search(r"INITED +cov: (\d+) ft: (\d+)", log)
    before, now = first.groups() if first else ("?", "?"), covered[-1] if covered else ("?", "?")
    return (
        f"{int(tried[1]) if tried else 0:,} inputs; of {int(edges[1]) if edges else 0:,} edges "
        f"{before[0]} by the kept ones, {now[0]} now; features {before[1]}, {now[1]} now"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help=", ".join(names()))
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each target")
    parser.add_argument("--keep", type=int, help="do not fuzz: keep so many of what was found")
    parser.add_argument("--more", default="", help="arguments for libFuzzer")
    asked = parser.parse_args()
    unknown = set(asked.targets) - set(names())
    if unknown:
        sys.exit(f"fuzz: there is no target {sorted(unknown)}; there are {names()}")
    build()
    well = True
    for name in asked.targets or names():
        if asked.keep:
            fine, said = True, keep(name, asked.keep)
        else:
            fine, said = fuzz(name, asked.seconds, asked.more.split())
        print(f"{name}: {said}", flush=True)
        well &= fine
    sys.exit(not well)


if __name__ == "__main__":
    main()
