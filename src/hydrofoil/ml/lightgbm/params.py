"""What LightGBM's estimators and models have in common: their parameters, set in either manner."""

from collections.abc import Callable
from typing import Any

from pyspark.ml.param import Param, Params, TypeConverters

from hydrofoil.errors import UsageError
from hydrofoil.ml.base.params import COLUMN_NAMES, GangParams, one_or_several, plain, set_by_keyword
from hydrofoil.ml.lightgbm.names import ALIASES, ELSEWHERE, LEARNERS, NAMES, camel, snake


def _own(name: str) -> "Param[Any]":
    text = f"see {name} of LightGBM's parameters"
    return Param(Params._dummy(), camel(name), text, typeConverter=plain)


def _column(name: str, text: str) -> "Param[str]":
    return Param(Params._dummy(), name, text, typeConverter=TypeConverters.toString)


class LightGBMParams(GangParams):
    """What estimators and models have in common."""

    numTasks: "Param[int]" = Param(
        Params._dummy(),
        "numTasks",
        "ranks to train in, each in a slot of Spark's; 0 is as many as there are slots",
        typeConverter=TypeConverters.toInt,
    )
    groupCol = _column("groupCol", "the query that a row belongs to, for ranking")
    initScoreCol = _column(
        "initScoreCol",
        "what training starts from: a number, or an array with one for each class. LightGBM does "
        "not add it to predictions",
    )
    leafPredictionCol = _column("leafPredictionCol", "the column for the leaves that a row is in")
    featuresShapCol = _column(
        "featuresShapCol", "the column for each feature's contribution to a prediction"
    )
    categoricalFeature: "Param[Any]" = Param(
        Params._dummy(),
        "categoricalFeature",
        "features that are categories, by number or name; they hold whole numbers from 0 on",
        typeConverter=TypeConverters.toList,
    )
    slotNames: "Param[Any]" = Param(
        Params._dummy(),
        "slotNames",
        "names of the features; those of the columns unless given",
        typeConverter=one_or_several,
    )
    sparse: "Param[bool]" = Param(
        Params._dummy(),
        "sparse",
        "whether vectors are fed as what they hold, without zeros",
        typeConverter=TypeConverters.toBoolean,
    )

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(numTasks=0, sparse=False)

    def setParams(self, **values: Any) -> Any:
        """Set parameters by keyword: in SynapseML's manner, or by LightGBM's own names.

        Raises
        ------
        UsageError
            There is no such parameter.
        """
        given: dict[str, Any] = {}
        for name, value in values.items():
            if name in ELSEWHERE:
                raise UsageError(f"{type(self).__name__} takes no {name}", hint=ELSEWHERE[name])
            if name in ("categoricalSlotIndexes", "categoricalSlotNames"):
                before = given.get("categoricalFeature", [])
                given["categoricalFeature"] = [*before, *(value or [])]
                continue
            name = self._name_of(name)
            if name == "treeLearner":
                value = LEARNERS.get(value, value)
            given[name] = value
        set_by_keyword(self, given, {})
        return self

    def _name_of(self, keyword: str) -> str:
        if self.hasParam(keyword):
            return keyword
        found = COLUMN_NAMES.get(keyword) or NAMES.get(keyword) or NAMES.get(snake(keyword))
        return found or keyword

    def _features(self) -> list[str] | None:
        """The features' names, if they have some that LightGBM can have."""
        names = self.named("slotNames")
        columns = self.getOrDefault(self.featuresCol)
        if names is None and not isinstance(columns, str):
            # A model is kept as text, in which these mean something.
            names = None if any(set(name) & set('[]{}",: ') for name in columns) else columns
        return None if names is None else list(names)


for _name in ALIASES:
    if not hasattr(LightGBMParams, camel(_name)):
        setattr(LightGBMParams, camel(_name), _own(_name))


def add_methods(cls: Any) -> Any:
    """A class decorator: ``setNumLeaves`` and ``getNumLeaves``, and so on for each parameter."""

    def setter(name: str) -> Callable[[Any, Any], Any]:
        def set_value(self: Any, value: Any) -> Any:
            return self.setParams(**{name: value})

        set_value.__doc__ = f"Set ``{name}``."
        return set_value

    def getter(name: str) -> Callable[[Any], Any]:
        def get_value(self: Any) -> Any:
            return self.getOrDefault(name)

        get_value.__doc__ = f"The value of ``{name}``."
        return get_value

    names = [name for name in dir(cls) if isinstance(getattr(cls, name), Param)]
    for name in [*names, "categoricalSlotIndexes", "categoricalSlotNames"]:
        title = name[:1].upper() + name[1:]
        for prefix, make in (("set", setter), ("get", getter)):
            if not hasattr(cls, prefix + title) and (prefix == "set" or name in names):
                method = make(name)
                method.__name__ = prefix + title
                setattr(cls, prefix + title, method)
    return cls
