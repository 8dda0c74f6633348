"""What runs each kind of function; knows no version of Spark and nothing of PySpark's."""
