"""What differs by Spark version, and PySpark's private parts, which nobody else imports."""
