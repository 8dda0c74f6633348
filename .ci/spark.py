"""A Spark for tests to start on, the installed PySpark's: .ci/spark.py FOLDER

It is made of links, but for the archive that workers import PySpark from: beside its sources lies
what Python compiles them to, which each daemon and each submitted program does anew otherwise, in
most of a second. Tests of PySpark, and the parts that no worker imports, are left as they are.
"""

import shutil
import sys
import time
import zipfile
from importlib._bootstrap_external import _code_to_timestamp_pyc
from importlib.util import find_spec
from pathlib import Path

# The daemon is run as a program, which has the name of what it was read from.
NOT_COMPILED = (
    *("pyspark/ml/", "pyspark/mllib/", "pyspark/pandas/", "pyspark/pipelines/"),
    "pyspark/daemon.py",
)
# Written last, so that a folder is whole where it is.
MADE = ".made"


def link(source: Path, folder: Path) -> None:
    """Make a folder of links to what a folder has, and compile the archives in it."""
    folder.mkdir()
    for entry in source.iterdir():
        there = folder / entry.name
        if entry.name in ("python", "lib"):
            link(entry, there)
        elif entry.suffix == ".zip":
            compile_archive(entry, there)
        else:
            there.symlink_to(entry)


def compile_archive(source: Path, target: Path) -> None:
    """Copy an archive of sources, and put their code beside them, where zipimport looks first."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as made:
        for info in archive.infolist():
            content = archive.read(info)
            made.writestr(zipfile.ZipInfo(info.filename, info.date_time), content)
            name = info.filename
            if name.endswith(".py") and not name.startswith(NOT_COMPILED) and "/tests/" not in name:
                code = compile(content, f"{target}/{name}", "exec", dont_inherit=True)
                # zipimport compares the time of the source, as it reads it.
                changed = int(time.mktime((*info.date_time, -1, -1, -1)))
                data = _code_to_timestamp_pyc(code, changed, len(content))
                made.writestr(zipfile.ZipInfo(f"{name}c", info.date_time), data)


def main(folder: Path) -> None:
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        sys.exit("hydrofoil: there is no pyspark to make links to")
    shutil.rmtree(folder, ignore_errors=True)
    link(Path(spec.origin).parent, folder)
    (folder / MADE).touch()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
