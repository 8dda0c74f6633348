"""Classes of the jar that the driver's Python calls; it is loaded where a session is without."""

from typing import Any
from weakref import WeakKeyDictionary

from hydrofoil.settings import jvm_operators

_PACKAGE = "org.apache.spark.sql.hydrofoil"

# By contexts and names; None where the JVM has no such class.
_classes: "WeakKeyDictionary[Any, dict[str, Any]]" = WeakKeyDictionary()


def jvm_class(context: Any, name: str) -> Any:
    """A class of the jar in a context's JVM; None if it has no jar.

    Parameters
    ----------
    context : SparkContext
    name : str
        With its package below Hydrofoil's.
    """
    known = _classes.setdefault(context, {})
    if name not in known:
        known[name] = _find(context, name)
    return known[name]


def operator_class(context: Any, name: str) -> Any:
    """As `jvm_class`, for those that no version has but the ones with operators in the jar."""
    if jvm_operators.why_not(context.version) is not None:
        return None
    return jvm_class(context, name)


def _find(context: Any, name: str) -> Any:
    from py4j.java_gateway import JavaClass

    if not jvm_operators.is_given(dict(context.getConf().getAll())):
        # Spark 3.5 has no other use for it, and in a running session it was not asked for.
        _load_jar(context)
    found = context._jvm
    for part in f"{_PACKAGE}.{name}".split("."):
        found = getattr(found, part)
    return found if isinstance(found, JavaClass) else None


def _load_jar(context: Any) -> None:
    path = jvm_operators.jar()
    if path is None:
        return
    try:
        jvm_operators.load_into(context._jvm)
        if not context._jsc.sc().isLocal():
            context._jsc.addJar(str(path))
    except Exception:
        # A class loader of somebody else's. Then the class is not found.
        return
