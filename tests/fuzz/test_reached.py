"""Which functions of the core are reached is what libFuzzer says of all targets together."""

from fuzz.reached import HEAD, table

READ = "__pyx_pw_9hydrofoil_5_cext_6arrays_4read_11ArrayReader_1read"
PATH = "/build/cext/hydrofoil/_cext"


def line(function: str, edges: str, source: str) -> str:
    return f"COVERED_FUNC: hits: 3 edges: {edges} {function} {PATH}/{source}:12\n"


def test_several_targets() -> None:
    one = line(READ, "3/50", "arrays/read.c") + "UN" + line("fill", "0/9", "utf8.h")
    other = "UN" + line(READ, "0/50", "arrays/read.c") + "UN" + line("fill", "0/9", "utf8.h")
    shown = table([other, one]).removeprefix(HEAD)
    assert shown == "| arrays/read.pyx | 1 | 1 |  |\n| utf8.h | 0 | 1 | `fill` |\n"


def test_names_as_in_the_source() -> None:
    missed = "UN" + line(READ, "0/50", "arrays/read.c")
    missed += "UN" + line("__pyx_f_9hydrofoil_5_cext_6gather__size", "0/7", "gather.c")
    shown = table([missed])
    assert "| `ArrayReader.read` |" in shown and "| `_size` |" in shown


def test_what_is_not_counted() -> None:
    added = line("__pyx_pymod_exec_read", "0/300", "arrays/read.c")
    assert table(["UN" + added + "UN" + line(READ, "0/1", "arrays/read.c")]) == HEAD
