"""Text: the methods of Python's that Spark has exactly, most of them of ASCII alone."""

import re

from hydrofoil.tools.advice.arithmetic import Numbers
from hydrofoil.tools.advice.conditions import Conditions
from hydrofoil.tools.advice.value import (
    NoExpression,
    Value,
    about,
    int_of,
    literal_int,
    literal_str,
    text_of,
)

# What Python's strip takes away, of ASCII.
_BLANKS = r"\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f "
_CLASSES = {
    "isdigit": "0-9",
    "isdecimal": "0-9",
    "isnumeric": "0-9",
    "isalpha": "A-Za-z",
    "isalnum": "0-9A-Za-z",
    "isspace": _BLANKS,
}
_CASES = {
    "isupper": r"\A[^a-z]*[A-Z][^a-z]*\z",
    "islower": r"\A[^A-Z]*[a-z][^A-Z]*\z",
}
_TRIMS = {"strip": "btrim", "lstrip": "ltrim", "rstrip": "rtrim"}
# Patterns that mean the same in Java: a class of plain characters, or one of them.
_PATTERN = re.compile(r"(\[\^?(?:[A-Za-z0-9 _.,:;/@#%-])+\]|\\s|\\d|[A-Za-z0-9 _,:;/@#%-])\+?")
_ALL = 2147483647


