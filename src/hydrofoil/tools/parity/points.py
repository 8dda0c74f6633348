"""A user's own data type, by its module's name known to the driver and to workers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from pyspark.sql.types import ArrayType, DataType, DoubleType, UserDefinedType


@dataclass(frozen=True)
class Point:
    """What a column of `PointType` holds."""

    # Where PySpark looks for the type of a value.
    __UDT__: ClassVar[Any] = None

    x: float
    y: float


class PointType(UserDefinedType):
    """Points, stored as arrays of two doubles."""

    @classmethod
    def sqlType(cls) -> DataType:
        return ArrayType(DoubleType(), False)

    @classmethod
    def module(cls) -> str:
        return __name__

    def serialize(self, obj: Any) -> Any:
        return None if obj is None else [obj.x, obj.y]

    def deserialize(self, datum: Any) -> Any:
        return None if datum is None else Point(datum[0], datum[1])


Point.__UDT__ = PointType()
