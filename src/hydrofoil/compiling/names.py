"""What a function's free names stand for, if that is the same where it runs.

A function that is pickled by value takes the values of its closure and of its globals along, as
they are at that moment. One of a module that workers import too finds that module's values there:
then a name counts only if the module's source says by itself what it stands for, once, and the
value here is that one.
"""

import ast
import builtins
import linecache
import sys
import types
from functools import lru_cache
from typing import Any

from hydrofoil.compiling.constants import constant, constants
from hydrofoil.compiling.refused import Refused
from hydrofoil.compiling.sources import Source, parsed

# What a module can do to its names that its source does not show.
_HIDDEN = frozenset({"globals", "exec", "__dict__", "vars", "setattr"})


class Names:
    """The free names of a function.

    Parameters
    ----------
    function : function
    source : Source
        Its tree and its module's.
    """

    def __init__(self, function: types.FunctionType, source: Source) -> None:
        self._function = function
        self._module = source.module
        self._imported = is_imported(function)
        code = function.__code__
        if getattr(function, "__builtins__", None) is not vars(builtins):
            raise Refused("it has builtins of its own")
        self._cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))

    def value(self, name: str, node: ast.AST) -> Any:
        """What a name stands for.

        Raises
        ------
        Refused
            It has no value, or may have another one in a worker.
        """
        if name.startswith("__"):
            raise Refused(f"{name} in it", node)
        if name in self._cells:
            try:
                return self._cells[name].cell_contents
            except ValueError:
                raise Refused(f"{name} has no value yet", node) from None
        if name in self._function.__globals__:
            value = self._function.__globals__[name]
            if self._imported:
                check(self._module, self._function.__module__, name, value, node)
            return value
        if self._imported and name in _bound(self._module):
            raise Refused(f"{name} is bound in its module while that runs", node)
        value = getattr(builtins, name, None)
        if value is None:
            raise Refused(f"{name} has no value yet", node)
        if getattr(value, "__module__", None) != "builtins":
            # A worker has Python's own.
            raise Refused(f"{name}, which is another one than Python's own", node)
        return value


def check(module: ast.Module, where: str, name: str, value: Any, node: ast.AST) -> None:
    """See that a name of an imported module stands for this value wherever it is imported.

    Parameters
    ----------
    module : ast.Module
        Its tree.
    where : str
        Its name.
    name : str
    value : object
        What the name stands for here.
    node : ast.AST
        Where it is used.

    Raises
    ------
    Refused
        Its source does not show that.
    """
    what = f"{name} of the module {where}, which workers import,"
    bound = _bound(module)
    statements = bound.get(name, [])
    if "*" in bound or _HIDDEN & _words(module):
        raise Refused(f"{what} may be bound in ways that its source does not show", node)
    if len(statements) != 1 or statements[0] not in module.body:
        raise Refused(f"{what} is not bound just once, at its top", node)
    statement = statements[0]
    if isinstance(statement, ast.Import | ast.ImportFrom):
        fixed = getattr(statement, "module", None) in ("math", "string")
        if not fixed and not _is_code(value):
            raise Refused(f"{what} is a value of another module", node)
        return
    if isinstance(statement, ast.FunctionDef):
        if type(value) is not types.FunctionType or not is_imported(value):
            raise Refused(f"{what} is not the function of that name", node)
        return
    if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
        written = _literal(statement.value)
        if written is not None and _same(written[0], value):
            if type(value) in (dict, list, set) and not _only_read(module, name):
                raise Refused(f"{what} is changed, or given to what may change it", node)
            return
    raise Refused(f"{what} is not written as a constant", node)


def check_member(module: types.ModuleType, name: str, value: Any, node: ast.AST) -> None:
    """The same for ``module.name``.

    Raises
    ------
    Refused
        See `check`; or the module has no source.
    """
    file = getattr(module, "__file__", None) or ""
    tree = parsed("".join(linecache.getlines(file, vars(module))))
    if tree is None or sys.modules.get(module.__name__) is not module:
        raise Refused(f"{module.__name__}.{name}, of a module whose source is not known", node)
    check(tree, module.__name__, name, value, node)


