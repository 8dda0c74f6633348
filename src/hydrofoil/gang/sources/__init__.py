"""Tables that ranks read themselves, each its share, as they were when the run began.

``delta_table`` and ``files`` pin them on the driver (``counting``: rows of files), and ``pinned``
is what travels to the ranks and reads there.
"""

from hydrofoil.gang.sources.delta_table import delta
from hydrofoil.gang.sources.errors import SourceError
from hydrofoil.gang.sources.files import arrow, parquet

__all__ = ["SourceError", "arrow", "delta", "parquet"]
