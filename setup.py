"""Builds the Cython core and, where Java and PySpark are at hand, Spark's jar (jvm/build.py).

Everything else about the package is in pyproject.toml.

Environment switches:
    HYDROFOIL_DEBUG=1     bounds checks, no optimization, C line numbers in tracebacks
    HYDROFOIL_SANITIZE=1  address and undefined-behaviour sanitizers (run with libasan preloaded)
"""

import os
import shutil
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_py import build_py

# The extension modules, one .pyx each under cext/hydrofoil/_cext/. To add one, add its name.
MODULES = [
    "frames",
    "columns",
    "export",
    "gather",
    "split",
    "grouping",
    "codecs.base",
    "codecs.fixed",
    "codecs.varlen",
    "codecs.decimal128",
    "codecs.temporal",
    "codecs.nested",
    "codecs.special",
    "rows",
    "udtf",
    "arrays.read",
    "arrays.write",
]

DEBUG = os.environ.get("HYDROFOIL_DEBUG") == "1"
SANITIZE = os.environ.get("HYDROFOIL_SANITIZE") == "1"


def require_c_compiler() -> None:
    compiler = os.environ.get("CC", "cc").split()[0]
    if not (shutil.which(compiler) or shutil.which("gcc") or shutil.which("clang")):
        sys.exit(
            f"hydrofoil: no C compiler ({compiler!r} is not on PATH); "
            "install one, e.g. the packages gcc and libc6-dev on Debian, then try again"
        )


def compile_args() -> list[str]:
    # Python's own flags ask for debug information, which makes the modules six times as large.
    args = ["-O0", "-g"] if DEBUG else ["-O3", "-g0"]
    if SANITIZE:
        args += ["-g", "-fsanitize=address,undefined", "-fno-omit-frame-pointer"]
    return args


def extensions() -> list[Extension]:
    from Cython.Build import cythonize

    modules = [
        Extension(
            f"hydrofoil._cext.{name}",
            [f"cext/hydrofoil/_cext/{name.replace('.', '/')}.pyx"],
            extra_compile_args=compile_args(),
            extra_link_args=["-fsanitize=address,undefined"] if SANITIZE else [],
        )
        for name in MODULES
    ]
    return cythonize(
        modules,
        include_path=["cext"],
        build_dir="build",
        compiler_directives={
            "language_level": "3",
            "boundscheck": DEBUG,
            "wraparound": False,
            "initializedcheck": False,
            "embedsignature": True,
            "freethreading_compatible": False,
        },
        emit_linenums=DEBUG,
    )


class BuildWithJar(build_py):
    """Has the jar among the package's files. A checkout's own is made by ``make jar`` instead."""

    def run(self) -> None:
        if not self.editable_mode:
            subprocess.run([sys.executable, "jvm/build.py", "--optional"], check=True)
        super().run()


require_c_compiler()
setup(ext_modules=extensions(), cmdclass={"build_py": BuildWithJar})
