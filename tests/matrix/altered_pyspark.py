"""Altered copies of PySpark, as platforms ship them: what is altered is consistent in itself.

As a program it replays recorded tasks to both workers of many alterations, each in a fork.
"""

import ast
import io
import os
import pickle
import sys
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from hydrofoil.recordings.recording import Recording


@dataclass(frozen=True)
class Alteration:
    """One function of stock's, and what is done to it."""

    name: str
    how: str

    def __str__(self) -> str:
        return f"{self.name}: {self.how}"


# What is no function: an attribute that has another name.
ATTRIBUTE = "is an attribute with a new name"

HOWS = ("has one parameter more", "has a renamed parameter", "is renamed", "is a class")
MORE, PARAMETER, RENAMED, CLASS = HOWS

_WRAPPERS = {
    MORE: "def {0}(added, *args, **kwargs):\n    return {0}_published(*args, **kwargs)\n",
    CLASS: "class {0}:\n    def __new__(cls, *args, **kwargs):\n"
    "        return {0}_published(*args, **kwargs)\n",
}


def alter(source: str, alteration: Alteration) -> str:
    """A module's source with a function altered, and all calls of it in that module."""
    if alteration.how == ATTRIBUTE:
        return source.replace(alteration.name, f"{alteration.name}_renamed")
    return ast.unparse(alter_tree(ast.parse(source), alteration))


def alter_tree(tree: ast.Module, alteration: Alteration) -> ast.Module:
    """As `alter`; the tree is changed."""
    tree = _Alter(alteration).visit(tree)
    wrapper = _WRAPPERS.get(alteration.how, "").format(alteration.name)
    # In front of the last statement, which runs the module.
    tree.body[-1:-1] = ast.parse(wrapper).body if _defines(tree, alteration.name) else []
    return ast.fix_missing_locations(tree)


def _defines(tree: ast.Module, name: str) -> bool:
    return f"{name}_published" in ast.dump(tree)


class _Alter(ast.NodeTransformer):
    def __init__(self, alteration: Alteration) -> None:
        self.name, self.how = alteration.name, alteration.how
        self.parameter = ""

    def _named(self, name: str) -> str:
        if name != self.name or self.how == PARAMETER:
            return name
        return f"{name}_renamed" if self.how == RENAMED else f"{name}_published"

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if node.name == self.name and self.how == PARAMETER and node.args.args:
            self.parameter = node.args.args[-1].arg
            node.args.args[-1].arg += "_renamed"
            for inner in ast.walk(node):
                if isinstance(inner, ast.Name) and inner.id == self.parameter:
                    inner.id += "_renamed"
        node.name = self._named(node.name)
        return self.generic_visit(node)

    visit_ClassDef = visit_FunctionDef

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        for alias in node.names:
            if alias.asname is None and self._named(alias.name) != alias.name:
                alias.asname = self._named(alias.name)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if self.how == RENAMED:
            node.id = self._named(node.id)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == self.name:
            if self.how == MORE:
                node.args.insert(0, ast.Constant(None))
            for keyword in node.keywords:
                if keyword.arg and keyword.arg == self.parameter:
                    keyword.arg += "_renamed"
        return self.generic_visit(node)


def copy_of_pyspark(folder: Path, **sources: str) -> Path:
    """A folder for PYTHONPATH whose pyspark has these modules' sources; the rest are links.

    Executors put Spark's own archive in front of PYTHONPATH, and this in front of that.
    """
    import pyspark

    package = folder / "pyspark"
    package.mkdir(parents=True)
    for path in Path(pyspark.__file__).parent.iterdir():
        if path.stem in sources:
            (package / path.name).write_text(sources[path.stem])
        elif path.name != "__pycache__":
            (package / path.name).symlink_to(path)
    (folder / "sitecustomize.py").write_text(f"import sys\nsys.path.insert(0, {str(folder)!r})\n")
    return folder


class _Loader(SourceFileLoader):
    """Loads altered code as if the published file held it."""

    altered: CodeType

    def get_code(self, fullname: str) -> CodeType:
        return self.altered


def _replay(
    alteration: Alteration, path: str, tree: ast.Module, recordings: list[Recording]
) -> list[object]:
    """(None, answers of the altered worker, of ours on top of it, our messages), or the problem."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        with open(reader, "rb") as file:
            data = file.read()
        _, status = os.waitpid(child, 0)
        return pickle.loads(data) if data else [f"{alteration}: exit status {status}"]
    try:
        messages = sys.stderr = io.StringIO()
        if alteration.how == ATTRIBUTE:
            tree = ast.parse(alter(ast.unparse(tree), alteration))
        else:
            tree = alter_tree(tree, alteration)
        altered = _as_pyspark_worker(path, compile(tree, path, "exec"))
        from hydrofoil import worker

        stock = [_run(altered.main, recording) for recording in recordings]
        ours = [_run(worker.main, recording) for recording in recordings]
        outcome = [None, stock, ours, messages.getvalue()]
    except BaseException as error:
        outcome = [f"{alteration}: {type(error).__name__}: {error}"]
    with open(writer, "wb") as file:
        pickle.dump(outcome, file)
    os._exit(0)


def _as_pyspark_worker(path: str, code: CodeType) -> ModuleType:
    import pyspark

    loader = _Loader("pyspark.worker", path)
    loader.altered = code
    spec = spec_from_file_location("pyspark.worker", path, loader=loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules["pyspark.worker"] = vars(pyspark)["worker"] = module
    loader.exec_module(module)
    return module


def _run(main, recording: Recording) -> tuple[int, bytes]:
    outfile = io.BytesIO()
    status = 0
    try:
        main(io.BytesIO(recording.data), outfile)
    except SystemExit as end:
        status = 0 if end.code is None else int(end.code)
    return status, outfile.getvalue()


if __name__ == "__main__":
    # What every fork needs, but neither of the workers.
    import pandas  # noqa: F401
    import pyspark.sql.pandas.serializers
    import pyspark.worker

    import hydrofoil.evals.batched
    import hydrofoil.evals.pickled  # noqa: F401

    path = pyspark.worker.__file__
    published = ast.parse(Path(path).read_text())
    alterations, recordings = pickle.load(sys.stdin.buffer)
    answers = [_replay(alteration, path, published, recordings) for alteration in alterations]
    pickle.dump(answers, sys.stdout.buffer)
