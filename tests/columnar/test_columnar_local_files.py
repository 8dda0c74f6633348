"""Local files without processes: as by Hadoop's own class, and in the checkpoints of streams."""

import os
import stat
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.tools.parity.engines import use_conf

IMPLEMENTATION = "fs.AbstractFileSystem.file.impl"
HADOOPS = "org.apache.hadoop.fs.local.LocalFs"
OURS = "org.hydrofoil.spark.HydrofoilLocalFs"
LOCAL_FILES_KEY = "spark.hydrofoil.columnar.localFiles"
ON = {ENABLED_KEY: "true"}

MODES = (0o644, 0o600, 0o000, 0o777, 0o755, 0o1777)
# What a rename takes, with OVERWRITE and without; links are left to Hadoop's own code.
RENAMES = (
    ("file", "new"), ("file", "empty"), ("file", "folder"), ("file", "link"), ("file", "file"),
    ("link", "new"), ("dangling", "new"), ("empty", "dangling"), ("folder", "new"),
    ("folder", "hollow"), ("hollow", "folder"), ("missing", "new"), ("file", "missing/new"),
)  # fmt: skip


def make_scene(root: Path) -> list[str]:
    """Make one of each kind of file; return their names, and some of none."""
    for name in ("folder", "folder/inner", "hollow", "shared"):
        (root / name).mkdir(parents=True)
    for name, text in {"file": "some text", "empty": "", "folder/below": "below"}.items():
        (root / name).write_text(text)
    for name in ("two words", "größer", "100%41", "a#b?c", " led", "-rf"):
        (root / name).write_text(name)
    links = {
        "link": "file",
        "absolute": str(root / "file"),
        "to folder": "folder",
        "dangling": "nowhere",
        "loop": "loop",
        "chain": "link",
        "blanks": "file  ",
        "to größer": "größer",
        "folder/up": "../file",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "fifo")
    (root / "shared").chmod(0o2755)
    made = sorted(root.rglob("*"))
    # As old as each other in both scenes.
    for path in [root, *made]:
        os.utime(path, (1e9, 1e9), follow_symlinks=False)
    none = ["missing", "file/below", "to folder/below", "dangling/below"]
    return [str(path.relative_to(root)) for path in made] + none


def state(root: Path) -> list[tuple[str, ...]]:
    """All that is in a folder: modes, targets of links, contents."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            content = os.readlink(path).replace(str(root), "ROOT")
        else:
            readable = path.is_file() and os.access(path, os.R_OK)
            content = repr(path.read_bytes()) if readable else ""
        found.append((str(path.relative_to(root)), oct(path.lstat().st_mode), content))
    return found


class Files:
    """Hadoop's `FileContext` by one of the two classes, over a scene of its own."""

    def __init__(self, spark: SparkSession, name: str, root: Path):
        self.jvm: Any = spark._jvm
        self.root, self.names = root, make_scene(root)
        conf = spark._jsparkSession.sessionState().newHadoopConf()  # type: ignore[attr-defined]
        conf.set(IMPLEMENTATION, name)
        uri = self.jvm.java.net.URI("file:///")
        self.context = self.jvm.org.apache.hadoop.fs.FileContext.getFileContext(uri, conf)
        self.system = self.context.getDefaultFileSystem()

    def path(self, name: str, scheme: str = "") -> Any:
        # As Spark makes paths: of text that is no URI.
        uri = self.jvm.java.net.URI(scheme or None, None, str(self.root / name), None, None)
        return self.jvm.org.apache.hadoop.fs.Path(uri)

    def outcome(self, call: Callable[[], Any]) -> str:
        """What a call returns, or its error: class and message."""
        try:
            found = call()
        except Py4JJavaError as error:
            java = error.java_exception
            found = f"{java.getClass().getName()}: {java.getMessage()}"
        return str(found).replace(str(self.root), "ROOT")

    def array(self, name: str, *options: Any) -> Any:
        of = self.jvm.java.lang.reflect.Array
        kind = self.jvm.java.lang.Class.forName(f"org.apache.hadoop.fs.{name}")
        made = of.newInstance(kind, len(options))
        for i, option in enumerate(options):
            of.set(made, i, option)
        return made


Both = tuple[Files, Files]


@pytest.fixture
def both(spark: SparkSession, tmp_path: Path) -> Iterator[Both]:
    """Hadoop's class and ours, each over a scene of the same files."""
    with use_conf(spark, ON):
        made = []
        for name, folder in ((HADOOPS, "hadoop"), (OURS, "ours")):
            # Paths of one length: a link's size is that of its target.
            root = tmp_path / folder.ljust(6, "_")
            made.append(Files(spark, name, root))
        assert made[1].system.getClass().getName() == OURS
        yield made[0], made[1]


def test_named_to_hadoop(spark: SparkSession) -> None:
    hadoop = spark._jsc.hadoopConfiguration()  # type: ignore[attr-defined]
    assert hadoop.get(IMPLEMENTATION) == OURS


