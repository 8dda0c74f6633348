"""The sockets between the JVM and its Python workers: TCP, or Unix sockets from Spark 4.1 on."""

UNIX_SOCKETS_KEY = "spark.python.unix.domain.socket.enabled"
FOLDER_KEY = "spark.python.unix.domain.socket.dir"

# Where neither this nor the setting says otherwise, Spark uses TCP. It is read on the driver.
VARIABLE = "PYSPARK_UDS_MODE"

# What Spark takes for FOLDER_KEY, and what a folder's name may have for the kernel to take a
# socket's in it: 107 bytes, of which Spark's own part is 43.
LONGEST_SETTING = 61
LONGEST_FOLDER = 64


def has_unix_sockets(spark: str) -> bool:
    """Whether a version of Spark can use Unix sockets."""
    return tuple(map(int, spark.split(".")[:2])) >= (4, 1)
