"""hydrofoil pack: what it refuses, and what of an environment it packs."""

import json
import os
import shlex
import sys
import tarfile
import venv
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from doctor.environments import FOR_STOCK, copy_of_hydrofoil, environment_with

from hydrofoil.errors import UsageError
from hydrofoil.settings import plugin
from hydrofoil.tools.cli import main
from hydrofoil.tools.cli.pack import _show, _ties
from hydrofoil.tools.packing import archive, settings
from hydrofoil.tools.packing.environment import CONDA, Environment, find

SITE = "lib/python{}.{}/site-packages".format(*sys.version_info)


def pack(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["pack", *map(str, arguments)])


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A virtual environment with what looks like an installed PySpark."""
    folder = tmp_path / "env"
    venv.create(folder, symlinks=True)
    for name in ("pyspark/__init__.py", "pyspark/jars/spark-core.jar", "pyspark/examples/pi.py"):
        file = folder / SITE / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


def test_what_is_no_environment(tmp_path: Path, small: Path) -> None:
    assert "neither pyvenv.cfg nor conda-meta" in pack(tmp_path).output
    for link in (small / "bin").glob("python*"):
        link.unlink()
    (small / "bin/python").symlink_to("/nowhere/python")
    said = pack(small).output
    assert "env/bin/python, a link to /nowhere/python can't be started" in said


def test_what_it_is_asked_for(tmp_path: Path, small: Path) -> None:
    assert "of no format that Spark unpacks" in pack(small, "-o", tmp_path / "a.tar.bz2").output
    there = tmp_path / "a.zip"
    there.write_text("mine")
    assert "is there already" in pack(small, "-o", there).output
    assert there.read_text() == "mine"


@pytest.mark.parametrize("kind", ["venv", "conda"])
def test_the_packer_that_is_missing(
    kind: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == CONDA:
        (small / "conda-meta").mkdir()
    module, package, _ = archive.PACKERS[kind]
    monkeypatch.setitem(sys.modules, module, None)
    done = pack(small, "-o", tmp_path / "a.tar")
    assert done.exit_code == 1
    assert f"Hint: {sys.executable} -m pip install {package} " in done.output


def test_what_executors_would_miss(tmp_path: Path) -> None:
    folder = tmp_path / "env"
    packages = environment_with(folder, [name for name in FOR_STOCK if name != "pandas"])
    outside = copy_of_hydrofoil(tmp_path / "outside")
    (outside / "hydrofoil/jars/hydrofoil-spark.jar").unlink()
    (packages / "mine.pth").write_text(f"{outside}\n")
    (packages / "mine-1.0.dist-info").mkdir()
    editable = {"url": "file:///home/me/mine", "dir_info": {"editable": True}}
    (packages / "mine-1.0.dist-info/direct_url.json").write_text(json.dumps(editable))
    done = pack(folder, "-o", tmp_path / "a.tar")
    assert done.exit_code == 2
    broken = [line for line in done.output.splitlines() if line.startswith("broken: ")]
    assert [line.split(": ")[1] for line in broken] == ["pandas", "jar", "hydrofoil", "mine"]
    assert "not installed" in broken[0] and "has no jar" in broken[1]
    assert f"{outside}/hydrofoil, outside of the environment" in broken[2]
    assert "as editable, from file:///home/me/mine" in broken[3]
    assert done.output.endswith("no archive was made\n")
    assert not (tmp_path / "a.tar").exists()


def names(file: Path) -> set[str]:
    with tarfile.open(file) as opened:
        return {name.removeprefix("./") for name in opened.getnames()}


def test_spark_stays_out_of_the_archive(small: Path, tmp_path: Path) -> None:
    there = find(small)
    archive.pack(there, tmp_path / "without.tar")
    archive.pack(there, tmp_path / "with.tar.gz", spark_jars=True)
    without, whole = names(tmp_path / "without.tar"), names(tmp_path / "with.tar.gz")
    assert {"pyvenv.cfg", "bin/python", f"{SITE}/pyspark/__init__.py"} <= without
    jars = {f"{SITE}/pyspark/jars/spark-core.jar", f"{SITE}/pyspark/examples/pi.py"}
    assert whole - without == jars
    # Daemons of a cluster, which run as somebody else, may read it.
    (tmp_path / "plain").touch()
    assert os.stat(tmp_path / "without.tar").st_mode == os.stat(tmp_path / "plain").st_mode


def test_environment_of_conda(small: Path, tmp_path: Path) -> None:
    """One that is made by hand, as conda would note it: what conda-pack is called with is right."""
    notes = small / "conda-meta"
    notes.mkdir()
    (notes / "history").touch()
    python = {"name": "python", "version": "3.11.7", "build": "0", "link": {"source": "/nowhere"}}
    python |= {"files": ["bin/python"], "paths_data": {"paths": []}, "url": "https://host.invalid"}
    (notes / "python-3.11.7-0.json").write_text(json.dumps({**python, "fn": "python.conda"}))
    there = find(small)
    assert (there.kind, there.base) == (CONDA, None)
    with pytest.warns(UserWarning, match="package cache"):
        archive.pack(there, tmp_path / "a.tar")
    packed = names(tmp_path / "a.tar")
    assert {"bin/python", "bin/conda-unpack", f"{SITE}/pyspark/__init__.py"} <= packed
    assert f"{SITE}/pyspark/jars/spark-core.jar" not in packed


@pytest.mark.parametrize("links", [True, False])
def test_python_that_hosts_need(links: bool, tmp_path: Path) -> None:
    venv.create(tmp_path, symlinks=links)
    base = find(tmp_path).base
    assert base is not None and not base.is_relative_to(tmp_path)
    assert base.resolve() == Path(sys.executable).resolve()


def test_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path, symlinks=True)
    base = find(tmp_path).base
    assert base is not None

    def told() -> bool:
        return any("in a home folder" in line for line in _ties(find(tmp_path)))

    monkeypatch.setenv("HOME", str(base.parent))
    assert told()
    # What users of containers have for one, or none at all.
    monkeypatch.setenv("HOME", "/")
    assert not told()
    monkeypatch.setattr(Path, "home", homeless)
    assert not told()


def homeless() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_packages_that_venv_pack_refuses(small: Path, tmp_path: Path) -> None:
    (small / SITE / "mine.pth").write_text("/home/me/mine\n")
    with pytest.raises(UsageError, match=r"(?s)venv_pack does not pack .*/home/me/mine"):
        archive.pack(find(small), tmp_path / "a.tar")


def test_settings_beside_those_of_the_user(tmp_path: Path) -> None:
    mine = {"spark.archives": "d.zip#d", "spark.jars": "a.jar", "spark.plugins": "my.Plugin"}
    there, jar = Environment(tmp_path, "venv"), Path("/e/hydrofoil-spark.jar")
    made = settings.client(Path("/e.tar.gz"), there, jar, mine)
    assert made["spark.archives"] == "d.zip#d,/e.tar.gz#environment"
    assert made["spark.jars"] == "a.jar,/e/hydrofoil-spark.jar"
    assert made["spark.plugins"] == f"my.Plugin,{plugin.PLUGIN}"
    cluster = settings.cluster(Path("/e.tar.gz"), jar, mine)
    assert made == {**cluster, "spark.pyspark.driver.python": f"{tmp_path}/bin/python"}


def test_settings_for_paths_with_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    made = settings.cluster(Path("/my säcke/e.tar.gz"), Path("/my säcke/hydrofoil-spark.jar"), {})
    # Spark takes what stands behind a # for a name in URIs alone.
    assert made["spark.archives"] == "file:///my%20s%C3%A4cke/e.tar.gz#environment"
    _show(made)
    words = shlex.split(capsys.readouterr().out)
    assert words == [word for pair in made.items() for word in ("--conf", "=".join(pair))]
    _show(settings.cluster(Path("/e.tar.gz"), Path("/hydrofoil-spark.jar"), {}))
    assert "'" not in capsys.readouterr().out
