"""A function's document, as `hydrofoil.compiling` has it, written with pyspark.sql.functions."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hydrofoil.tools.advice.arithmetic import NUMBERS, Numbers
from hydrofoil.tools.advice.choices import Choices, facts, named
from hydrofoil.tools.advice.conditions import Conditions
from hydrofoil.tools.advice.dates import Dates
from hydrofoil.tools.advice.texts import Texts
from hydrofoil.tools.advice.value import (
    NONE,
    Never,
    NoExpression,
    Value,
    about,
    int_of,
    literal_bool,
    literal_int,
    literal_str,
    text_of,
)

_LONGEST = 4000  # Characters; nobody pastes more.
_INTS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
_KINDS = {"double": "float", "float": "float", "string": "str", "boolean": "bool", "date": "date"}
_NAMES = {
    "int": ("int",),
    "float": ("float",),
    "str": ("str",),
    "bool": ("bool", "int"),
    "date": ("date",),
    "none": ("NoneType",),
}


@dataclass(frozen=True)
class Column:
    """An argument: its code, its name in conditions, its type, and whether it may be null."""

    code: str
    name: str
    type: str
    nullable: bool


@dataclass(frozen=True)
class Written:
    """An expression, and under which conditions it equals the function."""

    code: str
    conditions: list[str]


@dataclass(frozen=True)
class _Known:
    """What is known where a node is: variables; what is not None; what is not zero."""

    names: dict[str, Value] = field(default_factory=dict)
    present: frozenset[str] = frozenset()
    nonzero: frozenset[str] = frozenset()

    def where(self, test: Any, holds: bool) -> "_Known":
        present, nonzero = facts(test, holds)
        return replace(self, present=self.present | present, nonzero=self.nonzero | nonzero)


def written(
    document: dict[str, Any], columns: Sequence[Column], names: Sequence[str | None], declared: str
) -> Written:
    """The expression that equals a function.

    Parameters
    ----------
    columns : sequence of Column
        What it is called with; ``names`` are those of arguments that are given by name.
    declared : str
        The declared type of its result.

    Raises
    ------
    NoExpression
        Spark has none.
    """
    conditions = Conditions()
    writer = _Writer(conditions, _bound(document, columns, names))
    try:
        found = writer.write(document["body"], _Known())
    except Never:
        raise NoExpression("it always raises") from None
    code = _declared(found, declared, conditions)
    if len(code) > _LONGEST:
        raise NoExpression(f"it has {len(code)} characters, which nobody pastes")
    return Written(code, conditions.listed)


def _bound(
    document: dict[str, Any], columns: Sequence[Column], names: Sequence[str | None]
) -> list[Any]:
    """Each parameter's value: a column's, or the node of its default."""
    parameters = document["args"]
    bound: list[Any] = [None] * len(parameters)
    for place, (column, name) in enumerate(zip(columns, names, strict=True)):
        at = place if name is None else parameters.index(name) if name in parameters else -1
        if not 0 <= at < len(parameters) or at in document["static"]:
            raise NoExpression("it is not called with its own arguments")
        bound[at] = _of_column(column)
    for at, default in enumerate(document["defaults"]):
        bound[at] = bound[at] if bound[at] is not None else default
    return bound


def _of_column(column: Column) -> Value:
    if column.type in _INTS:
        bits = _INTS[column.type]
        value = Value(
            "int", column.code, low=-(2 ** (bits - 1)), high=2 ** (bits - 1) - 1, bits=bits
        )
    elif column.type in _KINDS:
        code = f'{column.code}.cast("double")' if column.type == "float" else column.code
        value = Value(_KINDS[column.type], code)
    else:
        raise NoExpression(f"an argument is of type {column.type}")
    return replace(value, nullable=column.nullable, about=column.name, first=True)


def _declared(value: Value, declared: str, conditions: Conditions) -> str:
    """The value in the type that the function declares."""
    if value.kind == "none":
        return f"F.lit(None).cast({declared!r})"
    if value.kind == "int" and declared in _INTS:
        bits = _INTS[declared]
        if value.low < -(2 ** (bits - 1)) or value.high >= 2 ** (bits - 1):
            conditions.add(f"no result beyond {declared}")
        return value.code if value.bits == bits else f'{value.code}.cast("{declared}")'
    if _KINDS.get(declared) == value.kind:
        return f'{value.code}.cast("float")' if declared == "float" else value.code
    raise NoExpression(f"it returns {value.kind} for a declared {declared}")


class _Writer:
    def __init__(self, conditions: Conditions, arguments: list[Any]) -> None:
        self.arguments = arguments
        self.conditions = conditions
        self.numbers = Numbers(conditions)
        self.texts = Texts(conditions, self.numbers)
        self.dates = Dates(conditions)
        self.choices = Choices(conditions, self.numbers)

    def write(self, node: Any, known: _Known) -> Value:
        """A node's value.

        Raises
        ------
        NoExpression
            Spark has no such.
        Never
            Python raises.
        """
        write = getattr(self, f"_{node[0]}", None)
        if write is None:
            raise NoExpression(f"{node[0]} has none")
        found: Value = write(node, known)
        if len(found.code) > 4 * _LONGEST:
            raise NoExpression("it is long")
        if named(node) in known.present:
            return found.present
        return found

    def needed(self, node: Any, known: _Known) -> Value:
        return self.conditions.need(self.write(node, known))

    def _attempt(self, node: Any, known: _Known) -> Value | None:
        """A way through the function; None where it raises."""
        try:
            return self.write(node, known)
        except Never:
            self.conditions.add("no row for which it raises")
            return None

    # --- Names and constants ----------------------------------------------------------------------

    def _arg(self, node: Any, known: _Known) -> Value:
        found = self.arguments[node[1]]
        if found is None:
            raise NoExpression("it is called with too few arguments")
        return found if isinstance(found, Value) else self.write(found, _Known())

    def _var(self, node: Any, known: _Known) -> Value:
        return known.names[node[1]]

    def _let(self, node: Any, known: _Known) -> Value:
        value = self.write(node[2], known)
        return self.write(node[3], replace(known, names={**known.names, node[1]: value}))

    def _const(self, node: Any, known: _Known) -> Value:
        kind, *rest = node[1:]
        if kind == "none":
            return NONE
        if kind == "bool":
            return literal_bool(rest[0])
        if kind == "int":
            return literal_int(int(rest[0]))
        if kind == "str":
            return literal_str(rest[0])
        if kind == "date":
            return Value("date", f'F.lit("{rest[0]}").cast("date")')
        if kind == "float":
            number = float.fromhex(rest[0])
            shown = repr(number)
            if shown.strip("-") in ("nan", "inf"):
                return Value("float", f"F.lit(float({shown!r}))")
            return Value("float", f"F.lit({shown})", shown)
        raise NoExpression(f"a constant {kind} has none")

    # --- Conditions -------------------------------------------------------------------------------

    def _if(self, node: Any, known: _Known) -> Value:
        test = self.write(node[1], known)
        if test.known is not None:
            return self.write(node[2] if test.known else node[3], known)
        one = self._attempt(node[2], known.where(node[1], True))
        other = self._attempt(node[3], known.where(node[1], False))
        if one is None or other is None:
            found = one or other
            if found is None:
                raise Never
            return found
        return self.choices.chosen(test, one, other)

    def _and(self, node: Any, known: _Known) -> Value:
        return self._either(node, known, True)

    def _or(self, node: Any, known: _Known) -> Value:
        return self._either(node, known, False)

    def _either(self, node: Any, known: _Known, both: bool) -> Value:
        first = self.write(node[1], known)
        if first.known is not None:
            return self.write(node[2], known) if first.known is both else first
        second = self._attempt(node[2], known.where(node[1], both))
        if second is None:
            return first
        if first.kind == second.kind == "bool" and not first.nullable:
            code = f"({first.code} {'&' if both else '|'} {second.code})"
            return Value("bool", code, nullable=second.nullable, about=about(first, second))
        if both:
            return self.choices.chosen(first, second, first)
        return self.choices.chosen(first, first.present, second)

    def _not(self, node: Any, known: _Known) -> Value:
        return self.choices.negated(self.write(node[1], known))

    def _isnone(self, node: Any, known: _Known) -> Value:
        return self.choices.is_none(self.write(node[1], known))

    def _is(self, node: Any, known: _Known) -> Value:
        a, b = self.write(node[1], known), self.write(node[2], known)
        if a.kind != "bool":
            return literal_bool(False)
        return self.choices.compared("==", a, b)

    def _isinstance(self, node: Any, known: _Known) -> Value:
        value = self.write(node[1], known)
        own = any(name in node[2] for name in _NAMES.get(value.kind, ()))
        if not value.nullable or value.kind == "none":
            return literal_bool(own)
        none = self.choices.is_none(value)
        if "NoneType" in node[2]:
            return literal_bool(True) if own else none
        return self.choices.negated(none) if own else literal_bool(False)

    def _istype(self, node: Any, known: _Known) -> Value:
        value = self.write(node[1], known)
        names = _NAMES.get(value.kind, ("",))
        return self._isinstance(
            ["isinstance", node[1], [node[2]] if node[2] in (names[0], "NoneType") else []], known
        )

    def _cmp(self, node: Any, known: _Known) -> Value:
        return self.choices.compared(
            node[1], self.write(node[2], known), self.write(node[3], known)
        )

    def _in(self, node: Any, known: _Known) -> Value:
        value = self.write(node[1], known)
        if node[2][0] == "consts":
            return self.choices.among(value, [self.write(one, known) for one in node[2][1]])
        whole, part = self.needed(node[2], known), self.conditions.need(value)
        if (whole.kind, part.kind) != ("str", "str"):
            raise NoExpression(f"a {part.kind} in a {whole.kind} has none")
        return Value("bool", f"{whole.code}.contains({part.operand})", about=about(whole, part))

    def _trip(self, node: Any, known: _Known) -> Value:
        raise Never

    # --- Operators --------------------------------------------------------------------------------

    def _bin(self, node: Any, known: _Known) -> Value:
        a, b = self.needed(node[2], known), self.needed(node[3], known)
        if a.kind == b.kind == "str" and node[1] == "+":
            return self.texts.joined([a, b])
        if {a.kind, b.kind} == {"str", "int"} and node[1] == "*":
            return self.texts.repeated(*((a, b) if a.kind == "str" else (b, a)))
        if {a.kind, b.kind} & {"date", "days"}:
            return self.dates.binary(node[1], a, b)
        return self.numbers.binary(node[1], a, b, named(node[3]) in known.nonzero)

    def _un(self, node: Any, known: _Known) -> Value:
        return self.numbers.unary(node[1], self.write(node[2], known))

    # --- Containers and text ----------------------------------------------------------------------

    def _lookup(self, node: Any, known: _Known) -> Value:
        pairs = [(self.write(key, known), self.write(one, known)) for key, one in node[1]]
        default = None if node[3] is None else self.write(node[3], known)
        return self.choices.looked_up(pairs, self.write(node[2], known), default)

    def _index(self, node: Any, known: _Known) -> Value:
        at = self.needed(node[2], known)
        if node[1][0] == "tuple":
            return self.choices.element([self.write(one, known) for one in node[1][1]], at)
        value, place = self.needed(node[1], known), int_of(at)
        if place is None or value.kind not in ("str", "split"):
            raise NoExpression("an index that is no constant has none")
        if value.kind == "split":
            return self.texts.part(value, place, None)
        return self.texts.character(value, place)

    def _part(self, node: Any, known: _Known) -> Value:
        value = self.needed(node[1], known)
        if value.kind != "split":
            raise NoExpression(f"a {value.kind} taken apart has none")
        return self.texts.part(value, node[2], node[3])

    def _slice(self, node: Any, known: _Known) -> Value:
        value = self.needed(node[1], known)
        bounds = [self.write(one, known) for one in node[2:]]
        ints = [int_of(one) for one in bounds]
        if value.kind != "str" or any(
            n is None and one.kind != "none" for n, one in zip(ints, bounds, strict=True)
        ):
            raise NoExpression("a slice that is not of constants has none")
        if ints == [None, None, -1]:
            return self.texts.made(f"F.reverse({value.code})", value)
        if ints[2] not in (None, 1):
            raise NoExpression("a slice with a step has none")
        return self.texts.sliced(value, ints[0], ints[1])

    def _fstring(self, node: Any, known: _Known) -> Value:
        return self.texts.joined([self.write(one, known) for one in node[1]])

    def _fmt(self, node: Any, known: _Known) -> Value:
        value = self.write(node[1], known)
        if node[2] not in ("", "s"):
            raise NoExpression(f"the conversion !{node[2]} has none")
        if node[2] == "s":
            value = self.texts.text(value)
        return self.texts.formatted(value, node[3])

    def _percent(self, node: Any, known: _Known) -> Value:
        value = self.write(node[2], known)
        form = node[1][1:]
        if form == "s":
            return self.texts.text(value)
        value = self.conditions.need(value)
        if value.kind == "int" and form in ("d", "i"):
            return self.texts.text(value)
        if value.kind == "int" and form.startswith("0") and form.endswith("d"):
            return self.texts.formatted(value, form)
        raise NoExpression(f"the format {node[1]} of {value.kind} has none that is equal")

    def _each(self, node: Any, known: _Known) -> Value:
        how, name, text, test, result = node[1:6]
        value = self.needed(text, known)
        one = ["var", name]
        kept = test[0] == "method" and test[2] == one and not test[3]
        if value.kind == "str" and how == "join" and kept and result == one and node[7][2:] == [""]:
            return self.texts.kept(test[1], value)
        raise NoExpression("such a loop over characters has none")

    def _call(self, node: Any, known: _Known) -> Value:
        name = node[1]
        values = [self.write(one, known) for one in node[2]]
        if name == "str" and len(values) == 1:
            return self.texts.text(values[0])
        if name == "bool" and len(values) == 1:
            return self.choices.sure(values[0])
        if name in ("min", "max"):
            return self.numbers.extreme(name, values)
        if name == "timedelta":
            return self.dates.days(values)
        values = [self.conditions.need(value) for value in values]
        kinds = [value.kind for value in values]
        if name == "len" and kinds in (["str"], ["split"]):
            text = self.texts
            return (text.length if kinds == ["str"] else text.parts_of)(values[0])
        if name in ("int", "float") and kinds == ["str"]:
            return self.texts.parsed(name, values[0])
        if name == "re.sub" and kinds == ["str", "str", "str", "int", "int"]:
            pattern, by = text_of(values[0]), text_of(values[1])
            plain = values[3].raw == "0" and values[4].raw in ("0", "32")
            if plain and pattern is not None and by is not None:
                return self.texts.substituted(pattern, by, values[2])
        if not values or kinds[0] not in NUMBERS:
            raise NoExpression(f"{name}({', '.join(kinds)}) has none that is equal")
        return self.numbers.function(name, values)

    def _attr(self, node: Any, known: _Known) -> Value:
        return self.dates.field(node[1], self.needed(node[2], known))

    def _method(self, node: Any, known: _Known) -> Value:
        name = node[1]
        value = self.needed(node[2], known)
        if name in ("startswith", "endswith") and node[3][0][0] == "tuple":
            if len(node[3]) > 1:
                raise NoExpression(f"text's {name} of a part of it has none")
            found = literal_bool(False)
            for one in reversed(node[3][0][1]):
                test = self.texts.method(name, value, [self.write(one, known)])
                code = test.code if found.raw else f"({test.code} | {found.code})"
                found = Value("bool", code, about=value.about)
            return found
        if name == "join" and node[3][0][0] == "tuple":
            parts = [self.needed(one, known) for one in node[3][0][1]]
            if any(part.kind != "str" for part in parts) or value.kind != "str":
                raise NoExpression("join of what is no text is Python's error")
            between = [one for part in parts for one in (value, part)][1:]
            return self.texts.joined(between)
        given = [self.write(one, known) for one in node[3]]
        if value.kind == "str":
            return self.texts.method(name, value, given)
        if value.kind == "date":
            return self.dates.method(name, value, text_of(given[0]) if given else None)
        raise NoExpression(f"{value.kind}'s {name} has none")
