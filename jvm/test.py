"""Compiles the Scala tests against the jar, and runs them.

    python jvm/test.py                  # all
    python jvm/test.py BuilderTests     # those of one class

Each test that fails is said with where it did and with the values; what counts is the exit status.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import build

MAIN = "org.apache.spark.sql.hydrofoil.tests.Main"


def main() -> None:
    try:
        build.build()
        java, spark = build.find_java(), build.find_spark()
        with tempfile.TemporaryDirectory(prefix="hydrofoil-jvm-tests-") as folder:
            jars = (str(build.JAR), f"{spark}/jars/*")
            classes = Path(folder) / "tests"
            with build.jvm(java, spark) as gateway:
                build.compile_part(gateway, build.sources("tests"), classes, *jars)
                # What Spark starts its own JVMs with.
                launcher = gateway.jvm.org.apache.spark.launcher
                modules = launcher.JavaModuleOptions.defaultModuleOptions().split()
            path = os.pathsep.join([str(classes), *jars])
            command = [java, *build.JVM, *modules, "-classpath", path, MAIN, *sys.argv[1:]]
            sys.exit(subprocess.run(command, check=False).returncode)
    except build.BuildError as error:
        sys.exit(f"hydrofoil: the Scala tests can't be run: {error}")


if __name__ == "__main__":
    main()
