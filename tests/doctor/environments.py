"""Python environments with something missing, or of another version."""

import shutil
import sysconfig
import venv
import zipfile
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import hydrofoil

# What a worker of stock PySpark needs, and the hydrofoil command, with the dependencies of each.
FOR_STOCK = (
    "pyspark",
    "py4j",
    "pyarrow",
    "numpy",
    "pandas",
    "python-dateutil",
    "pytz",
    "tzdata",
    "six",
)
FOR_COMMAND = ("click", "rich", "Pygments", "markdown-it-py", "mdurl", "psutil")


def copy_of_hydrofoil(folder: Path, version: str | None = None, extension: bool = True) -> Path:
    """Copy the package into a folder, and return the folder."""
    package = Path(hydrofoil.__file__).parent
    left_out = ["*.pyc"] if extension else ["*.pyc", "*.so"]
    shutil.copytree(package, folder / "hydrofoil", ignore=shutil.ignore_patterns(*left_out))
    if version is not None:
        source = folder / "hydrofoil" / "version.py"
        source.write_text(source.read_text().replace(hydrofoil.__version__, version))
        record_version(folder, "hydrofoil", version)
    return folder


def package_of_version(folder: Path, name: str, version: str) -> Path:
    """Make an installed package that has only a version, and return its folder."""
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(f"__version__ = {version!r}\n")
    record_version(folder, name, version)
    return folder


def record_version(folder: Path, name: str, version: str) -> None:
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def wheel_of_hydrofoil(folder: Path) -> Path:
    """Make a wheel of the package as it is here, with its core and its jar, and return its path."""
    tag = sysconfig.get_config_var("SOABI").split("-")[1]
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    tag = f"cp{tag}-cp{tag}-{platform}"
    info = f"hydrofoil-{hydrofoil.__version__}.dist-info"
    installed = distribution("hydrofoil")
    texts = {name: installed.read_text(name) or "" for name in ("METADATA", "entry_points.txt")}
    texts["WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n"
    package = Path(hydrofoil.__file__).parent
    files = {
        f"hydrofoil/{path.relative_to(package)}": path
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = [*files, *(f"{info}/{name}" for name in (*texts, "RECORD"))]
    wheel = folder / f"hydrofoil-{hydrofoil.__version__}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, path in files.items():
            archive.write(path, name)
        for name, text in texts.items():
            archive.writestr(f"{info}/{name}", text)
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
    return wheel


def environment_with(folder: Path, names: Iterable[str]) -> Path:
    """Make a virtual environment, and return its folder of packages.

    The packages are links to those of the tests' own environment.
    """
    venv.create(folder, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    for name in names:
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue  # Not every version of pandas needs all of them.
        for top in {file.parts[0] for file in installed.files or ()} - {"..", "__pycache__"}:
            (packages / top).symlink_to(Path(str(installed.locate_file(top))).resolve())
    return packages
