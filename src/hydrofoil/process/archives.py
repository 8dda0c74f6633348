"""Archives on ``sys.path`` that stay as they are while a daemon lives: pyspark.zip, py4j, a jar.

PySpark's worker invalidates the import caches at the start of each task, and zipimport (at least up
to Python 3.12) answers by reading each archive's list of files again: thousands of entries, for
which a short task waits longer than for its own work.
"""

import os
import sys


def on_path() -> frozenset[str]:
    """Return the entries of ``sys.path`` that are files."""
    return frozenset(entry for entry in sys.path if os.path.isfile(entry))


def keep_listings(archives: frozenset[str]) -> None:
    """Keep the next invalidation of import caches away from these archives.

    Their importers are forgotten, not their lists of files: the next import that gets as far makes
    new importers, from the lists that zipimport keeps. Archives that come with a task, such as
    those of ``addPyFile``, are invalidated as ever.
    """
    for path, importer in list(sys.path_importer_cache.items()):
        # A folder inside an archive has an importer of its own.
        if getattr(importer, "archive", None) in archives:
            del sys.path_importer_cache[path]
