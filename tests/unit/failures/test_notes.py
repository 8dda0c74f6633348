"""What is said of an error: function, partition, row, values."""

from functools import partial, wraps
from typing import Any

import pytest

from hydrofoil.failures.functions import code_of, described, parameters_of, running
from hydrofoil.failures.located import Located
from hydrofoil.failures.notes import MARK, add_note, notes_of
from hydrofoil.failures.place import Detail
from hydrofoil.failures.present import note_unlocated
from hydrofoil.failures.shown import VARIABLE, shown, shown_call


def parse(text: str, base: int = 10) -> int:
    return int(text, base)


def around(function: Any) -> Any:
    @wraps(function)
    def call(*args: Any) -> Any:
        return function(*args)

    return call


class Handler:
    def eval(self, x: int) -> int:
        return x

    def __call__(self, x: int) -> int:
        return x


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (parse, parse.__code__),
        (partial(parse, base=2), parse.__code__),
        (around(partial(parse)), parse.__code__),
        (Handler().eval, Handler.eval.__code__),
        (Handler(), Handler.__call__.__code__),
        (len, None),
        (Handler, None),
    ],
    ids=["plain", "partial", "decorated", "method", "instance", "built-in", "class"],
)
def test_the_code_that_a_user_wrote(function: Any, expected: Any) -> None:
    assert code_of(function) is expected


def test_functions_are_named_with_file_and_line() -> None:
    line = parse.__code__.co_firstlineno
    assert described(parse) == f"parse ({__file__}:{line})"
    assert described(Handler().eval).startswith(f"Handler.eval ({__file__}:")
    assert described(len) == "len"
    assert described(lambda x: x).startswith(f"<lambda> ({__file__}:")


def test_arguments_are_named_as_far_as_they_have_names() -> None:
    assert parameters_of(parse, 2, ()) == ["text", "base"]
    assert parameters_of(parse, 2, ("base",)) == ["text", "base"]
    assert parameters_of(len, 1, ()) == [""]
    assert parameters_of(Handler().eval, 1, ()) == ["x"]
    assert parameters_of(lambda *values: 1, 2, ()) == ["", ""]


def test_the_function_that_runs_is_found_in_the_traceback() -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        parse("x")
    assert running([Handler().eval, parse], caught.tb) is parse
    assert running([len], caught.tb) is len
    assert running([len, Handler()], caught.tb) is None


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


def test_values_are_short_and_never_fail() -> None:
    assert shown("x" * 1000).count("x") < 80
    assert len(shown(list(range(1000)))) < 80
    assert "Hostile" in shown(Hostile())
    assert "\n" not in shown(type("Lines", (), {"__repr__": lambda self: "a\nb"})())
    assert shown_call(["s", "n", ""], ["v", 3, None]) == "s='v', n=3, None"
    assert shown_call([""] * 100, ["x" * 70] * 100).endswith(", ...")


# --- Plans ----------------------------------------------------------------------------------------


class Batch:
    def __init__(self, length: int) -> None:
        self.length = length


class Plan:
    """Fails at the batch or group that it is told to."""

    def __init__(self, fails_at: int, failed: Detail | None = None) -> None:
        self.fails_at = fails_at
        self.failed = failed

    def __call__(self, split_index: int, items: Any) -> Any:
        for number, item in enumerate(items):
            if number == self.fails_at:
                parse("x")
            yield item


def note(plan: Any, items: Any, kind: str) -> str:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        list(Located(plan, [parse], kind)(3, items))
    (text,) = notes_of(caught.value)
    assert text.startswith(f"{MARK}in parse ({__file__}:")
    return text.partition("), ")[2]


def test_batches_are_counted_with_their_rows() -> None:
    batches = [Batch(10), Batch(0), Batch(5), Batch(1)]
    assert note(Plan(0), batches, "batch") == "partition 3, batch 0 (rows 0 to 9)"
    assert note(Plan(1), batches, "batch") == "partition 3, batch 1, which has no rows"
    assert note(Plan(2), batches, "batch") == "partition 3, batch 2 (rows 10 to 14)"
    assert note(Plan(3), batches, "batch") == "partition 3, row 15"
    assert note(Plan(1), [[1, 2], [3, 4]], "batch") == "partition 3, batch 1 (rows 2 to 3)"


def test_rows_of_a_batch_are_rows_of_the_partition() -> None:
    detail = Detail((parse,), 4, ("x", 16), ("base",))
    batches = [Batch(10), Batch(5)]
    expected = "partition 3, row 14, called with text='x', base=16"
    assert note(Plan(1, detail), batches, "batch") == expected


def test_groups_have_numbers_and_keys() -> None:
    assert note(Plan(1), [iter(()), iter(())], "group") == "partition 3, group 1"
    detail = Detail(key=("a", 3), rows=7)
    expected = "partition 3, group 0, key ('a', 3), 7 rows"
    assert note(Plan(0, detail), [iter(())], "group") == expected


def test_what_is_not_counted_has_its_partition() -> None:
    assert note(Plan(0), [1], "") == "partition 3"


def test_values_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "off")
    detail = Detail((parse,), 0, ("secret",), result=["secret"], key=("secret",))
    assert note(Plan(0, detail), [Batch(1)], "batch") == "partition 3, row 0"
    assert note(Plan(0, Detail(key=("secret",))), [iter(())], "group") == "partition 3, group 0"


def test_errors_of_the_input_are_no_functions() -> None:
    def broken() -> Any:
        yield Batch(1)
        raise ValueError("corrupt")

    with pytest.raises(ValueError, match="corrupt") as caught:
        list(Located(Plan(9), [parse], "batch")(0, broken()))
    note_unlocated(caught.value)
    assert notes_of(caught.value) == []


def test_errors_behind_the_functions_are_located_once() -> None:
    list(Located(Plan(9), [parse], "batch")(2, [Batch(4)]))
    error = TypeError("cannot pickle")
    note_unlocated(error)
    note_unlocated(error)
    (text,) = notes_of(error)
    assert text.endswith("partition 2, batch 0 (rows 0 to 3)")
    lost = BrokenPipeError()
    note_unlocated(lost)
    assert notes_of(lost) == []


def test_input_keeps_its_attributes_and_closes() -> None:
    class Groups(list[Any]):
        together = True

    seen: list[Any] = []

    def plan(split_index: int, items: Any) -> Any:
        seen.append(items.together)
        try:
            yield from items
        finally:
            seen.append("closed")

    run = Located(plan, [], "group")(0, Groups([1, 2]))
    assert next(run) == 1
    run.close()
    assert seen == [True, "closed"]


def test_a_note_is_added_once() -> None:
    error = ValueError("x")
    add_note(error, f"{MARK}in a")
    add_note(error, f"{MARK}in b")
    assert notes_of(error) == [f"{MARK}in a"]
