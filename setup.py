"""Builds the Cython core, and sees to it that a package holds Spark's jar (jvm/build.py).

Everything else about the package is in pyproject.toml.

Environment switches:
    HYDROFOIL_WITHOUT_JAR=1  a package without the jar, which is refused otherwise
    HYDROFOIL_DEBUG=1        bounds checks, no optimization, C line numbers in tracebacks
    HYDROFOIL_SANITIZE=1     address and undefined-behaviour sanitizers (run with libasan preloaded)
    HYDROFOIL_SANITIZE=fuzz  the same for tests/fuzz, with clang: coverage is counted, too
    HYDROFOIL_OPTIMIZE=0     the C compiler's level, 0 to 3: compiles in a fraction of the time
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

CORE = "cext/hydrofoil/_cext"

# The extension modules, one .pyx each in it. To add one, add its name.
MODULES = [
    "frames",
    "columns",
    "export",
    "text",
    "gather",
    "split",
    "grouping",
    "objects.base",
    "objects.fixed",
    "objects.varlen",
    "objects.decimal128",
    "objects.temporal",
    "objects.nested",
    "objects.special",
    "rows",
    "calls",
    "faults",
    "place",
    "udtf",
    "records",
    "arrays.read",
    "arrays.write",
]

# C of our own: a module is compiled again where one of its headers changes.
HEADERS = {
    "faults": ["fault.h"],
    "text": ["utf8.h", "utf8_avx2.h", "utf8_avx512.h", "utf8_short.h"],
}

EXTENSION: str = sysconfig.get_config_var("EXT_SUFFIX")
DEBUG = os.environ.get("HYDROFOIL_DEBUG") == "1"
SANITIZE = os.environ.get("HYDROFOIL_SANITIZE", "")
OPTIMIZE = os.environ.get("HYDROFOIL_OPTIMIZE", "3")
WITHOUT_JAR = os.environ.get("HYDROFOIL_WITHOUT_JAR") == "1"


def require_c_compiler() -> None:
    compiler = (os.environ.get("CC") or "cc").split()[0]
    if not (shutil.which(compiler) or shutil.which("gcc") or shutil.which("clang")):
        sys.exit(
            f"hydrofoil: no C compiler ({compiler!r} is not on PATH); "
            "install one, e.g. the packages gcc and libc6-dev on Debian, then try again"
        )


def require_fork() -> None:
    if sys.platform == "win32":
        sys.exit(
            "hydrofoil: Windows is not supported, for PySpark's daemon, which Hydrofoil replaces, "
            "does not run there; install it on Linux, in WSL 2 for example, or on macOS"
        )


def compile_args() -> list[str]:
    # Python's own flags ask for debug information, which makes the modules six times as large.
    args = ["-O0", "-g"] if DEBUG else [f"-O{OPTIMIZE}", "-g0"]
    # Python is compiled with it, but setuptools leaves it out where CFLAGS is set.
    args.append("-fwrapv")
    return args + sanitizers()


def sanitizers() -> list[str]:
    if not SANITIZE:
        return []
    kinds = "address,undefined" + (",fuzzer-no-link" if SANITIZE == "fuzz" else "")
    # Lines are enough for a stack, and take a fraction of the time.
    return ["-g1", f"-fsanitize={kinds}", "-fno-omit-frame-pointer"]


def extensions() -> list[Extension]:
    return [
        Extension(
            f"hydrofoil._cext.{name}",
            [f"{CORE}/{name.replace('.', '/')}.pyx"],
            include_dirs=[CORE],
            depends=[f"{CORE}/{header}" for header in HEADERS.get(name, [])],
            extra_compile_args=compile_args(),
            extra_link_args=sanitizers(),
        )
        for name in MODULES
    ]


def translated_by_an_older_setup() -> bool:
    made = Path("build", CORE).rglob("*.c")
    return any(each.stat().st_mtime < Path(__file__).stat().st_mtime for each in made)


class BuildCore(build_ext):
    """Translates and compiles on all cores."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def run(self) -> None:
        require_c_compiler()
        if self.editable_mode:
            # In place of a new folder, in which everything would be compiled again.
            self.build_lib = f"build/lib.{self.plat_name}-{sys.implementation.cache_tag}"
        # Only now, and not when setup.py is read: metadata and sdists need no C.
        from Cython.Build import cythonize

        made = cythonize(
            [Extension(each.name, each.sources, depends=each.depends) for each in self.extensions],
            include_path=["cext"],
            build_dir="build",
            nthreads=self.parallel,
            quiet=True,
            # Cython does not look at the directives below when it decides.
            force=bool(self.force) or translated_by_an_older_setup(),
            compiler_directives={
                "language_level": "3",
                "boundscheck": DEBUG,
                "wraparound": False,
                "initializedcheck": False,
                # In the form that inspect reads: the stubs are compared with it.
                "embedsignature": True,
                "embedsignature.format": "clinic",
                "freethreading_compatible": False,
                # Codecs point into memory: what Cython would pickle of them is none of theirs.
                "auto_pickle": False,
            },
            emit_linenums=DEBUG,
        )
        translated = {each.name: each.sources for each in made}
        for each in self.extensions:
            each.sources = translated[each.name]
        super().run()


class BuildWithJar(build_py):
    """Has the jar among the package's files. An editable package's is made by the backend."""

    def run(self) -> None:
        if not self.editable_mode:
            self._forget_earlier_builds()
            if not WITHOUT_JAR and subprocess.run([sys.executable, "jvm/build.py"]).returncode:
                sys.exit("hydrofoil: no wheel without the jar, unless HYDROFOIL_WITHOUT_JAR=1")
        super().run()

    def find_data_files(self, package: str, src_dir: str) -> list[str]:
        files = super().find_data_files(package, src_dir)
        return [file for file in files if not (WITHOUT_JAR and file.endswith(".jar"))]

    def _forget_earlier_builds(self) -> None:
        # A wheel takes all that lies in the folder, so what has been deleted since or is left out
        # now would come back. What is compiled stays, if there still is a module of that name: it
        # is compared with its sources.
        modules = {each.name for each in self.distribution.ext_modules}
        for path in Path(self.build_lib).rglob("*"):
            name = ".".join(path.relative_to(self.build_lib).parts)
            if path.is_file() and name.removesuffix(EXTENSION) not in modules:
                path.unlink()


# Where processes don't fork, those that translate read this file again.
if __name__ == "__main__":
    require_fork()
    setup(ext_modules=extensions(), cmdclass={"build_ext": BuildCore, "build_py": BuildWithJar})
