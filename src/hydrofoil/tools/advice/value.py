"""A value of an expression that is being written, and why there may be none."""

from dataclasses import dataclass, replace

LEAST, MOST = -(2**63), 2**63 - 1
EXACT = 2**53


class NoExpression(Exception):
    """Spark has nothing that equals it; the message is a sentence's end for users."""


class Never(Exception):
    """Python raises here, so that there is no value."""


@dataclass(frozen=True)
class Value:
    """What a piece of code is in Spark and was in Python.

    Attributes
    ----------
    kind : str
        int, float, bool, str, date, days (a timedelta), none, or split (parts of a text).
    code : str
        A Column, as code of Python.
    raw : str
        The literal, where it is one: other columns' operators take it as it is.
    nullable : bool
        Whether it may be None.
    low, high : int
        The least and the most that an int can be.
    bits : int
        Of an int: those of Spark's type.
    about : str
        The columns that it is of, to name them in conditions.
    first : bool
        Whether it is an argument itself.
    parts : tuple
        Of a split: the text and the separator.
    chain : bool
        Whether the code is ``F.when(...)``, to which another condition can be put in front.
    """

    kind: str
    code: str
    raw: str = ""
    nullable: bool = False
    low: int = LEAST
    high: int = MOST
    bits: int = 64
    about: str = ""
    first: bool = False
    parts: "tuple[Value, ...]" = ()
    chain: bool = False

    @property
    def operand(self) -> str:
        """The code where an operator or function of Spark's takes literals, too."""
        return self.raw or self.code

    @property
    def exact(self) -> bool:
        """Whether every int that it can be is a float, too."""
        return self.low >= -EXACT and self.high <= EXACT

    @property
    def known(self) -> bool | None:
        """Whether Python takes it for true, if that is known."""
        if self.kind == "none":
            return False
        if not self.raw:
            return None
        return self.raw not in ("0", "False", "0.0", "-0.0", "''")

    @property
    def present(self) -> "Value":
        """The same, where it is not None."""
        return replace(self, nullable=False)

    @property
    def long(self) -> "Value":
        """An int as Spark's bigint."""
        if self.bits == 64:
            return self
        return replace(self, code=f'{self.code}.cast("long")', raw="", bits=64, chain=False)


NONE = Value("none", "F.lit(None)", "None", nullable=True)


def literal_int(value: int) -> Value:
    """A constant int; Spark has those of 64 bits."""
    if not LEAST <= value <= MOST:
        raise NoExpression(f"{value:.3g} is beyond 64 bits")
    bits = 32 if -(2**31) <= value < 2**31 else 64
    return Value("int", f"F.lit({value})", str(value), low=value, high=value, bits=bits)


def literal_bool(value: bool) -> Value:
    """True or False."""
    return Value("bool", f"F.lit({value})", str(value))


def literal_str(value: str) -> Value:
    """A constant text."""
    return Value("str", f"F.lit({value!r})", repr(value))


def text_of(value: Value) -> str | None:
    """The constant text that a value is."""
    if value.kind != "str" or not value.raw:
        return None
    import ast

    return str(ast.literal_eval(value.raw))


def int_of(value: Value) -> int | None:
    """The constant int that a value is."""
    return int(value.raw) if value.kind == "int" and value.raw else None


def about(*values: Value) -> str:
    """The columns of several values."""
    names: dict[str, None] = {}
    for value in values:
        names |= dict.fromkeys(name for name in value.about.split(", ") if name)
    return ", ".join(names)
