"""Numbers: the arithmetic of Python's that Spark has exactly."""

from dataclasses import replace

from hydrofoil.tools.advice.conditions import Conditions
from hydrofoil.tools.advice.value import (
    LEAST,
    MOST,
    NoExpression,
    Value,
    about,
    int_of,
    literal_int,
)

NUMBERS = ("int", "float", "bool")
_BITWISE = {"&": "bitwiseAND", "|": "bitwiseOR", "^": "bitwiseXOR"}


class Numbers:
    """Writes operators and functions of numbers."""

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions

    def as_int(self, value: Value) -> Value:
        """A bool as the int that it is."""
        if value.kind != "bool":
            return value
        if value.raw:
            return literal_int(int(value.raw == "True"))
        code = f'{value.code}.cast("int")'
        return replace(value, kind="int", code=code, low=0, high=1, bits=32, chain=False)

    def as_float(self, value: Value) -> Value:
        """An int as the float that Python makes of it."""
        value = self.as_int(value)
        if value.kind == "float":
            return value
        if value.raw:
            return replace(value, kind="float", code=f"F.lit({float(value.raw)!r})", raw="")
        return replace(value, kind="float", code=f'{value.code}.cast("double")', chain=False)

    def binary(self, op: str, a: Value, b: Value, nonzero: bool) -> Value:
        """An operator; ``nonzero`` says that the right side is known not to be zero."""
        a, b = self.conditions.need(a), self.conditions.need(b)
        if a.kind == b.kind == "bool" and op in ("&", "|"):
            return Value("bool", f"({a.operand} {op} {b.code})", about=about(a, b))
        if a.kind == b.kind == "bool" and op == "^":
            return Value("bool", operation(a, "!=", b), about=about(a, b))
        if a.kind not in NUMBERS or b.kind not in NUMBERS:
            raise NoExpression(f"{a.kind} {op} {b.kind} has none")
        a, b = self.as_int(a), self.as_int(b)
        if a.kind == b.kind == "int":
            return self._ints(op, a, b, nonzero)
        if op in ("//", "%", "**"):
            raise NoExpression(f"{op} of floats has none that is equal")
        for value in (a, b):
            self.conditions.exact(value)
        if op == "/":
            self._divisor(b, nonzero)
        if op not in ("+", "-", "*", "/"):
            raise NoExpression(f"{op} of floats is Python's error")
        return Value("float", operation(a, op, b), about=about(a, b))

    def _divisor(self, b: Value, nonzero: bool) -> None:
        if b.kind == "int" and (b.low > 0 or b.high < 0):
            return
        if b.raw and float(b.raw) != 0:
            return
        if not nonzero:
            self.conditions.add(f"no zero in the divisor, {b.about or b.code}")

    def _ints(self, op: str, a: Value, b: Value, nonzero: bool) -> Value:
        if op in ("+", "-", "*"):
            corners = {
                "+": (a.low + b.low, a.high + b.high),
                "-": (a.low - b.high, a.high - b.low),
                "*": tuple(x * y for x in (a.low, a.high) for y in (b.low, b.high)),
            }[op]
            return self._computed(op, a, b, min(corners), max(corners))
        if op == "/":
            self._divisor(b, nonzero)
            self.conditions.exact(a)
            self.conditions.exact(b)
            return Value("float", operation(a, op, b), about=about(a, b))
        if op in ("//", "%"):
            return self._floored(op, a, b)
        if op == "**":
            power = int_of(b)
            if power is None or not 1 <= power <= 8:
                raise NoExpression("** has none, but for small constant powers of whole numbers")
            found = a
            for _ in range(power - 1):
                found = self._ints("*", found, a, nonzero)
            return found
        if op in _BITWISE:
            positive = a.low >= 0 and b.low >= 0
            high = (1 << max(a.high, b.high).bit_length()) - 1
            if op == "&":
                high = min((v.high for v in (a, b) if v.low >= 0), default=high)
            positive = positive or (op == "&" and (a.low >= 0 or b.low >= 0))
            code = f"{a.long.code}.{_BITWISE[op]}({b.operand})"
            low, high = (0, high) if positive else (LEAST, MOST)
            return Value("int", code, low=low, high=high, about=about(a, b))
        return self._shifted(op, a, b)

    def _computed(self, op: str, a: Value, b: Value, low: int, high: int) -> Value:
        low, high = self.conditions.fits(low, high)
        bits = max(a.bits, b.bits)
        if low < -(2 ** (bits - 1)) or high >= 2 ** (bits - 1):
            a = a.long
            bits = 64
        code = operation(a, op, b)
        return Value("int", code, low=low, high=high, bits=bits, about=about(a, b))

    def _floored(self, op: str, a: Value, b: Value) -> Value:
        if b.low <= 0:
            raise NoExpression(f"{op} has one for divisors alone that can't be negative or zero")
        rest = f"F.pmod({a.long.code}, {b.code})"
        if op == "%":
            return Value("int", rest, low=0, high=b.high - 1, about=about(a, b))
        if a.low >= 0:
            whole = a.long.code
        else:
            self.conditions.fits(a.low - b.high + 1, a.high)
            whole = f"{a.long.code} - {rest}"
        most = max(abs(a.low), abs(a.high))
        low, high = (0, a.high) if a.low >= 0 else (-most, min(most, 2**63 - 1))
        code = f'F.call_function("div", {whole}, {b.code})'
        return Value("int", code, low=low, high=high, about=about(a, b))

    def _shifted(self, op: str, a: Value, b: Value) -> Value:
        places = int_of(b)
        if places is None or not 0 <= places < 63:
            raise NoExpression(f"{op} has one for a constant number of bits alone")
        if op == ">>":
            code = f"F.shiftright({a.long.code}, {places})"
            return Value("int", code, low=a.low >> places, high=a.high >> places, about=a.about)
        low, high = self.conditions.fits(a.low << places, a.high << places)
        return Value(
            "int", f"F.shiftleft({a.long.code}, {places})", low=low, high=high, about=a.about
        )

    def unary(self, op: str, value: Value) -> Value:
        """A sign, or ``~``."""
        value = self.as_int(self.conditions.need(value))
        if value.kind == "float" and op in ("-", "+"):
            return (
                value
                if op == "+"
                else replace(value, code=f"(-{value.code})", raw="", chain=False, first=False)
            )
        if value.kind != "int":
            raise NoExpression(f"{op} of {value.kind} has none")
        if op == "-":
            return self._ints("-", literal_int(0), value, nonzero=False)
        if op == "~":
            return self._ints("-", literal_int(-1), value, nonzero=False)
        return value

    def function(self, name: str, values: list[Value]) -> Value:
        """A function of numbers."""
        values = [self.conditions.need(value) for value in values]
        first = values[0]
        if first.kind not in NUMBERS:
            raise NoExpression(f"{name} of {first.kind} has none")
        first = self.as_int(first)
        one = len(values) == 1
        if name in ("abs", "math.fabs") and one:
            if name == "math.fabs":
                self.conditions.exact(first)
                first = self.as_float(first)
            if first.kind == "float":
                return Value("float", f"F.abs({first.code})", about=first.about)
            low, high = self.conditions.fits(0, max(abs(first.low), abs(first.high)))
            code = f"F.abs({first.long.code})"
            return Value("int", code, low=low, high=high, about=first.about)
        if name == "float" and one:
            return self.as_float(first)
        if name == "math.sqrt" and one:
            self.conditions.exact(first)
            self.conditions.add(f"no negative number under the root, of {first.about}")
            return Value("float", f"F.sqrt({first.code})", about=first.about)
        if name == "math.isnan" and one:
            return Value("bool", f"F.isnan({self.as_float(first).code})", about=first.about)
        if name in ("int", "math.trunc", "math.floor", "math.ceil") and one:
            return self._whole(name, first)
        if name == "round":
            return self._round(first, values[1:])
        raise NoExpression(f"{name} has none that is equal")

    def _whole(self, name: str, value: Value) -> Value:
        if value.kind == "int":
            return value
        self.conditions.add(f"no NaN, infinity or number beyond 64 bits of {value.about}")
        how = name.removeprefix("math.")
        if how in ("int", "trunc"):
            return Value("int", f'{value.code}.cast("long")', about=value.about)
        return Value("int", f"F.{how}({value.code})", about=value.about)

    def _round(self, value: Value, digits: list[Value]) -> Value:
        if value.kind == "int" and not digits:
            return value
        places = int_of(digits[0]) if digits else None
        if value.kind != "float" or places is None or not 0 <= places <= 9:
            raise NoExpression("round has one for floats and a constant number of digits alone")
        # Python rounds the float's exact value, Spark its shortest digits.
        self.conditions.add(
            f"no float of {value.about} half-way between two of {places} digits, "
            "of more than 15 digits, or rounded to -0.0"
        )
        return Value("float", f"F.round({value.code}, {places})", about=value.about)

    def extreme(self, name: str, values: list[Value]) -> Value:
        """min or max."""
        # Bools stay what they are: Python gives one of the values, and makes no int of it.
        values = [self.conditions.need(value) for value in values]
        kinds = {value.kind for value in values}
        if len(kinds) > 1 or not kinds <= {*NUMBERS, "str", "date"} or len(values) < 2:
            raise NoExpression(f"{name} of several types has none")
        self.conditions.numbers(*values)
        bits = max(value.bits for value in values)
        choose = min if name == "min" else max
        how = "least" if name == "min" else "greatest"
        return Value(
            values[0].kind,
            f"F.{how}({', '.join(value.code for value in values)})",
            low=choose(value.low for value in values),
            high=choose(value.high for value in values),
            bits=bits,
            about=about(*values),
        )


def operation(a: Value, op: str, b: Value) -> str:
    """An operator of columns; one of them may be a literal."""
    left = a.raw if a.raw and not b.raw else a.code
    return f"({left} {op} {b.operand})"
