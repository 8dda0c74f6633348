"""How the core is compiled, whatever the environment asks the compiler for."""

import runpy
from pathlib import Path

import pytest

SETUP = Path(__file__).parents[3] / "setup.py"


@pytest.mark.parametrize("flags", ["", "-O2 -Wall"])
def test_overflow_wraps(monkeypatch: pytest.MonkeyPatch, flags: str) -> None:
    """Without the switch it is undefined, and setuptools leaves Python's own out for CFLAGS."""
    monkeypatch.setenv("CFLAGS", flags)
    extensions = runpy.run_path(str(SETUP))["extensions"]()
    assert extensions
    for extension in extensions:
        assert "-fwrapv" in extension.extra_compile_args
