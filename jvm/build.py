"""Builds src/hydrofoil/jars/hydrofoil-spark.jar from the Scala sources beside this file.

    python jvm/build.py    # does nothing where the jar is of these sources already

It needs Java and the PySpark that constraints.txt names, whose jars hold the Scala compiler. That
one does for every Spark that the jar is for. The sources:

    src/            the core, compiled once
    plugin/         the class for spark.plugins, which Spark 3.5 loads as well, on Java 8
    bridge/         what makes rows of what comes from an RDD of Python's, also for all of these
    files/          Hadoop's local file system without processes, also for all of these
    shims/common/   what the newest Spark does, which is what adapters have in common
    shims/vNN/      what differs from Spark N.N on, each compiled against api/vNN
    api/            declarations of the Spark classes that differ, for all versions (common) and for
                    each, in front of PySpark's own, so that one PySpark does for all shims; never
                    part of the jar
    tests/          run by test.py; never part of the jar

Equal sources give an equal jar, byte for byte, whatever Python and Java build it: the compiler is
always the same one, and nothing in the jar is compressed, since zlib differs from host to host.
Python 3.10 alone has another compiler, since it has no Spark 4.3: three classes of its jar lack a
method of a trait that Spark 4.3 has added to, and inherit it there.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
JAR = ROOT / "src/hydrofoil/jars/hydrofoil-spark.jar"

# Allows a package without the jar.
WITHOUT_JAR = "HYDROFOIL_WITHOUT_JAR"

# What the jar is made of.
PARTS = ("api", "bridge", "files", "plugin", "shims", "src")

# Only these packages are the project's; what api/ declares is Spark's.
OURS = ("org/hydrofoil/", "org/apache/spark/sql/hydrofoil/")

# The Spark versions that the core chooses shims for; Hydrofoil loads the jar on no other.
LINES = ("4.0", "4.1", "4.2", "4.3")

JAVA = 17
# Warnings are errors, but for those of declarations, which have neither bodies nor callers here.
WARNINGS = (
    "-deprecation",
    "-feature",
    "-unchecked",
    "-Xlint",
    "-Wunused",
    "-Wdead-code",
    "-Wextra-implicit",
    "-Werror",
    "-Wconf:src=jvm/api/.*:silent",
)
# The version of the class files alone: -release needs a table that Java runtimes come without.
SCALAC = (*WARNINGS, "-Xunchecked-java-output-version")
# The compiler's recursion is deep. One compiler thread does for a program of seconds.
JVM = ("-Xss16m", "-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

# Any date will do, as long as it is always the same.
TIMESTAMP = (1980, 1, 1, 0, 0, 0)


class BuildError(Exception):
    """What is missing, and what to do about it."""


class NoSparkError(BuildError):
    """The PySpark whose compiler is used is missing."""


def build() -> bool:
    """Make the jar unless it is there already; return whether there was anything to do.

    Raises
    ------
    BuildError
        There is no Java, not the one PySpark, or the sources don't compile.
    """
    if is_built():
        return False
    java, spark = find_java(), find_spark()
    with tempfile.TemporaryDirectory(prefix="hydrofoil-jar-") as folder:
        classes = Path(folder)
        with jvm(java, spark) as gateway:
            compile_all(gateway, classes, f"{spark}/jars/*")
        package(classes, manifest(digest_of_sources(spark_release())), JAR)
    return True


def is_built() -> bool:
    """Whether the jar is there, and made of these sources by one of the compilers."""
    return built_digest(JAR) in [digest_of_sources(release) for release in spark_releases()]


def left_out() -> bool:
    """Whether the user allows a package without the jar."""
    return os.environ.get(WITHOUT_JAR) == "1"


def sources(part: str) -> list[Path]:
    return sorted((HERE / part).rglob("*.scala"))


def versions() -> list[str]:
    """The versions that have shims of their own, such as v42."""
    return sorted(path.name for path in (HERE / "shims").glob("v*") if path.is_dir())


def digest_of_sources(release: str) -> str:
    """A digest of everything that the jar is made of, with the compiler of a release of Spark."""
    digest = hashlib.blake2b(f"{version()} {release}".encode(), digest_size=20)
    parts = [path for part in PARTS for path in sources(part)]
    for path in [HERE / "build.py", ROOT / "LICENSE", *parts]:
        content = path.read_bytes()
        name = path.relative_to(ROOT).as_posix()
        digest.update(f"\0{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def built_digest(jar: Path) -> str | None:
    """The digest of the sources that a jar was made of, if there is such a jar."""
    try:
        with zipfile.ZipFile(jar) as archive:
            lines = archive.read("META-INF/MANIFEST.MF").decode().splitlines()
    except (OSError, KeyError, zipfile.BadZipFile):
        return None
    values = [line.partition(": ")[2] for line in lines if line.startswith("Sources-Digest: ")]
    return values[0] if values else None


def version() -> str:
    """Hydrofoil's version."""
    return _value("src/hydrofoil/version.py", r'__version__ = "(.+)"')


def spark_release() -> str:
    """The version of the PySpark whose compiler makes the jar on this Python."""
    newest, of_python_310 = spark_releases()
    return newest if sys.version_info >= (3, 11) else of_python_310


def spark_releases() -> tuple[str, str]:
    """That version, and the one on Python 3.10."""
    return (
        _value("constraints.txt", r'pyspark==(.+); python_version >= "3\.11"'),
        _value("constraints.txt", r'pyspark==(.+); python_version < "3\.11"'),
    )


