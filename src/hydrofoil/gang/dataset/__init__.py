"""Data that outlives the job: written once from Spark, memory-mapped beside it.

``manifest`` is what a finished data set says of itself, ``draft`` what an unfinished one does.
``writing`` (driver) and ``part`` (executors) write; ``identity`` tells whether an export may go on
with another's files. ``reading`` is what ``gang.open`` gives; it needs no Spark.
"""

from hydrofoil.gang.dataset.errors import DatasetError, ExportError
from hydrofoil.gang.dataset.reading import Dataset
from hydrofoil.gang.dataset.reading import open_dataset as open
from hydrofoil.gang.dataset.writing import ExportProgress, export

__all__ = ["Dataset", "DatasetError", "ExportError", "ExportProgress", "export", "open"]
