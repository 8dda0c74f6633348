"""What is never compiled, and that users are told why."""

import builtins
import importlib.util
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from compiled import effects
from hydrofoil.compiling.translate import translate


def name_of(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__)


@pytest.mark.parametrize("function", effects.NEVER, ids=name_of)
def test_effects_are_never_compiled(function: Any) -> None:
    found = translate(function)
    assert found.document is None
    assert len(found.reason) > 5


def test_there_are_as_many_as_promised() -> None:
    assert len(effects.NEVER) >= 40


def test_the_translator_calls_nothing() -> None:
    before = list(effects.seen), dict(effects.cache), effects.counter
    for function in effects.NEVER:
        translate(function)
    assert (effects.seen, effects.cache, effects.counter) == before


def test_builtins_that_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x):
        return oct(x) + "a"

    assert translate(f).document
    monkeypatch.setattr(builtins, "oct", lambda x: "3")
    assert "oct" in translate(f).reason


def test_builtins_that_are_hidden_by_globals(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x):
        return round(x, 2)

    from pyspark.sql import functions

    assert translate(f).document
    monkeypatch.setitem(globals(), "round", functions.round)
    assert "round, of pyspark" in translate(f).reason


def test_other_builtins_for_one_function() -> None:
    space: dict[str, Any] = {"__builtins__": {"len": lambda x: 3}}
    exec("f = lambda x: len(x)", space)
    assert translate(space["f"]).document is None


def test_a_source_that_was_edited(tmp_path: Path) -> None:
    module = imported(tmp_path, "edited", "def f(x):\n    return x + 1\n")
    assert translate(module.f).document
    Path(module.__file__ or "").write_text("def f(x):\n    return x + 22\n")
    assert "edited" in translate(module.f).reason


def test_the_right_lambda_of_a_line() -> None:
    pair = [lambda x: x + 1, lambda x: x + 2]
    assert [body(f)[3] for f in pair] == [["const", "int", "1"], ["const", "int", "2"]]
    alike = [lambda x: x + 1.0, lambda x: x + 1, lambda x: x + True]
    assert [body(f)[3][1] for f in alike] == ["float", "int", "bool"]


def body(function: Any) -> Any:
    found = translate(function)
    assert found.document is not None, found.reason
    return found.document["body"]


# Modules that workers import: what the source says by itself, or nothing.


def imported(folder: Path, name: str, text: str) -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def modules_as_before() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


GOOD = {
    "a constant": "RATE = 2\ndef f(x):\n    return x * RATE\n",
    "arithmetic": "DAY = 24 * 60 * 60\ndef f(x):\n    return x // DAY\n",
    "a dict that is read": "D = {'a': 1}\ndef f(x):\n    return D.get(x)\n",
    "a set": "S = frozenset(('a', 'b'))\ndef f(x):\n    return x in S\n",
    "a module": "import math\ndef f(x):\n    return math.sqrt(x)\n",
    "a helper": "def g(x):\n    return x + 1\ndef f(x):\n    return g(x)\n",
    "a default": "def f(x, n=3):\n    return x + n\n",
}
BAD = {
    "bound twice": "RATE = 2\nRATE = 3\ndef f(x):\n    return x * RATE\n",
    "bound in an if": "if True:\n    RATE = 2\ndef f(x):\n    return x * RATE\n",
    "computed": "import os\nRATE = len(os.sep)\ndef f(x):\n    return x * RATE\n",
    "a global of another": (
        "RATE = 2\ndef g(r):\n    global RATE\n    RATE = r\ndef f(x):\n    return x * RATE\n"
    ),
    "a dict that is written": (
        "D = {'a': 1}\ndef put(k):\n    D[k] = 1\ndef f(x):\n    return D.get(x)\n"
    ),
    "a dict that is given away": (
        "D = {'a': 1}\ndef g(d):\n    d.clear()\ng({})\nE = [D]\ndef f(x):\n    return D.get(x)\n"
    ),
    "through globals()": "RATE = 2\nglobals()\ndef f(x):\n    return x * RATE\n",
    "a star import": "from math import *\ndef f(x):\n    return floor(x)\n",
    "a value of another module": "from sys import maxsize\ndef f(x):\n    return x + maxsize\n",
    "two functions": "def f(x):\n    return x\ndef f(x):\n    return x + 1\n",
    "a function in an if": "if True:\n    def f(x):\n        return x\n",
    "a builtin bound later": (
        "def late():\n    global len\n    len = 3\ndef f(x):\n    return len(x)\n"
    ),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_modules_that_say_what_names_are(text: str, tmp_path: Path) -> None:
    found = translate(imported(tmp_path, "good_module", text).f)
    assert found.document is not None, found.reason
    assert found.document["imported"]


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_modules_that_do_not(text: str, tmp_path: Path) -> None:
    assert translate(imported(tmp_path, "bad_module", text).f).document is None


def test_a_module_whose_constant_was_changed(tmp_path: Path) -> None:
    module = imported(tmp_path, "changed", GOOD["a constant"])
    module.RATE = 3
    assert translate(module.f).document is None


def test_a_function_that_was_replaced_in_its_module(tmp_path: Path) -> None:
    module = imported(tmp_path, "replaced", GOOD["a helper"])

    def other(x: int) -> int:
        return x

    module.g = other
    assert translate(module.f).document is None


def test_a_module_with_a_member_of_another(tmp_path: Path) -> None:
    helpers = imported(tmp_path, "helpers", "RATE = 2\ndef twice(x):\n    return x * RATE\n")
    module = imported(
        tmp_path,
        "user",
        "import helpers\ndef f(x):\n    return helpers.twice(x) + helpers.RATE\n",
    )
    assert body(module.f)[0] == "bin"
    helpers.RATE = 4
    assert translate(module.f).document is None
