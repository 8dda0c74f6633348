"""In place of ``petastorm``: what its ``spark`` and ``pytorch`` have, and ``make_batch_reader``."""

from typing import TYPE_CHECKING

from hydrofoil.lazy import importer

if TYPE_CHECKING:
    from hydrofoil.gang.elsewhere.petastorm.reader import make_batch_reader

__all__ = ["make_batch_reader"]

if not TYPE_CHECKING:  # A type checker would take any name for a public one.
    __getattr__ = importer(
        __name__, {"make_batch_reader": "hydrofoil.gang.elsewhere.petastorm.reader"}
    )
