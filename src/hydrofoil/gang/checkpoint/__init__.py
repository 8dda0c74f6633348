"""Checkpoints: the state of ranks, written atomically to any pyarrow filesystem.

From top to bottom: ``conf`` is what users set, ``checkpointer`` what ranks call, ``lineage`` says
which checkpoints an attempt may use, ``encoding`` makes bytes of state, ``store`` keeps them.
"""

from hydrofoil.gang.checkpoint.checkpointer import Checkpointer, open_checkpointer
from hydrofoil.gang.checkpoint.conf import Checkpoint, Saved

__all__ = ["Checkpoint", "Checkpointer", "Saved", "open_checkpointer"]