@pytest.mark.parametrize("scheme", ["", "file"])
def test_descriptions(both: Both, scheme: str) -> None:
    def described(files: Files, name: str) -> list[str]:
        path = files.path(name, scheme)
        calls = (
            lambda: files.system.getFileLinkStatus(path).toString(),
            lambda: files.context.getFileLinkStatus(path).toString(),
            lambda: files.context.getLinkTarget(path),
        )
        return list(map(files.outcome, calls))

    theirs, ours = ({name: described(files, name) for name in files.names} for files in both)
    assert theirs == ours
    assert ("isSymlink=true" in theirs["link"][0]) == (scheme == "")
    assert len(set(map(str, theirs.values()))) == len(theirs)


def test_of_the_whole(both: Both) -> None:
    def facts(files: Files) -> list[str]:
        system, root = files.system, files.path("")
        defaults = [system.getServerDefaults(), system.getServerDefaults(root)]
        ways = ("getBlockSize", "getBytesPerChecksum", "getChecksumType", "getFileBufferSize")
        ways += ("getReplication", "getWritePacketSize", "getTrashInterval")
        found = [getattr(one, way)() for one in defaults for way in ways]
        found += [system.getUri(), system.getUriDefaultPort(), system.getHomeDirectory()]
        found += [system.supportsSymlinks(), system.isValidName("a:b"), system.getStatistics()]
        found.append(system.getInitialWorkingDirectory())
        return list(map(str, found))

    theirs, ours = map(facts, both)
    assert theirs == ours


def test_renames(both: Both) -> None:
    def renamed(files: Files, old: str, new: str, *options: Any) -> list[Any]:
        files.root = files.root.parent / f"{files.root.name[:6]}{next(number):03}"
        make_scene(files.root)
        array = files.array("Options$Rename", *options)
        said = files.outcome(lambda: files.context.rename(files.path(old), files.path(new), array))
        return [old, new, len(options), said, state(files.root)]

    number = count()
    overwrite = both[0].jvm.org.apache.hadoop.fs.Options.Rename.OVERWRITE
    theirs, ours = (
        [renamed(files, *names, *options) for names in RENAMES for options in ((), (overwrite,))]
        for files in both
    )
    assert theirs == ours
    assert {said for *_, said, _ in theirs} > {"None"}


def test_modes(both: Both) -> None:
    """Of all kinds of files, and of what is created with a mode."""

    def changed(files: Files, mode: int) -> Iterator[Any]:
        permission = files.jvm.org.apache.hadoop.fs.permission.FsPermission(mode)
        for name in ("file", "folder", "shared", "link", "to folder", "dangling", "missing"):
            path = files.path(name)
            yield name, files.outcome(lambda: files.context.setPermission(path, permission))  # noqa: B023
            yield state(files.root)
        path = files.path(f"shared/{mode}")
        yield files.outcome(lambda: files.context.mkdir(path, permission, False))
        flags = files.jvm.java.util.EnumSet.of(files.jvm.org.apache.hadoop.fs.CreateFlag.CREATE)
        perms = files.jvm.org.apache.hadoop.fs.Options.CreateOpts.perms(permission)
        options = files.array("Options$CreateOpts", perms)
        files.context.create(files.path(f"made {mode}"), flags, options).close()
        yield state(files.root)

    theirs, ours = ([list(changed(files, mode)) for mode in MODES] for files in both)
    assert theirs == ours
    modes = {stat.S_IMODE((both[1].root / f"made {mode}").stat().st_mode) for mode in MODES}
    assert len(modes) > 3


def reaped(spark: SparkSession) -> int:
    """What processes that the driver started, and that have ended, did: page faults of them all."""
    jvm: Any = spark._jvm
    text = Path(f"/proc/{jvm.java.lang.ProcessHandle.current().pid()}/stat").read_text()
    return int(text.rpartition(")")[2].split()[8])


def test_checkpoints(spark: SparkSession, tmp_path: Path) -> None:
    """A query goes on from a checkpoint that the other class wrote; ours starts no process."""
    data, checkpoint = tmp_path / "data", tmp_path / "checkpoint"
    data.mkdir()
    seen: list[dict[int, int]] = []

    def keep(batch: Any, _: int) -> None:
        seen.append({row.k: row["count"] for row in batch.collect()})

    def go_on(conf: dict[str, str]) -> bool:
        (data / f"{len(seen)}.txt").write_text("1\n2\n3\n")
        before = reaped(spark)
        with use_conf(spark, {"spark.sql.shuffle.partitions": "1", **conf}):
            lines = spark.readStream.schema("k int").csv(str(data))
            writer = lines.groupBy("k").count().writeStream.foreachBatch(keep)
            writer = writer.outputMode("update").option("checkpointLocation", str(checkpoint))
            query = writer.trigger(availableNow=True).start()
            assert query.awaitTermination(120)
        return reaped(spark) > before

    off = {LOCAL_FILES_KEY: "false"}
    assert [go_on({**ON, **conf}) for conf in (off, {}, off)] == [True, False, True]
    assert seen == [dict.fromkeys((1, 2, 3), number) for number in (1, 2, 3)]
