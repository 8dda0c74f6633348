"""Why stock converts what a plain function has returned, in words. Only traces ask."""

from typing import Any

# What Python's own types are declared as, and what declared types take.
_DECLARE = {"bool": "boolean", "int": "bigint", "float": "double", "str": "string"}
_RETURN = {
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint"), "int"),
    **dict.fromkeys(("float", "double"), "float"),
    **{"boolean": "bool", "string": "str", "binary": "bytes", "date": "datetime.date"},
}


def expected(declared: str) -> str:
    """The Python type that a declared type takes as it is; empty for those of several."""
    return _RETURN.get(declared, "")


def returned_for(result: Any, declared: Any) -> str:
    """Name the type of a result that is not the declared one's, and what to change.

    Parameters
    ----------
    result : object
        What the function returned.
    declared : pyspark.sql.types.DataType
    """
    name, returned = declared.simpleString(), type(result).__name__
    advice = []
    if returned in _DECLARE and expected(name) != returned:
        advice.append(f"declare {_DECLARE[returned]}")
    if expected(name) not in ("", returned):
        advice.append(f"return {expected(name)}")
    so = f", so PySpark converts it: {', or '.join(advice)}" if advice else ""
    return f"{returned} returned for {name}{so}"
