"""The syntax tree of a function, and the proof that it is this function's.

A tree is found by name and line in the source, and compiled again: it counts only if that gives
the very same code. So the wrong lambda of a line is never taken, nor a source that was edited
since: trees that give the same code mean the same.
"""

import __future__

import ast
import copy
import inspect
import linecache
import sys
import textwrap
import tokenize
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

from hydrofoil.compiling.refused import Refused

Definition = ast.FunctionDef | ast.Lambda

# *args, **kwargs, generators, coroutines, asynchronous generators.
_KINDS = 0x04 | 0x08 | 0x20 | 0x80 | 0x100 | 0x200
_FUTURES = 0
for _name in __future__.all_feature_names:
    _FUTURES |= getattr(__future__, _name).compiler_flag


@dataclass(frozen=True)
class Source:
    """A function's tree, and that of the module that it is in."""

    definition: Definition
    module: ast.Module


def source_of(function: FunctionType) -> Source:
    """Find the tree of a function.

    Raises
    ------
    Refused
        Its source is not there, is another one by now, or the function is not written by ``def``
        or ``lambda``.
    """
    code = function.__code__
    linecache.checkcache(code.co_filename)
    lines = linecache.getlines(code.co_filename, function.__globals__)
    if not lines:
        raise Refused(f"its source is not known: there is no {code.co_filename}")
    module = parsed("".join(lines))
    imported = () if module is None else _imported(module)
    if module is None:
        # A page with Python in it.
        module = _part(lines, code)
        values = function.__globals__
        imported = tuple(n for n in code.co_names if type(values.get(n)) is ModuleType)
    asynchronous = False
    for node in ast.walk(module):
        if isinstance(node, ast.AsyncFunctionDef) and node.name == code.co_name:
            asynchronous = True
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            continue
        if _may_be(node, code) and _is(node, code, imported):
            return Source(node, module)
    if asynchronous:
        raise Refused("it is asynchronous")
    raise Refused("its source does not compile to its code: it was edited, made or changed since")


def _part(lines: list[str], code: CodeType) -> ast.Module:
    """The tree of the lines from a function's first one on, in a file that is no Python."""
    first = code.co_firstlineno - 1
    try:
        block = inspect.getblock(lines[first:])
    except (SyntaxError, IndentationError, tokenize.TokenError):
        block = []
    tree = parsed(textwrap.dedent("".join(block)))
    if tree is None:
        raise Refused(f"its source in {code.co_filename} is not Python by itself")
    # Trees of the same text are one object.
    copied = copy.deepcopy(tree)
    ast.increment_lineno(copied, first)
    return copied


@lru_cache(maxsize=32)
def parsed(text: str) -> ast.Module | None:
    """The tree of a module's text, or None if it is not Python."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=32)
def _imported(module: ast.Module) -> tuple[str, ...]:
    """The names that imports outside of functions and classes bind."""
    found: dict[str, None] = {}
    waiting: list[ast.AST] = [module]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= dict.fromkeys((one.asname or one.name).split(".")[0] for one in node.names)
        scope = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)
        if not scope:
            waiting += ast.iter_child_nodes(node)
    found.pop("*", None)
    return tuple(found)


def _may_be(node: Definition, code: CodeType) -> bool:
    if isinstance(node, ast.Lambda):
        return code.co_name == "<lambda>" and node.lineno == code.co_firstlineno
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    return node.name == code.co_name and first == code.co_firstlineno


def _is(node: Definition, code: CodeType, imported: tuple[str, ...]) -> bool:
    """Whether the tree compiles to the code."""
    arguments = ast.arguments(
        posonlyargs=_bare(node.args.posonlyargs),
        args=_bare(node.args.args),
        vararg=_bare([node.args.vararg])[0] if node.args.vararg else None,
        kwonlyargs=_bare(node.args.kwonlyargs),
        kw_defaults=[None] * len(node.args.kwonlyargs),
        kwarg=_bare([node.args.kwarg])[0] if node.args.kwarg else None,
        defaults=[],
    )
    bare: ast.stmt
    if isinstance(node, ast.Lambda):
        bare = ast.Expr(ast.Lambda(args=arguments, body=node.body))
    else:
        bare = ast.FunctionDef(name=node.name, args=arguments, body=node.body, decorator_list=[])
        bare.type_params = []  # type: ignore[attr-defined]
    ast.copy_location(bare, node)
    # What the function has of the one around it is that one's.
    around = ast.FunctionDef(
        name="around",
        args=ast.arguments(
            posonlyargs=[],
            args=[ast.arg(name) for name in code.co_freevars],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        ),
        body=[bare],
        decorator_list=[],
    )
    around.type_params = []  # type: ignore[attr-defined]
    # Calls of what a module imports are compiled differently from calls of other names.
    imports = [ast.Import([ast.alias(name)]) for name in imported]
    tree = ast.fix_missing_locations(ast.Module(body=[*imports, around], type_ignores=[]))
    try:
        made = compile(
            tree, code.co_filename, "exec", flags=code.co_flags & _FUTURES, dont_inherit=True
        )
    except (SyntaxError, ValueError, RecursionError):
        return False
    [outer] = [one for one in made.co_consts if isinstance(one, CodeType)]
    inner = [one for one in outer.co_consts if isinstance(one, CodeType)]
    return len(inner) == 1 and key_of(inner[0]) == key_of(code)


def _bare(arguments: list[Any]) -> list[ast.arg]:
    return [ast.arg(one.arg) for one in arguments]


def key_of(code: CodeType) -> Any:
    """All that a code does, so that two with the same key do the same."""
    return (
        code.co_name,
        code.co_code,
        _constants_key(code.co_consts),
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags & _KINDS,
        getattr(code, "co_exceptiontable", b""),
    )


def _constants_key(values: tuple[Any, ...]) -> Any:
    keys = [_constant_key(one) for one in values]
    if sys.version_info < (3, 11):
        # Behind the code of an inner function is its name with those of all around it.
        for i, one in enumerate(values[1:], 1):
            if isinstance(values[i - 1], CodeType) and isinstance(one, str):
                keys[i] = str, one.rpartition(".<locals>.")[2]
    return tuple(keys)


def _constant_key(value: Any) -> Any:
    # 1, 1.0 and True are equal, and so are 0.0 and -0.0.
    if isinstance(value, CodeType):
        return key_of(value)
    if isinstance(value, tuple):
        return "tuple", tuple(_constant_key(one) for one in value)
    if isinstance(value, frozenset):
        return "frozenset", frozenset(_constant_key(one) for one in value)
    return type(value), repr(value)
