"""``make fuzz``: builds the core with clang, instrumented, and lets libFuzzer try each target.

New inputs that reach something new are kept in ``build/fuzz/corpus``, what failed in
``build/fuzz/faults``. A target's line says how many inputs were tried, and how many of the core's
edges were reached: by the kept inputs, and in the end. Features are what guides the fuzzer: how
often each edge and each line of Hydrofoil's Python code is reached, and what is compared in the
core. Where a target is all Python, as the gang's messages are, they are all that grows.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from fuzz import campaign, reached  # noqa: E402
from fuzz.target import CORPUS, names  # noqa: E402
from fuzz.tries import BUILT, FUZZER, LIMITS, ROOT, Trial, environment  # noqa: E402

STAMP = BUILT / ".built"
SANITIZERS = "-fsanitize=address,undefined,fuzzer"
SECONDS = 20
LARGEST = 2500  # Bytes of a kept input.


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


def fuzz(name: str, seconds: int, more: list[str]) -> tuple[bool, str]:
    """Try one target: whether all went well, and what to say about it."""
    trial = Trial(name, seconds, more)
    try:
        tried = trial.wait()
    except KeyboardInterrupt:
        trial.stop()
        print(f"{name}: {trial.wait()}")
        raise
    said = f"{tried} in {time.monotonic() - trial.began:.0f} s"
    if not tried.well:
        said += f"\n  FAILED; see {trial.log.relative_to(ROOT)}, whose end is\n{trial.end()}"
    return tried.well, said


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help=", ".join(names()))
    parser.add_argument("--seconds", type=int, default=SECONDS, help="of each target")
    parser.add_argument(
        "--hours",
        type=float,
        help="until each has had so many of CPU time in all, see profiles/fuzz.md",
    )
    parser.add_argument("--keep", type=int, help="do not fuzz: keep so many of what was found")
    parser.add_argument(
        "--reached", action="store_true", help="do not fuzz: see what inputs reach of the core"
    )
    parser.add_argument("--more", default="", help="arguments for libFuzzer")
    asked = parser.parse_args()
    unknown = set(asked.targets) - set(names())
    if unknown:
        sys.exit(f"fuzz: there is no target {sorted(unknown)}; there are {names()}")
    build()
    if asked.reached:
        reached.run()
        return
    if asked.hours:
        sys.exit(not campaign.run(asked.targets or names(), asked.hours))
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
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("fuzz: interrupted")
