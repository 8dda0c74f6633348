"""Checks the Scala sources: where they are, what they import, and how they are laid out.

    python jvm/lint.py          # names what is wrong, one a line
    python jvm/lint.py --fix    # puts imports and blank space in order first

It stands in for scalafmt, which no registry that the project uses has in a form that serves: npm's
is of 2017, and takes half a minute. What a compiler sees, such as an import that nothing uses, is
left to the compiler, for which warnings are errors (see build.py).
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = "org.apache.spark.sql.hydrofoil"

# The packages of src, in the order in which they build on one another: none imports a later one.
LAYERS = (
    "settings",
    "memory",
    "build",
    "results",
    "local",
    "shim",
    "exchange",
    "codegen",
    "compiled",
    "exec",
    "grouped",
    "plan",
    "frames",
)
# What the adapters may import of them. Nothing in src imports an adapter: it is loaded by its name.
OF_SHIMS = ("shim", "shims.common")

WIDTH = 100
MOST_LINES = 350
MOST_LINES_OF_A_METHOD = 45

IMPORT = re.compile(r"^import ([\w.]+)\.(?:(\w+)|\{([^}]*)\})$", re.MULTILINE)
DEFINITION = re.compile(
    r"^(?:(?:private|sealed|final|abstract|case)(?:\[\w+\])? )*(?:class|object|trait) (\w+)",
    re.MULTILINE,
)
METHOD = re.compile(r"^( *)(?:(?:override|final|private|protected)(?:\[\w+\])? )*def (\w+)")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


@dataclass
class Source:
    """A file and its text."""

    path: Path
    text: str

    @property
    def name(self) -> str:
        return self.path.relative_to(HERE.parent).as_posix()

    @property
    def code(self) -> str:
        """The text without its comments and its package."""
        return re.sub(r"^package .*$", "", COMMENT.sub("", self.text), flags=re.MULTILINE)

    @property
    def package(self) -> str:
        found = re.search(r"^package ([\w.]+)$", self.text, re.MULTILINE)
        return found[1] if found else ""


def sources() -> list[Source]:
    parts = ("src", "shims", "plugin", "bridge", "files", "tests", "api")
    paths = (path for part in parts for path in sorted((HERE / part).rglob("*.scala")))
    return [Source(path, path.read_text(encoding="utf-8")) for path in paths]


def problems(files: Iterable[Source]) -> Iterator[str]:
    """Everything that is wrong, as ``file:line: what``."""
    files = list(files)
    yield from _layers(files)
    for source in files:
        yield from _place(source)
        yield from _layout(source)
        if source.path.relative_to(HERE).parts[0] != "api":
            yield from _lengths(source)
        if _imports_in_order(source.text) != source.text:
            yield f"{source.name}: imports are not in order (python jvm/lint.py --fix)"


def _layers(files: list[Source]) -> Iterator[str]:
    """Imports against the direction, which name the files at both ends."""
    homes = {
        f"{source.package}.{name}": source.name
        for source in files
        for name in DEFINITION.findall(source.text)
    }
    for source in files:
        here = _layer(source.package)
        if here is None:
            continue
        for package, name in sorted(_references(source)):
            if not _may_import(here, package):
                home = homes.get(f"{OURS}.{package}.{name}", f"the package {package}")
                yield (
                    f"{source.name} imports {name} of {home}: {here} must not build on {package}, "
                    "see jvm/lint.py"
                )


def _layer(package: str) -> str | None:
    """The package's name below ours, for those that have to keep to a direction."""
    inner = package.removeprefix(OURS + ".")
    return inner if inner in LAYERS or inner.startswith("shims.") else None


def _references(source: Source) -> set[tuple[str, str]]:
    """Our packages that a file's code names, each with what it takes of them."""
    found = set()
    for package, name in re.findall(rf"\b{re.escape(OURS)}\.((?:shims\.)?\w+)\.(\w+)", source.code):
        found.add((package, name))
    for base, name, names in IMPORT.findall(source.code):
        package = base.removeprefix(OURS + ".")
        if package != base:
            found.update((package, each.split()[0]) for each in (name or names).split(","))
    return {(package, name) for package, name in found if package != _layer(source.package)}


def _may_import(here: str, there: str) -> bool:
    if here.startswith("shims."):
        return there in OF_SHIMS
    return there in LAYERS and LAYERS.index(there) < LAYERS.index(here)


