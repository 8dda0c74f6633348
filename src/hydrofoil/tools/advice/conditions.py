"""Under which conditions an expression equals its function: collected while it is written."""

from hydrofoil.tools.advice.value import EXACT, LEAST, MOST, Never, Value

OVERFLOW = "no whole number beyond 64 bits"


class Conditions:
    """Sentences for users, each once, in the order in which they came up."""

    def __init__(self) -> None:
        self._found: dict[str, None] = {}

    @property
    def listed(self) -> list[str]:
        return list(self._found)

    def add(self, condition: str) -> None:
        """Note one."""
        self._found[condition] = None

    def need(self, value: Value) -> Value:
        """The value where Python wants one that is not None.

        Raises
        ------
        Never
            It is always None.
        """
        if value.kind == "none":
            raise Never
        if value.nullable:
            what = f"no null in {value.about}" if value.first else f"no None of {value.about}"
            self.add(what + " where Python would raise")
        return value.present

    def fits(self, low: int, high: int) -> tuple[int, int]:
        """The bounds of a whole number within 64 bits."""
        if low < LEAST or high > MOST:
            self.add(OVERFLOW)
        return max(low, LEAST), min(high, MOST)

    def exact(self, value: Value) -> None:
        """An int is about to be a float."""
        if value.kind == "int" and not value.exact:
            self.add(f"no whole number beyond 2**53 ({EXACT}) in {value.about}")

    def numbers(self, *values: Value) -> None:
        """Floats are about to be compared."""
        floats = [value for value in values if value.kind == "float" and not value.raw]
        if floats:
            self.add(f"no NaN in {', '.join(dict.fromkeys(v.about for v in floats))}")

    def ascii(self, value: Value) -> None:
        """A text's letters, digits or blanks are about to be known."""
        if not value.raw or not value.raw.isascii():
            self.add(f"only ASCII text in {value.about}")
