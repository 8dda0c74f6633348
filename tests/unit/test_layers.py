"""The rooms of the package: what each may import, and that nothing imports in a circle.

Imports for type checkers alone and those inside of functions count like all others. Names of
modules in strings don't: with them settings, tables and other processes are told what to import.
"""

import ast
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2] / "src"

# Room: the rooms that it may import, which all stand above it. A room is a folder or a file of
# src/hydrofoil. What lies in a room may import each other, but not in a circle.
ROOMS = {
    "_cext": "",
    "compiling": "",
    "errors": "",
    "lazy": "",
    "private": "",
    "version": "",
    "process": "errors",
    "stream": "_cext",
    "counts": "private",
    "recordings": "private",
    "deaths": "_cext",
    "failures": "_cext deaths private recordings",
    "reports": "counts deaths errors failures",
    "values": "_cext errors stream",
    "evals": "_cext counts deaths failures reports stream values",
    "holders": "deaths errors process",
    "settings": "counts deaths errors failures holders process",
    "spark": "_cext counts deaths errors evals failures process reports settings stream values",
    "worker": "process spark",
    "daemon": "deaths process spark worker",
    "aggregates": "errors",
    "gang": "errors lazy private settings values version",
    "waiting": "_cext errors failures gang private reports values",
    "decorators": (
        "_cext compiling deaths errors evals holders process reports settings spark values waiting"
    ),
    "predictors": "decorators errors holders",
    "ml": "decorators errors gang predictors",
    "driver": "_cext compiling counts decorators errors process settings spark stream values",
    # Named by the driver's table.
    "bridge": "_cext driver settings spark stream values",
    "tools": (
        "compiling counts daemon deaths decorators driver errors evals failures gang holders "
        "private process recordings reports settings spark values version worker"
    ),
    "__main__": "tools",
    # The public names, each imported when it is first used: no other module imports tools.
    "__init__": ("decorators driver lazy predictors reports settings tools values version waiting"),
}

# Rooms that leave a package of others' alone.
LEFT_ALONE = {"evals": "pyspark", "process": "pyspark.sql", "stream": "pyspark"}

Sources = Mapping[str, str]
Imports = dict[str, set[str]]


@cache
def sources() -> dict[str, str]:
    """The package's modules, by their paths from src."""
    paths = sorted(SOURCES.rglob("hydrofoil/**/*.py"))
    return {str(path.relative_to(SOURCES)): path.read_text(encoding="utf-8") for path in paths}


def imports(modules: Sources) -> Imports:
    """Which modules each of them imports, by their paths."""
    by_name = {name_of(path): path for path in modules}
    found: Imports = {}
    for path, source in modules.items():
        names = {n for n in imported(source) if n.partition(".")[0] == "hydrofoil"}
        found[path] = {file for name in names if (file := file_of(name, by_name))} - {path}
    return found


@cache
def of_the_package() -> Imports:
    return imports(sources())


