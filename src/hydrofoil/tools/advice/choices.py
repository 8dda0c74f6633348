"""What is chosen: by conditions, from constants, and what counts as true."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hydrofoil.tools.advice.arithmetic import NUMBERS, Numbers, operation
from hydrofoil.tools.advice.conditions import Conditions
from hydrofoil.tools.advice.value import NONE, NoExpression, Value, about, literal_bool

_MOST = 40


class Choices:
    """Writes conditions and what depends on them."""

    def __init__(self, conditions: Conditions, numbers: Numbers) -> None:
        self.conditions = conditions
        self.numbers = numbers

    def truth(self, value: Value) -> str:
        """A condition for F.when: null counts as false there."""
        if value.kind == "bool":
            return value.code
        if value.kind in ("int", "float"):
            return f"({value.code} != 0)"
        if value.kind == "str":
            return f"({value.code} != '')"
        if value.kind == "date":
            return f"{value.code}.isNotNull()"
        raise NoExpression(f"whether a {value.kind} is true has none")

    def sure(self, value: Value) -> Value:
        """Whether a value counts as true, which is never null."""
        if value.known is not None:
            return literal_bool(value.known)
        code = self.truth(value)
        if value.nullable and value.kind != "date":
            code = f"F.coalesce({code}, F.lit(False))"
        return Value("bool", code, about=value.about)

    def negated(self, value: Value) -> Value:
        """``not value``."""
        found = self.sure(value)
        if found.known is not None:
            return literal_bool(not found.known)
        for end, other in ((".isNull()", ".isNotNull()"), (".isNotNull()", ".isNull()")):
            if found.code.endswith(end) and found.code.count("(") == 2:
                return replace(found, code=found.code.removesuffix(end) + other)
        return replace(found, code=f"(~{found.code})")

    def chosen(self, test: Value, a: Value, b: Value) -> Value:
        """The first of two values where a test holds, or else the other."""
        if test.known is not None:
            return a if test.known else b
        kinds = {value.kind for value in (a, b) if value.kind != "none"}
        if len(kinds) > 1:
            raise NoExpression(f"it is {' or '.join(sorted(kinds))}, by the row")
        if kinds & {"split", "days"}:
            raise NoExpression(f"it is a {kinds.pop()}")
        if not kinds:
            return NONE
        given = [value for value in (a, b) if value.kind != "none"]
        rest = b.code[1:] if b.chain else f".otherwise({b.operand})"
        return Value(
            kinds.pop(),
            f"F.when({self.truth(test)}, {a.operand}){rest}",
            nullable=a.nullable or b.nullable,
            low=min(value.low for value in given),
            high=max(value.high for value in given),
            bits=max(value.bits for value in given),
            about=about(a, b) or test.about,
            chain=True,
        )

    def is_none(self, value: Value) -> Value:
        """``value is None``."""
        if value.kind == "none":
            return literal_bool(True)
        if not value.nullable:
            return literal_bool(False)
        return Value("bool", f"{value.code}.isNull()", about=value.about)

    def compared(self, op: str, a: Value, b: Value) -> Value:
        """A comparison."""
        if op == "!=":
            return self.negated(self.compared("==", a, b))
        if op == "==":
            if "none" in (a.kind, b.kind):
                return self.is_none(b if a.kind == "none" else a)
        else:
            a, b = self.conditions.need(a), self.conditions.need(b)
        if a.kind != b.kind:
            if a.kind not in NUMBERS or b.kind not in NUMBERS:
                if op == "==":
                    return literal_bool(False)
                raise NoExpression(f"{a.kind} {op} {b.kind} is Python's error")
            a, b = self.numbers.as_int(a), self.numbers.as_int(b)
        if a.kind not in (*NUMBERS, "str", "date", "days"):
            raise NoExpression(f"a {a.kind} is compared")
        if "float" in (a.kind, b.kind):
            self.conditions.numbers(a, b)
            self.conditions.exact(a)
            self.conditions.exact(b)
        if op == "==" and (a.nullable or b.nullable):
            if a.raw:
                a, b = b, a
            return Value("bool", f"{a.code}.eqNullSafe({b.operand})", about=about(a, b))
        return Value("bool", operation(a, op, b), about=about(a, b))

    def among(self, value: Value, constants: Sequence[Value]) -> Value:
        """``value in constants``."""
        if value.kind == "none":
            return literal_bool(any(one.kind == "none" for one in constants))
        same = [one for one in constants if one.kind == value.kind]
        numbers = [one for one in constants if one.kind in NUMBERS and value.kind in NUMBERS]
        if len(numbers) > len(same) or (numbers and value.kind == "float"):
            raise NoExpression("in, with numbers of several types or floats, has none")
        if not same:
            found = literal_bool(False)
        else:
            listed = ", ".join(one.operand for one in same)
            found = Value("bool", f"{value.code}.isin({listed})", about=value.about)
        if not value.nullable:
            return found
        none = literal_bool(any(one.kind == "none" for one in constants))
        if found.known is not None:
            return found if none.raw == "False" else self.is_none(value)
        return replace(found, code=f"F.coalesce({found.code}, {none.code})")

    def looked_up(
        self, pairs: Sequence[tuple[Value, Value]], key: Value, default: Value | None
    ) -> Value:
        """A value of a constant dict; without a default the key has to be there."""
        if len(pairs) > _MOST:
            raise NoExpression(f"a look-up in {len(pairs)} constants is left out for its length")
        if default is None:
            self.conditions.add(f"every key of {key.about} is in the dict")
            default = NONE
        found = default
        for one, value in reversed(pairs):
            found = self.chosen(self.compared("==", key, one), value, found)
        return found

    def element(self, values: Sequence[Value], index: Value) -> Value:
        """One of constants, by Python's index."""
        size = len(values)
        if not values or size > _MOST or index.kind != "int":
            raise NoExpression("such an index has none")
        if index.low < 0 or index.high >= size:
            self.conditions.add(f"no index out of range, of {index.about}")
        found = NONE
        for place, value in reversed(list(enumerate(values))):
            test = f"({index.code} == {place})"
            if index.low < 0:
                test = f"{index.code}.isin({place}, {place - size})"
            found = self.chosen(Value("bool", test, about=index.about), value, found)
        return replace(found, nullable=any(value.nullable for value in values))


