"""In place of ``petastorm.spark``: ``make_spark_converter``."""

import atexit
import random
import threading
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hydrofoil.errors import UsageError
from hydrofoil.gang.dataset import export
from hydrofoil.gang.dataset.reading import Dataset
from hydrofoil.gang.dataset.storage import Folder
from hydrofoil.gang.elsewhere.petastorm.loading import TensorFlowDatasets, TorchLoaders
from hydrofoil.gang.elsewhere.petastorm.precision import converted
from hydrofoil.gang.elsewhere.petastorm.reader import local_path

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# What is on disk: DataFrame, dtype, folder above and converter of each.
_made: list[tuple[Any, str | None, str, "SparkDatasetConverter"]] = []
_lock = threading.Lock()


class SparkDatasetConverter:
    """A DataFrame on storage, to go through as often as wanted. Pickles.

    Made by `make_spark_converter`.

    Attributes
    ----------
    cache_dir_url : str
        The folder.
    file_urls : list of str
        Its files: Arrow's IPC files, not Parquet.
    dataset_size : int
        Rows.
    dataset : Dataset
        The same as `gang.open` gives; not in Petastorm.
    """

    PARENT_CACHE_DIR_URL_CONF = "petastorm.spark.converter.parentCacheDirUrl"

    def __init__(self, above: Folder, name: str, dataset: Dataset) -> None:
        self._above, self._name = above, name
        self.cache_dir_url = dataset.path
        self.file_urls = dataset.files
        self.dataset_size = dataset.num_rows
        self.dataset = dataset

    def __len__(self) -> int:
        return self.dataset_size

    def make_torch_dataloader(
        self,
        batch_size: int = 32,
        num_epochs: int | None = None,
        workers_count: int | None = None,
        shuffling_queue_capacity: int = 0,
        *,
        cur_shard: int | None = None,
        shard_count: int | None = None,
        shuffle_row_groups: bool = True,
        seed: int | None = None,
    ) -> TorchLoaders:
        """Batches as dicts of tensors.

        Parameters
        ----------
        batch_size : int
            Rows of every batch; the last one of all epochs may have fewer.
        num_epochs : int, optional
            How often all rows are gone through; None: without end.
        workers_count : int, optional
            Not needed here: files are mapped.
        shuffling_queue_capacity : int
            More than 0: rows in a random order.
        cur_shard, shard_count : int, optional
            Only the rows of this shard, of so many; their numbers differ by one at most.
        shuffle_row_groups : bool
            Rows in a random order, which is more than Petastorm does: it shuffles row groups.
        seed : int, optional
            Of the random order, which depends on it, the epoch and the shard.

        Returns
        -------
        context manager
            Of an iterable over batches.

        Raises
        ------
        UsageError
            At a value that can't be; when batches are made, at columns that torch doesn't have.
        """
        shuffled = shuffle_row_groups or shuffling_queue_capacity > 0
        dataset = self._shard(cur_shard, shard_count)
        return TorchLoaders(dataset, batch_size, num_epochs, shuffled, _seed(seed))

    def make_tf_dataset(
        self,
        batch_size: int | None = None,
        prefetch: int | None = None,
        num_epochs: int | None = None,
        workers_count: int | None = None,
        shuffling_queue_capacity: int | None = None,
        *,
        cur_shard: int | None = None,
        shard_count: int | None = None,
        shuffle_row_groups: bool = True,
        seed: int | None = None,
    ) -> TensorFlowDatasets:
        """A ``tf.data.Dataset`` of named tuples of tensors.

        Arguments are those of `make_torch_dataloader`; batches have 32 rows unless given.

        Parameters
        ----------
        prefetch : int, optional
            Batches that TensorFlow makes ahead; as many as it thinks best unless given.

        Returns
        -------
        context manager
            Of the ``tf.data.Dataset``.
        """
        shuffled = shuffle_row_groups or bool(shuffling_queue_capacity)
        dataset = self._shard(cur_shard, shard_count)
        return TensorFlowDatasets(
            dataset, batch_size or 32, num_epochs, shuffled, _seed(seed), prefetch
        )

    def delete(self) -> None:
        """Delete the files. What is mapped by then stays readable."""
        with _lock:
            _made[:] = [made for made in _made if made[3].cache_dir_url != self.cache_dir_url]
        self._above.remove_folder(self._name)

    def _shard(self, cur_shard: int | None, shard_count: int | None) -> Dataset:
        if cur_shard is None and shard_count is None:
            return self.dataset
        if cur_shard is None or shard_count is None:
            raise UsageError(
                f"cur_shard={cur_shard!r} and shard_count={shard_count!r} go together",
                hint="pass a rank's number and how many ranks there are",
            )
        return self.dataset.shard(cur_shard, shard_count)


def make_spark_converter(
    df: "DataFrame", *, dtype: str | None = "float32"
) -> SparkDatasetConverter:
    """Write a DataFrame to storage, once, for loops that go through it many times.

    It goes below the folder of ``spark.conf.set(PARENT_CACHE_DIR_URL_CONF, ...)``, and is deleted
    when the driver ends. The same DataFrame is not written again as long as it is there.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    dtype : {"float32", "float64", None}
        What floating-point columns, and arrays and ML vectors of such, become. None leaves them.

    Returns
    -------
    SparkDatasetConverter

    Raises
    ------
    UsageError
        Without that setting; at another ``dtype``.
    ExportError
        Writing failed.
    """
    if dtype not in ("float32", "float64", None):
        raise UsageError(f"dtype={dtype!r} is not known", hint="use 'float32', 'float64' or None")
    parent = df.sparkSession.conf.get(SparkDatasetConverter.PARENT_CACHE_DIR_URL_CONF, None)
    if parent is None:
        key = SparkDatasetConverter.PARENT_CACHE_DIR_URL_CONF
        raise UsageError(
            f"{key} is not set: where to write the DataFrame",
            hint=f"spark.conf.set({key!r}, 'file:///...'), a folder that all hosts reach",
        )
    with _lock:
        for other, of_type, above, converter in _made:
            if of_type == dtype and above == parent and _same(other, df):
                return converter
    folder = Folder.of(local_path(parent))
    application = df.sparkSession.conf.get("spark.app.id", None) or "application"
    name = f"hydrofoil-{application}-{uuid.uuid4().hex[:8]}"
    dataset = export(converted(df, dtype), folder.path(name), filesystem=folder.filesystem)
    converter = SparkDatasetConverter(folder, name, dataset)
    with _lock:
        _made.append((df, dtype, parent, converter))
    return converter


def _same(one: Any, other: Any) -> bool:
    return one.sparkSession is other.sparkSession and bool(one.sameSemantics(other))


def _seed(seed: int | None) -> int:
    return random.randrange(1 << 31) if seed is None else seed


@atexit.register
def _delete_all() -> None:
    for *_, converter in list(_made):
        with suppress(Exception):  # Nobody is left to be told.
            converter.delete()
