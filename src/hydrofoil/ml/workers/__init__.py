"""What estimators run on executors: a rank's training, a model's predictions.

Knows NumPy and the libraries, and nothing of ``pyspark.ml``, whose import takes a second.
"""