class Texts:
    """Writes operators and methods of text."""

    def __init__(self, conditions: Conditions, numbers: Numbers) -> None:
        self.conditions = conditions
        self.numbers = numbers

    def made(self, code: str, *of: Value) -> Value:
        return Value("str", code, about=about(*of))

    def joined(self, parts: list[Value]) -> Value:
        """Several texts as one."""
        parts = [part for part in parts if part.raw != "''"]
        if not parts:
            return literal_str("")
        if len(parts) == 1:
            return parts[0]
        if all(part.raw for part in parts):
            return literal_str("".join(str(text_of(part)) for part in parts))
        return self.made(f"F.concat({', '.join(part.code for part in parts)})", *parts)

    def text(self, value: Value) -> Value:
        """Python's ``str(value)``."""
        if value.kind == "none":
            return literal_str("None")
        if value.kind == "str":
            code = value.code
        elif value.kind in ("int", "date"):
            code = f'{value.code}.cast("string")'
        elif value.kind == "bool":
            code = f'F.when({value.code}, "True").when(~{value.code}, "False")'
        else:
            raise NoExpression(f"a {value.kind} as text has none that is equal")
        if value.raw:
            known = text_of(value)
            return literal_str(value.raw if known is None else known)
        if value.nullable:
            code = f'F.coalesce({code}, F.lit("None"))'
        return self.made(code, value)

    def formatted(self, value: Value, spec: str) -> Value:
        """``format(value, spec)``."""
        if not spec:
            return self.text(value)
        value = self.conditions.need(value)
        zeros = re.fullmatch(r"0(\d{1,2})d?", spec)
        if value.kind == "int" and spec == "d":
            return self.text(value)
        if value.kind == "int" and spec == ",":
            return self.made(f"F.format_number({value.code}, 0)", value)
        if value.kind == "int" and zeros:
            if value.low < 0:
                self.conditions.add(f"no negative number in {value.about}")
            return self._padded("lpad", self.text(value), int(zeros[1]), "0")
        if value.kind == "str" and spec == "s":
            return value
        raise NoExpression(f"the format {spec} of {value.kind} has none that is equal")

    def _padded(self, how: str, value: Value, width: int, by: str) -> Value:
        code = (
            f"F.when(F.length({value.code}) < {width}, F.{how}({value.code}, {width}, {by!r}))"
            f".otherwise({value.code})"
        )
        return self.made(code, value)

    def parsed(self, name: str, value: Value) -> Value:
        """``int(text)`` and ``float(text)``."""
        if name == "int":
            self.conditions.add(
                f"{value.about} is text of ASCII digits, with a sign or not, within 64 bits"
            )
            return Value("int", f'{value.code}.cast("long")', about=value.about)
        self.conditions.add(f"{value.about} is the text of a plain number, such as -1.5")
        return Value("float", f'{value.code}.cast("double")', about=value.about)

    def length(self, value: Value) -> Value:
        """``len``."""
        code = f"F.length({value.code})"
        return Value("int", code, low=0, high=_ALL, bits=32, about=value.about)

    def counted(self, value: Value, part: str) -> Value:
        """How often a text is in another."""
        if not part:
            raise NoExpression("count of an empty text has none")
        left = f"F.replace({value.code}, F.lit({part!r}), F.lit(''))"
        code = f"(F.length({value.code}) - F.length({left}))"
        if len(part) > 1:
            code = f'F.call_function("div", {code}, F.lit({len(part)})).cast("int")'
        return Value("int", code, low=0, high=_ALL, bits=32, about=value.about)

    def part(self, value: Value, index: int, exactly: int | None) -> Value:
        """One part of a split; ``exactly`` is how many there have to be."""
        text, by = value.parts
        if exactly is not None:
            self.conditions.add(f"{text.about} has exactly {exactly} parts between {by.raw}")
        elif index not in (0, -1):
            at_least = index + 1 if index > 0 else -index
            self.conditions.add(f"{text.about} has at least {at_least} parts between {by.raw}")
        place = index + 1 if index >= 0 else index
        return self.made(f"F.split_part({text.code}, {by.code}, F.lit({place}))", text)

    def character(self, value: Value, index: int) -> Value:
        """``text[index]``."""
        least = index + 1 if index >= 0 else -index
        self.conditions.add(f"{value.about} has at least {least} characters")
        return self.made(f"F.substring({value.code}, {index + (index >= 0)}, 1)", value)

    def sliced(self, value: Value, low: int | None, high: int | None) -> Value:
        """``text[low:high]`` of constants."""
        code = value.code
        low = low or 0
        if low < 0:
            if high is not None:
                raise NoExpression("such a slice has none")
            return self.made(f"F.right({code}, F.lit({-low}))", value)
        if high is None:
            return (
                value if low == 0 else self.made(f"F.substring({code}, {low + 1}, {_ALL})", value)
            )
        if high >= 0:
            return self.made(f"F.substring({code}, {low + 1}, {max(high - low, 0)})", value)
        size = f"F.greatest(F.length({code}) - {low - high}, F.lit(0))"
        return self.made(f"F.substr({code}, F.lit({low + 1}), {size})", value)

    def substituted(self, pattern: str, by: str, value: Value) -> Value:
        """``re.sub`` of a class of characters."""
        if not _PATTERN.fullmatch(pattern) or "\\" in by or "$" in by:
            raise NoExpression(f"the regular expression {pattern} may mean another thing in Java")
        self.conditions.ascii(value)
        java = pattern.replace(r"\s", f"[{_BLANKS}]").replace(r"\d", "[0-9]")
        return self.made(f'F.regexp_replace({value.code}, r"{java}", {by!r})', value)

    def kept(self, method: str, value: Value) -> Value:
        """The characters of a class, and no other."""
        if method not in _CLASSES:
            raise NoExpression("such a loop over characters has none")
        self.conditions.ascii(value)
        return self.made(f'F.regexp_replace({value.code}, r"[^{_CLASSES[method]}]", "")', value)

    def method(self, name: str, value: Value, given: list[Value]) -> Value:
        """A method of text."""
        given = [one for one in given if one.kind != "none" or name not in _TRIMS]
        given = [self.conditions.need(one) for one in given]
        code = value.code
        if not given and name in ("upper", "lower", "casefold"):
            self.conditions.ascii(value)
            return self.made(f"F.{'upper' if name == 'upper' else 'lower'}({code})", value)
        if not given and name == "capitalize":
            self.conditions.ascii(value)
            first, rest = f"F.substring({code}, 1, 1)", f"F.substring({code}, 2, {_ALL})"
            return self.made(f"F.concat(F.upper({first}), F.lower({rest}))", value)
        if not given and name in _CLASSES:
            self.conditions.ascii(value)
            pattern = rf'r"\A[{_CLASSES[name]}]+\z"'
            return Value("bool", f"{code}.rlike({pattern})", about=value.about)
        if not given and name in _CASES:
            self.conditions.ascii(value)
            return Value("bool", f'{code}.rlike(r"{_CASES[name]}")', about=value.about)
        if name in _TRIMS and not given:
            self.conditions.ascii(value)
            return self._trimmed(name, value, f'F.lit("{_BLANKS}")')
        if given and all(one.kind == "str" for one in given):
            return self._with_text(name, value, given)
        if given and given[0].kind == "int":
            return self._widened(name, value, given)
        if name == "split":
            raise NoExpression("split at blanks has none that is equal")
        raise NoExpression(f"text's {name} has none that is equal")

    def _trimmed(self, name: str, value: Value, what: str) -> Value:
        if name == "strip":
            return self.made(f"F.btrim({value.code}, {what})", value)
        # PySpark's own ltrim and rtrim take what to trim since 4.0; SQL's take it first.
        return self.made(f'F.call_function("{_TRIMS[name]}", {what}, {value.code})', value)

    def _with_text(self, name: str, value: Value, given: list[Value]) -> Value:
        code, first = value.code, given[0]
        known = text_of(first)
        if name in ("startswith", "endswith") and len(given) == 1:
            operand = first.operand
            return Value("bool", f"{code}.{name}({operand})", about=about(value, first))
        if name == "replace" and len(given) == 2 and known:
            made = f"F.replace({code}, {first.code}, {given[1].code})"
            return self.made(made, value, given[1])
        if known and len(given) == 1:
            if name in _TRIMS:
                return self._trimmed(name, value, first.code)
            if name == "count":
                return self.counted(value, known)
            if name in ("find", "index"):
                if name == "index":
                    self.conditions.add(f"{known!r} is in {value.about}")
                made = f"(F.instr({code}, {known!r}) - 1)"
                return Value("int", made, low=-1, high=_ALL, bits=32, about=value.about)
            if name == "split":
                return Value("split", "", about=value.about, parts=(value, first))
            if name == "removeprefix":
                cut = f"F.substring({code}, {len(known) + 1}, {_ALL})"
                made = f"F.when({code}.startswith({known!r}), {cut}).otherwise({code})"
                return self.made(made, value)
            if name == "removesuffix":
                cut = self.sliced(value, None, -len(known)).code
                made = f"F.when({code}.endswith({known!r}), {cut}).otherwise({code})"
                return self.made(made, value)
        raise NoExpression(f"text's {name} has none with such arguments")

    def _widened(self, name: str, value: Value, given: list[Value]) -> Value:
        width = int_of(given[0])
        by = text_of(given[1]) if len(given) == 2 else " "
        if width is None or not 0 <= width < 10_000 or by is None or len(by) != 1:
            raise NoExpression(f"text's {name} has one with constants alone")
        if name == "zfill" and len(given) == 1:
            self.conditions.add(f"no text in {value.about} that begins with + or -")
            return self._padded("lpad", value, width, "0")
        if name in ("ljust", "rjust"):
            return self._padded("rpad" if name == "ljust" else "lpad", value, width, by)
        raise NoExpression(f"text's {name} has none that is equal")

    def repeated(self, text: Value, times: Value) -> Value:
        """``text * times``."""
        known = int_of(times)
        if known is not None:
            return self.made(f"F.repeat({text.code}, {known})", text)
        code = times.code
        if times.bits == 64:
            self.conditions.add(f"no whole number beyond 32 bits in {times.about}")
            code = f'{code}.cast("int")'
        # PySpark's own takes a column since 4.0.
        return self.made(f'F.call_function("repeat", {text.code}, {code})', text, times)

    def parts_of(self, value: Value) -> Value:
        """``len`` of a split."""
        text, by = value.parts
        return self.numbers.binary(
            "+", self.counted(text, str(text_of(by))), literal_int(1), nonzero=True
        )