def facts(test: Any, holds: bool) -> tuple[frozenset[str], frozenset[str]]:
    """What is not None, and what is not zero, where a test holds or does not."""
    nothing: tuple[frozenset[str], frozenset[str]] = frozenset(), frozenset()
    kind = test[0]
    if kind == "not":
        return facts(test[1], not holds)
    if kind == "isnone":
        return nothing if holds else (_only(test[1]), frozenset())
    if kind in ("arg", "var") and holds:
        return _only(test), _only(test)
    if kind == ("and" if holds else "or"):
        one, other = facts(test[1], holds), facts(test[2], holds)
        return one[0] | other[0], one[1] | other[1]
    if kind == "isinstance" and holds and "NoneType" not in test[2]:
        return _only(test[1]), frozenset()
    if kind == "cmp" and test[3] in (["const", "int", "0"], ["const", "float", "0x0.0p+0"]):
        if test[1] == "!=" if holds else test[1] == "==":
            return frozenset(), _only(test[2])
        if holds and test[1] in (">", "<"):
            return frozenset(), _only(test[2])
    return nothing


def _only(node: Any) -> frozenset[str]:
    """The name of a node that has one: of what has none nothing is known elsewhere."""
    name = named(node)
    return frozenset({name}) if name else frozenset()


def named(node: Any) -> str:
    """The name of an argument or a variable, and of nothing else."""
    return f"{node[0]} {node[1]}" if node[0] in ("arg", "var") else ""
