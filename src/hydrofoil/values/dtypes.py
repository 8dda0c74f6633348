"""NumPy's dtypes and Spark's types, by their names: those whose values are the same bits."""

# The type to declare for values of a dtype, as DDL.
DDL_OF_DTYPE = {
    "bool": "boolean",
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "float32": "float",
    "float64": "double",
}