def _is_code(value: Any) -> bool:
    if type(value) is types.FunctionType:
        return is_imported(value)
    return isinstance(value, types.ModuleType | types.BuiltinFunctionType | type)


def is_imported(function: types.FunctionType) -> bool:
    """Whether workers may find the function in a module instead of in its pickle."""
    from pyspark.cloudpickle import cloudpickle

    if function.__module__ == "__main__":
        return False
    asked = getattr(cloudpickle, "_should_pickle_by_reference", None)
    return asked is None or bool(asked(function))


@lru_cache(maxsize=32)
def _bound(module: ast.Module) -> dict[str, list[ast.AST]]:
    """The statements that bind each name of a module's, anywhere; "*" for a star import."""
    found: dict[str, list[ast.AST]] = {}
    for statement, node, inside in _walk(module):
        if isinstance(node, ast.Global):
            names = node.names
        elif inside:
            continue
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names = [node.id]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [(one.asname or one.name).split(".")[0] for one in node.names]
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            names = [node.name] if node.name else []
        elif isinstance(node, ast.MatchMapping):
            names = [node.rest] if node.rest else []
        else:
            continue
        for name in names:
            # A walrus in a comprehension of the module's binds its name, too.
            found.setdefault(name, []).append(statement)
    return found


def _walk(module: ast.Module) -> Any:
    """Each node with its statement of the module's top, and whether it is inside of a scope."""
    for statement in module.body:
        waiting: list[tuple[ast.AST, bool]] = [(statement, False)]
        while waiting:
            node, inside = waiting.pop()
            yield statement, node, inside
            scope = isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
            )
            waiting += [(one, inside or scope) for one in ast.iter_child_nodes(node)]


@lru_cache(maxsize=32)
def _words(module: ast.Module) -> frozenset[str]:
    found = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return frozenset(found)


def _literal(node: ast.expr) -> tuple[Any] | None:
    try:
        if isinstance(node, ast.Call) and not node.keywords and len(node.args) == 1:
            if isinstance(node.func, ast.Name) and node.func.id == "frozenset":
                return (frozenset(ast.literal_eval(node.args[0])),)
            return None
        return (ast.literal_eval(node),)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _folded(node)


def _folded(node: ast.expr) -> tuple[Any] | None:
    """The value of arithmetic with numbers alone, such as 60 * 60."""
    for one in ast.walk(node):
        known = ast.BinOp | ast.UnaryOp | ast.Constant | ast.operator | ast.unaryop
        if not isinstance(one, known) or isinstance(one, ast.Pow | ast.LShift):
            return None
    try:
        code = compile(ast.Expression(node), "<constant>", "eval")
        return (eval(code, {"__builtins__": {}}),)
    except (ArithmeticError, TypeError, ValueError):
        return None


def _same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if type(one) is dict:
        return list(map(constant, one)) == list(map(constant, other)) and all(
            _same(one[key], other[key]) for key in one
        )
    if type(one) in (list, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if type(one) in (set, frozenset):
        found = constants(one)
        return found is not None and found == constants(other)
    node = constant(one)
    return node is not None and node == constant(other)


@lru_cache(maxsize=256)
def _only_read(module: ast.Module, name: str) -> bool:
    """Whether each use of a name is one that can't change what it stands for."""
    fine: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            fine.add(id(node.value))
        elif isinstance(node, ast.Compare):
            fine |= {
                id(right)
                for how, right in zip(node.ops, node.comparators, strict=True)
                if isinstance(how, ast.In | ast.NotIn)
            }
        elif isinstance(node, ast.For | ast.comprehension):
            fine.add(id(node.iter))
        elif isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Attribute) and function.attr in ("get", "index", "count"):
                fine.add(id(function.value))
            if isinstance(function, ast.Name) and function.id == "len":
                fine |= {id(one) for one in node.args}
    return all(
        id(node) in fine or not isinstance(node.ctx, ast.Load)
        for node in ast.walk(module)
        if isinstance(node, ast.Name) and node.id == name
    )