def _value(file: str, line: str) -> str:
    # Python 3.10 has no parser of TOML.
    found = re.search(f"^{line}$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, f"{file} has no line {line}"
    return found[1]


def find_java() -> str:
    """The ``java`` that Spark itself would start."""
    advice = (
        f"install Java {JAVA} or newer, e.g. the package openjdk-{JAVA}-jre-headless on Debian, "
        "or set JAVA_HOME"
    )
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        raise BuildError(f"Java is missing ({f'{home}/bin/java' if home else 'java'}); {advice}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < JAVA:
        number = found[1] if found else "of unknown version"
        raise BuildError(f"Java {number} ({java}) won't do; {advice}")
    return java


def find_spark() -> Path:
    """The folder of the one Spark whose compiler is used: the installed PySpark, or SPARK_HOME."""
    wanted = spark_release()
    seen = []
    for home, place in _spark_homes():
        jars = (re.search(r"-(\d.*)\.jar$", path.name) for path in home.glob("jars/spark-core_*"))
        release = next((found[1] for found in jars if found), "no Spark")
        if release == wanted:
            return home
        seen.append(f"{place} has {release}")
    there = ", ".join(seen) or f"{sys.executable} has no PySpark"
    raise NoSparkError(
        f"its compiler is the one of Spark {wanted}, and {there}; "
        f"pip install pyspark=={wanted}, or set SPARK_HOME to a Spark {wanted}"
    )


def _spark_homes() -> Iterator[tuple[Path, str]]:
    spec = find_spec("pyspark")
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent, sys.executable
    home = os.environ.get("SPARK_HOME")
    if home:
        yield Path(home), f"SPARK_HOME ({home})"


@contextmanager
def jvm(java: str, spark: Path) -> Iterator[Any]:
    """One JVM for all compilations, since a Scala compiler is slow until it is warm.

    It is driven through Py4J, which PySpark can't do without.
    """
    for archive in spark.glob("python/lib/py4j-*-src.zip"):
        sys.path.append(str(archive))
    from py4j.java_gateway import JavaGateway

    gateway = JavaGateway.launch_gateway(
        jarpath=str(next(spark.glob("jars/py4j-*.jar"))),
        classpath=f"{spark}/jars/*",
        javaopts=list(JVM),
        java_path=java,
        redirect_stdout=sys.stderr,
        redirect_stderr=sys.stderr,
        enable_auth=True,
        die_on_exit=True,
    )
    try:
        yield gateway
    finally:
        gateway.shutdown()


def scalac(gateway: Any, arguments: Sequence[str]) -> bool:
    """Compile as the ``scalac`` command does; return whether that succeeded."""
    words = gateway.new_array(gateway.jvm.java.lang.String, len(arguments))
    for i, argument in enumerate(arguments):
        words[i] = argument
    return bool(gateway.jvm.scala.tools.nsc.Main.process(words))


def compile_all(gateway: Any, classes: Path, jars: str) -> None:
    """Compile the core and each version's shims, each into a folder under ``classes``."""

    def shims(part: str, declared: str, *classpath: str) -> None:
        # What is compiled together hides what the class path holds of the same name.
        files = sources("api/common") + sources(f"api/{declared}") + sources(f"shims/{part}")
        compile_part(gateway, files, classes / part, *classpath, str(classes / "core"), jars)

    files = classes / "files"
    compile_part(gateway, sources("files"), files, jars, java=8)
    compile_part(gateway, sources("src"), classes / "core", str(files), jars)
    for part in ("plugin", "bridge"):
        compile_part(gateway, sources(part), classes / part, str(files), jars, java=8)
    shims("common", versions()[-1])
    for each in versions():
        shims(each, each, str(classes / "common"))


def compile_part(
    gateway: Any, files: list[Path], target: Path, *classpath: str, java: int = JAVA
) -> None:
    """Compile sources into a new folder, whose name says what they are.

    Raises
    ------
    BuildError
        They don't compile without a warning.
    """
    begin = time.monotonic()
    target.mkdir()
    paths = ["-classpath", os.pathsep.join(classpath), "-d", str(target)]
    if not scalac(gateway, [*SCALAC, str(java), *paths, *map(str, files)]):
        raise BuildError(
            f"the sources of {target.name} don't compile; the compiler's output says why"
        )
    print(f"hydrofoil: {target.name} compiled in {time.monotonic() - begin:.1f} s")


def manifest(digest: str) -> str:
    lines = {
        "Manifest-Version": "1.0",
        "Implementation-Title": "hydrofoil-spark",
        "Implementation-Version": version(),
        "Spark-Versions": " ".join(LINES),
        "Sources-Digest": digest,
    }
    text = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
    assert all(len(line) <= 72 for line in text.splitlines())
    return text + "\r\n"


def package(classes: Path, header: str, jar: Path) -> None:
    """Write the jar: the manifest first, everything else by name."""
    files = {"META-INF/LICENSE": ROOT / "LICENSE"}
    for part in classes.iterdir():
        for path in part.rglob("*.class"):
            name = path.relative_to(part).as_posix()
            if name.startswith(OURS):
                files[name] = path
    jar.parent.mkdir(exist_ok=True)
    unfinished = jar.with_suffix(".unfinished")
    with zipfile.ZipFile(unfinished, "w") as archive:
        contents = [(name, files[name].read_bytes()) for name in sorted(files)]
        for name, content in [("META-INF/MANIFEST.MF", header.encode()), *contents]:
            entry = zipfile.ZipInfo(name, TIMESTAMP)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, whatever this is
            archive.writestr(entry, content)
    unfinished.replace(jar)


def main() -> None:
    name = JAR.relative_to(ROOT)
    try:
        done = build()
    except BuildError as error:
        sys.exit(f"hydrofoil: {name} can't be built: {error}")
    print(f"hydrofoil: {name} is {'built' if done else 'up to date'}")


if __name__ == "__main__":
    main()