def _place(source: Source) -> Iterator[str]:
    """A file of src, shims or tests is in the folder of its package, which says what it is for."""
    part, *folders = source.path.relative_to(HERE).parts[:-1]
    if part in ("plugin", "bridge", "files", "api"):
        return
    if part == "src":
        wanted = f"{OURS}.{folders[0]}" if folders else "org.hydrofoil.spark"
    else:
        wanted = ".".join([OURS, part, *folders])
    if source.package != wanted:
        yield f"{source.name}: its package is {source.package}, and its folder's is {wanted}"
    if part == "src" and folders:
        says = source.path.with_name("package.scala")
        if folders[0] not in LAYERS:
            yield f"{source.name}: {folders[0]} has no place in LAYERS of jvm/lint.py"
        if not says.is_file() or not says.read_text(encoding="utf-8").startswith("/** "):
            yield f"{source.name}: package.scala beside it does not say what the package is for"


def _layout(source: Source) -> Iterator[str]:
    lines = source.text.split("\n")
    for number, line in enumerate(lines, 1):
        place = f"{source.name}:{number}"
        if len(line) > WIDTH:
            yield f"{place}: {len(line)} characters, of {WIDTH} at most"
        if "\t" in line:
            yield f"{place}: a tab"
        margin = re.match(r" *", line)
        assert margin is not None
        if len(margin[0]) % 2 and not line.lstrip().startswith(("*", "|")) and '"""' not in line:
            yield f"{place}: indented by {len(margin[0])}"
    if _blanks_in_order(source.text) != source.text:
        yield f"{source.name}: blank space is not in order (python jvm/lint.py --fix)"


def _lengths(source: Source) -> Iterator[str]:
    lines = source.text.split("\n")
    if len(lines) > MOST_LINES:
        yield f"{source.name}: {len(lines)} lines, of {MOST_LINES} at most"
    for number, line in enumerate(lines):
        if method := METHOD.match(line):
            end = number + 1
            while end < len(lines) and (not lines[end] or lines[end].startswith(method[1] + " ")):
                end += 1
            if end - number > MOST_LINES_OF_A_METHOD:
                yield (
                    f"{source.name}:{number + 1}: {method[2]} has {end - number} lines, "
                    f"of {MOST_LINES_OF_A_METHOD} at most"
                )


def _blanks_in_order(text: str) -> str:
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"


def _imports_in_order(text: str) -> str:
    """The text with the imports below its package in the one order that there is.

    Java's come first, then Scala's, then all others, by name whatever the case; what is imported of
    one place is imported at once.
    """
    found: list[re.Match[str]] = []
    for match in re.finditer(IMPORT.pattern + r"\n+", text, re.MULTILINE):
        if found and match.start() != found[-1].end():
            break
        found.append(match)
    if not found:
        return text
    taken: dict[str, set[str]] = {}
    for match in found:
        names = match[2] or match[3]
        taken.setdefault(match[1], set()).update(" ".join(n.split()) for n in names.split(","))
    blocks = []
    for begin in (("java.", "javax."), ("scala.",), ("",)):
        bases = [b for b in taken if b.startswith(begin)]
        blocks.append([_import(b, taken.pop(b)) for b in sorted(bases, key=str.lower)])
    block = "\n\n".join("\n".join(block) for block in blocks if block)
    rest = text[: found[0].start()] + block + "\n\n"
    return rest + text[found[-1].end() :]


def _import(base: str, names: set[str]) -> str:
    ordered = ["_"] if "_" in names else sorted(names, key=str.lower)
    if len(ordered) == 1 and "=>" not in ordered[0]:
        return f"import {base}.{ordered[0]}"
    line = f"import {base}.{{{', '.join(ordered)}}}"
    if len(line) <= WIDTH:
        return line
    lines = [f"import {base}.{{"]
    current = " "
    for word in [f"{name}," for name in ordered[:-1]] + [ordered[-1] + "}"]:
        if len(current) + 1 + len(word) > WIDTH:
            lines.append(current)
            current = " "
        current += " " + word
    return "\n".join([*lines, current])


def fix(source: Source) -> None:
    text = _imports_in_order(_blanks_in_order(source.text))
    if text != source.text:
        source.path.write_text(text, encoding="utf-8")
        source.text = text


def main() -> None:
    files = sources()
    if sys.argv[1:] == ["--fix"]:
        for source in files:
            fix(source)
    found = list(problems(files))
    print("\n".join(found) if found else f"{len(files)} Scala files are in order")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
