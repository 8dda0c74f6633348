"""THE table of what `hydrofoil.enable` replaces in the driver's PySpark.

To speed up one more method, add a row. Its replacement is made from the original, and gives back to
it whatever it does not do exactly as the original does.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Patch:
    """One method, property or function of PySpark's, and what takes its place.

    Attributes
    ----------
    module : str
        Where the original is; names in braces are fields of `hydrofoil.spark.versions`.
    owner : str
        Its class; empty for a function of the module.
    name : str
        Its attribute.
    maker : str
        ``module:function``; the function is given the original (a property's getter) and returns
        the replacement, of the same signature.
    where : str
        The field of the version's record that says whether this version has it; empty for all.
    connect : bool
        It belongs to Spark Connect's client. Such a patch waits for a session of that kind.
    """

    module: str
    owner: str
    name: str
    maker: str
    where: str = ""
    connect: bool = False


_FRAME = ("{dataframe_module}", "DataFrame")
_CONVERSION = ("pyspark.sql.pandas.conversion", "SparkConversionMixin")

PATCHES: tuple[Patch, ...] = (
    Patch(*_FRAME, "collect", "hydrofoil.driver.collecting:make_collect"),
    Patch(*_FRAME, "rdd", "hydrofoil.bridge.frame_rdd:make_rdd"),
    Patch(*_FRAME, "toLocalIterator", "hydrofoil.driver.iterating:make_to_local_iterator"),
    Patch(
        "pyspark.sql.streaming.readwriter",
        "DataStreamWriter",
        "foreach",
        "hydrofoil.bridge.foreach_sink:make_foreach",
    ),
    Patch(
        "pyspark.sql.pandas.conversion",
        "",
        "_convert_arrow_table_to_pandas",
        "hydrofoil.driver.pandas_frames:make_convert",
        where="frames_by_a_function",
    ),
    # The same, by the name that a client of Spark Connect has for it.
    Patch(
        "pyspark.sql.connect.client.core",
        "",
        "_convert_arrow_table_to_pandas",
        "hydrofoil.driver.pandas_frames:make_convert",
        where="frames_by_a_function",
        connect=True,
    ),
    # What a client of Spark Connect makes rows with.
    Patch(
        "pyspark.sql.conversion",
        "ArrowTableToRowsConversion",
        "convert",
        "hydrofoil.driver.connect:make_convert",
        where="clients_convert_as_workers",
        connect=True,
    ),
    Patch(
        *_CONVERSION,
        "_create_from_pandas_with_arrow",
        "hydrofoil.driver.local_frames:make_create",
    ),
    Patch(
        *_CONVERSION,
        "_create_from_arrow_table",
        "hydrofoil.driver.local_frames:make_create",
        where="frames_of_arrow",
    ),
    Patch(
        "pyspark.sql.session",
        "SparkSession",
        "_create_dataframe",
        "hydrofoil.driver.creating:make_create",
    ),
    # Over the one before, which leaves RDDs alone.
    Patch(
        "pyspark.sql.session",
        "SparkSession",
        "_create_dataframe",
        "hydrofoil.bridge.rdd_frame:make_create",
    ),
    # What the JVM is told of plain functions.
    Patch(
        "pyspark.sql.udf",
        "UserDefinedFunction",
        "_create_judf",
        "hydrofoil.driver.compiled:make_create_judf",
    ),
    Patch(
        "{rdd_module}",
        "",
        "_prepare_for_python_RDD",
        "hydrofoil.driver.compiled:make_prepare",
    ),
    Patch(
        "pyspark.sql.connect.expressions",
        "CommonInlineUserDefinedFunction",
        "to_plan",
        "hydrofoil.driver.compiled:make_to_plan",
        connect=True,
    ),
    Patch(
        "pyspark.sql.connect.expressions",
        "CommonInlineUserDefinedFunction",
        "to_plan_udf",
        "hydrofoil.driver.compiled:make_to_plan_udf",
        connect=True,
    ),
)
