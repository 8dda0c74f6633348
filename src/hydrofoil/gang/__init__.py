"""Gangs: ranks that start together, meet, and are restarted together, fed from a DataFrame.

No room but tools imports it. Importing it is free; each public name is imported from its module
when first used.
"""

from typing import TYPE_CHECKING

from hydrofoil.lazy import importer

if TYPE_CHECKING:
    from hydrofoil.gang.api import run
    from hydrofoil.gang.context import Context
    from hydrofoil.gang.errors import (
        Cancelled,
        CheckpointError,
        EmptyPartition,
        GangError,
        HangError,
        RankCrashed,
        RankLost,
        RestartsExhausted,
        ResultError,
        SlotError,
        SpoolError,
        StaleAttempt,
        StartTimeout,
        Tampered,
        UserError,
    )
    from hydrofoil.gang.local import run_locally
    from hydrofoil.gang.result import GangResult
    from hydrofoil.gang.seams import Resources, Slots, Spool
    from hydrofoil.gang.slots import preflight
    from hydrofoil.gang.torch_distributor import TorchDistributor

# Public name -> the module that defines it. Modules have other names than these: an imported
# module would take its name's place in the package.
_PUBLIC = {
    "Cancelled": "hydrofoil.gang.errors",
    "Checkpoint": "hydrofoil.gang.checkpoint",
    "CheckpointError": "hydrofoil.gang.errors",
    "Context": "hydrofoil.gang.context",
    "EmptyPartition": "hydrofoil.gang.errors",
    "GangError": "hydrofoil.gang.errors",
    "GangResult": "hydrofoil.gang.result",
    "HangError": "hydrofoil.gang.errors",
    "RankCrashed": "hydrofoil.gang.errors",
    "RankLost": "hydrofoil.gang.errors",
    "Resources": "hydrofoil.gang.seams",
    "RestartsExhausted": "hydrofoil.gang.errors",
    "ResultError": "hydrofoil.gang.errors",
    "SlotError": "hydrofoil.gang.errors",
    "Slots": "hydrofoil.gang.seams",
    "Spool": "hydrofoil.gang.seams",
    "SpoolError": "hydrofoil.gang.errors",
    "StaleAttempt": "hydrofoil.gang.errors",
    "StartTimeout": "hydrofoil.gang.errors",
    "Tampered": "hydrofoil.gang.errors",
    "TorchDistributor": "hydrofoil.gang.torch_distributor",
    "UserError": "hydrofoil.gang.errors",
    "arrow": "hydrofoil.gang.sources",
    "delta": "hydrofoil.gang.sources",
    "export": "hydrofoil.gang.dataset",
    "open": "hydrofoil.gang.dataset",
    "parquet": "hydrofoil.gang.sources",
    "plan": "hydrofoil.gang.plans",
    "preflight": "hydrofoil.gang.slots",
    "run": "hydrofoil.gang.api",
    "run_locally": "hydrofoil.gang.local",
}

__all__ = [
    "Cancelled",
    "Checkpoint",
    "CheckpointError",
    "Context",
    "EmptyPartition",
    "GangError",
    "GangResult",
    "HangError",
    "RankCrashed",
    "RankLost",
    "Resources",
    "RestartsExhausted",
    "ResultError",
    "SlotError",
    "Slots",
    "Spool",
    "SpoolError",
    "StaleAttempt",
    "StartTimeout",
    "Tampered",
    "TorchDistributor",
    "UserError",
    "arrow",
    "delta",
    "export",
    "open",
    "parquet",
    "plan",
    "preflight",
    "run",
    "run_locally",
]


if not TYPE_CHECKING:  # A type checker would take any name for a public one.
    __getattr__ = importer(__name__, _PUBLIC)


def __dir__() -> list[str]:
    return sorted(__all__)
