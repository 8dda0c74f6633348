"""The core's stubs against the core, for `make lint`: the extension has to be built.

mypy's stubtest compares all but what `__cinit__` takes, which a compiled class does not tell; that
is read in the sources.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from setup import MODULES  # noqa: E402

PACKAGE = "hydrofoil._cext"
SOURCES = ROOT / "cext" / "hydrofoil" / "_cext"
STUBS = ROOT / "src" / "hydrofoil" / "_cext"
STUBTEST = ("-m", "mypy.stubtest", PACKAGE, "--mypy-config-file", "pyproject.toml")
# That compiled classes are laid out by C, so that none has two of them as bases, is left unsaid.
OPTIONS = ("--allowlist", ".ci/stubs.allow", "--ignore-disjoint-bases")

CLASS = re.compile(r"^cdef class (\w+)(?:\((\w+)\))?:$", re.M)
CONSTRUCTOR = re.compile(r"^    def __cinit__\(\s*self,?([^)]*(?:\(\)[^)]*)?)\):", re.M)


def main() -> int:
    errors = [*without_partner(), *other_constructors()]
    done = subprocess.run(
        [sys.executable, *STUBTEST, *OPTIONS], cwd=ROOT, capture_output=True, text=True, check=False
    )
    compared = re.search(r"no issues found in (\d+) modules", done.stdout)
    # The modules and the packages that they are in.
    expected = len(MODULES) + len(list(STUBS.rglob("__init__.py")))
    if done.returncode or not compared:
        errors.append(done.stdout + done.stderr or "stubtest compared no modules and said nothing")
    elif int(compared[1]) != expected:
        errors.append(f"stubtest compared {compared[1]} modules, and there are {expected}")
    print("\n".join(errors) or f"{expected} modules of the core are as their stubs say")
    return 1 if errors else 0


def without_partner() -> Iterator[str]:
    """Modules without a stub, and stubs without a module."""
    stubs = {".".join(path.relative_to(STUBS).with_suffix("").parts) for path in stub_files()}
    yield from (f"{PACKAGE}.{name} has no stub" for name in sorted(set(MODULES) - stubs))
    yield from (f"{PACKAGE}.{name} is a stub of no module" for name in sorted(stubs - set(MODULES)))


def other_constructors() -> Iterator[str]:
    """Classes whose `__cinit__` takes something else than their stub's `__new__`."""
    compiled: dict[str, tuple[str, str | None]] = {}
    stubbed: dict[str, tuple[str, str | None]] = {}
    for path in SOURCES.rglob("*.pyx"):
        compiled |= classes_of_source(path.read_text(encoding="utf-8"))
    for path in stub_files():
        stubbed |= classes_of_stub(path.read_text(encoding="utf-8"))
    checked = compiled.keys() & stubbed.keys()
    if not checked:
        yield "no class is in the sources and in the stubs"
    for name in sorted(checked):
        takes, says = inherited(name, compiled), inherited(name, stubbed)
        if takes != says:
            yield f"{name} takes ({takes}), and its stub says ({says})"


def stub_files() -> list[Path]:
    return [*STUBS.rglob("*.pyi")]


def inherited(name: str, classes: dict[str, tuple[str, str | None]]) -> str:
    """What the constructor of a class or of its nearest base takes."""
    while name in classes:
        base, arguments = classes[name]
        if arguments is not None:
            return arguments
        name = base
    return ""


def classes_of_source(source: str) -> dict[str, tuple[str, str | None]]:
    """For each class its base, and the arguments of its `__cinit__` if it has one of its own."""
    found: dict[str, tuple[str, str | None]] = {}
    starts = [*CLASS.finditer(source)]
    ends = [*(start.start() for start in starts), len(source)][1:]
    for start, end in zip(starts, ends, strict=True):
        constructor = CONSTRUCTOR.search(source, start.end(), end)
        arguments = constructor and ", ".join(map(without_type, arguments_of(constructor[1])))
        # What takes anything leaves it to the classes that are made of it.
        found[start[1]] = (start[2] or "", None if arguments == "*args, **kwargs" else arguments)
    return found


def arguments_of(text: str) -> list[str]:
    return [argument.strip() for argument in text.split(",") if argument.strip()]


def without_type(argument: str) -> str:
    """``list names not None=()`` as ``names=()``."""
    name, _, default = argument.partition("=")
    name = name.replace(" not None", "").split()[-1]
    return f"{name}={default}" if default else name


def classes_of_stub(stub: str) -> dict[str, tuple[str, str | None]]:
    """For each class its base, and the arguments of its `__new__` if it has one of its own."""
    found: dict[str, tuple[str, str | None]] = {}
    for node in ast.parse(stub).body:
        if isinstance(node, ast.ClassDef):
            [base, *_] = [*map(ast.unparse, node.bases), ""]
            functions = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            [made, *_] = [*(each for each in functions if each.name == "__new__"), None]
            found[node.name] = (base, untyped(made.args) if made else None)
    return found


def untyped(arguments: ast.arguments) -> str:
    named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    for argument in (*named, *filter(None, (arguments.vararg, arguments.kwarg))):
        argument.annotation = None
    return ast.unparse(arguments).removeprefix("cls").removeprefix(", ")


if __name__ == "__main__":
    sys.exit(main())
