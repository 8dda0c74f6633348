"""The arguments of a row that failed, as JSON text: whole values, so that rows can be run again."""

import datetime
import decimal
import json
from collections.abc import Sequence
from typing import Any

from hydrofoil.failures.shown import shown, shown_call

_LONGEST = 1 << 16


def as_text(names: Sequence[str], values: Sequence[Any]) -> str:
    """A JSON object of values by their parameters, or by their numbers where these have no names.

    What JSON has no form for stands there as Python shows it, and all of it if it is too long.
    """
    try:
        named = {
            name or str(i): value for i, (name, value) in enumerate(zip(names, values, strict=True))
        }
        text = encodable(json.dumps(named, default=_as_json, ensure_ascii=False))
        if len(text) <= _LONGEST:
            return text
    except Exception:
        pass
    return encodable(json.dumps(shown_call(names, values), ensure_ascii=False))


def encodable(text: str) -> str:
    """The text with escapes, which are JSON's too, for what UTF-8 has no bytes for.

    Functions that read bytes with ``errors="surrogateescape"`` have such text.
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _as_json(value: Any) -> Any:
    if isinstance(value, (datetime.date, datetime.datetime, datetime.time)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():
        return value.item()
    return shown(value)
