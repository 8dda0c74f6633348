"""Dates: fields, differences and formats that Spark has exactly."""

import re

from hydrofoil.tools.advice.conditions import Conditions
from hydrofoil.tools.advice.value import NoExpression, Value, about

_FIELDS = {"year": (1, 9999), "month": (1, 12), "day": (1, 31)}
_FORMATS = {"%Y": "yyyy", "%m": "MM", "%d": "dd", "%%": "%"}
_FIRST_DAY = 719163  # 1970-01-01, as Python counts days.


class Dates:
    """Writes operators, fields and methods of dates."""

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions

    def field(self, name: str, value: Value) -> Value:
        """A date's field, or a difference's days."""
        if value.kind == "days" and name == "days":
            return self._int(value.code, value, -(2**31), 2**31 - 1)
        if value.kind != "date" or name not in _FIELDS:
            raise NoExpression(f"{value.kind}'s {name} has none")
        field = "dayofmonth" if name == "day" else name
        return self._int(f"F.{field}({value.code})", value, *_FIELDS[name])

    def _int(self, code: str, value: Value, low: int, high: int) -> Value:
        return Value("int", code, low=low, high=high, bits=32, about=value.about)

    def binary(self, op: str, a: Value, b: Value) -> Value:
        """A date and days, or the difference of two dates."""
        if (a.kind, op, b.kind) == ("date", "-", "date"):
            return Value("days", f"F.datediff({a.code}, {b.code})", about=about(a, b))
        if (a.kind, op) == ("days", "+") and b.kind == "date":
            a, b = b, a
        if a.kind == "date" and b.kind == "days" and op in ("+", "-"):
            self.conditions.add(f"the date stays within the years 1 to 9999 ({about(a, b)})")
            how = "date_add" if op == "+" else "date_sub"
            return Value("date", f"F.{how}({a.code}, {b.code})", about=about(a, b))
        raise NoExpression(f"{a.kind} {op} {b.kind} has none")

    def days(self, values: list[Value]) -> Value:
        """``timedelta`` of whole days; what is not given is 0."""
        if not values or any(one.raw != "0" for one in values[1:]):
            raise NoExpression("timedelta has one for whole days alone")
        if values[0].kind != "int":
            raise NoExpression("timedelta has one for a whole number of days alone")
        days = self.conditions.need(values[0])
        code = days.code
        if days.bits > 32:
            self.conditions.add(f"no number of days beyond 32 bits of {days.about}")
            code = f'{code}.cast("int")'
        return Value("days", code, about=days.about)

    def method(self, name: str, value: Value, form: str | None) -> Value:
        """A method of a date."""
        code = value.code
        if name == "isoformat":
            return Value("str", f'{code}.cast("string")', about=value.about)
        if name == "weekday":
            return self._int(f"F.weekday({code})", value, 0, 6)
        if name == "isoweekday":
            return self._int(f"(F.weekday({code}) + 1)", value, 1, 7)
        if name == "toordinal":
            return self._int(f"(F.unix_date({code}) + {_FIRST_DAY})", value, 1, 3652059)
        if name == "strftime" and form is not None:
            return self._formatted(value, form)
        raise NoExpression(f"date's {name} has none that is equal")

    def _formatted(self, value: Value, form: str) -> Value:
        written = ""
        for part in re.findall(r"%.?|[^%]", form):
            if part in _FORMATS:
                written += _FORMATS[part]
            elif re.fullmatch(r"[-/ .:,_0-9]", part):
                written += part
            else:
                raise NoExpression(f"strftime's {part} has none that is equal")
        self.conditions.add(f"no year before 1000 in {value.about}")
        return Value("str", f"F.date_format({value.code}, {written!r})", about=value.about)
