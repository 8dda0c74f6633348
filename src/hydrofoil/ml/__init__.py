"""Estimators in the manner of ``pyspark.ml`` that train in gangs: XGBoost, LightGBM, torch.

``base`` is what all of them share on the driver, ``workers`` what runs on executors, which imports
no ``pyspark.ml``. Each library's estimators are a module of its name, imported when it is asked
for; no room imports this one.
"""