def name_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(source: str) -> Iterator[str]:
    """The names of modules, and of what is imported from them, in a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "imports of this package name the whole path"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def file_of(name: str, by_name: Mapping[str, str]) -> str | None:
    """The module of an imported name, which may be something in a module. The core has no files."""
    if name.startswith("hydrofoil._cext."):
        return "hydrofoil/_cext/__init__.py"
    while name not in by_name:
        name = name.rpartition(".")[0]
    return by_name[name]


def upward(found: Imports, rooms: Mapping[str, str]) -> Iterator[str]:
    """Each import of a room that the importing one may not import."""
    for path, others in found.items():
        for other in sorted(others):
            here, there = room_of(path), room_of(other)
            if here not in rooms:
                yield f"{path}: {here} is no room of ROOMS"
            elif here != there and there not in rooms[here].split():
                yield f"{path} imports {other}: {here} may not import {there}"


def room_of(path: str) -> str:
    return path.split("/")[1].removesuffix(".py")


def circles(found: Imports) -> Iterator[str]:
    """The shortest circle of each module that is in one, and of the folders of each folder."""
    for folder in {""} | {f"{parent}/" for path in found for parent in parents(path)}:
        within: dict[str, dict[str, str]] = {}
        for path, others in found.items():
            for other in others:
                if path.startswith(folder) and other.startswith(folder):
                    here, there = child_of(folder, path), child_of(folder, other)
                    if here != there:
                        within.setdefault(here, {})[there] = f"{path} imports {other}"
        yield from (", ".join(circle) for circle in shortest(within))


def child_of(folder: str, path: str) -> str:
    return path.removeprefix(folder).partition("/")[0]


def parents(path: str) -> list[str]:
    return [str(parent) for parent in Path(path).parents][:-1]


def shortest(graph: Mapping[str, Mapping[str, str]]) -> Iterator[list[str]]:
    """A circle for each set of nodes that have one, as what its edges say."""
    told: set[str] = set()
    for start in sorted(graph):
        if start in told:
            continue
        ways: dict[str, list[str]] = {start: []}
        waiting = [start]
        while waiting:
            node = waiting.pop(0)
            for other, said in graph.get(node, {}).items():
                if other == start:
                    told |= ways.keys()
                    yield [*ways[node], said]
                    waiting = []
                    break
                if other not in ways:
                    ways[other] = [*ways[node], said]
                    waiting.append(other)


def test_a_room_imports_only_those_above_it() -> None:
    above: list[str] = []
    for room, others in ROOMS.items():
        assert set(others.split()) <= set(above), f"{room}: put it below what it imports"
        above.append(room)
    assert not list(upward(of_the_package(), ROOMS))


def test_rooms_leave_packages_alone() -> None:
    found = [
        f"{path} imports {name}"
        for path, source in sources().items()
        if (package := LEFT_ALONE.get(room_of(path)))
        for name in imported(source)
        if f"{name}.".startswith(f"{package}.")
    ]
    assert not found


def test_nothing_is_imported_in_a_circle() -> None:
    assert not list(circles(of_the_package()))


@pytest.mark.parametrize(
    "source",
    [
        "from hydrofoil.evals.batched import RowBatches\n",
        "if TYPE_CHECKING:\n    from hydrofoil.evals import batched\n",
        "def late():\n    import hydrofoil.evals.batched\n",
    ],
    ids=["upward", "for type checkers", "in a function"],
)
def test_an_import_upward_is_found(source: str) -> None:
    made = {"hydrofoil/stream/new.py": source, "hydrofoil/evals/batched.py": ""}
    assert list(upward(imports(made), ROOMS)) == [
        "hydrofoil/stream/new.py imports hydrofoil/evals/batched.py: stream may not import evals"
    ]


@pytest.mark.parametrize("other", ["hydrofoil/process/two.py", "hydrofoil/process/under/two.py"])
@pytest.mark.parametrize("head", ["", "if TYPE_CHECKING:\n    ", "def late():\n    "])
def test_a_circle_is_found(head: str, other: str) -> None:
    made = {
        "hydrofoil/process/one.py": f"from {name_of(other)} import b\n",
        other: f"{head}from hydrofoil.process import one\n",
    }
    [circle] = circles(imports(made))
    assert circle == (
        f"hydrofoil/process/one.py imports {other}, {other} imports hydrofoil/process/one.py"
    )


def test_folders_in_a_circle_are_found() -> None:
    made = {
        "hydrofoil/tools/a/one.py": "from hydrofoil.tools.b import two\n",
        "hydrofoil/tools/a/two.py": "",
        "hydrofoil/tools/b/one.py": "from hydrofoil.tools.a.two import name\n",
        "hydrofoil/tools/b/two.py": "",
    }
    assert list(circles(imports(made))) == [
        "hydrofoil/tools/a/one.py imports hydrofoil/tools/b/two.py, "
        "hydrofoil/tools/b/one.py imports hydrofoil/tools/a/two.py"
    ]


def test_every_room_says_its_rule() -> None:
    silent = [
        path
        for path, source in sources().items()
        if path.endswith("/__init__.py") and not path.startswith("hydrofoil/_cext/")
        if not ast.get_docstring(ast.parse(source))
    ]
    assert not silent, "write the rule of these rooms into their docstrings"


def test_no_module_is_called_like_one_of_the_standard_library() -> None:
    names = {part for path in sources() for part in name_of(path).split(".")}
    assert not names & sys.stdlib_module_names
