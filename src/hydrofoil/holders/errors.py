"""What goes wrong between a worker and a model that its host shares."""

from hydrofoil.errors import HydrofoilError


class HolderDied(HydrofoilError):
    """The process that ran a model has died, and once more when the batch was tried again."""


class ModelTooLarge(HydrofoilError):
    """A model does not fit beside those in use, by ``spark.hydrofoil.models.memory``."""


class OutOfDeviceMemory(HydrofoilError):
    """A device had too little memory for a batch, and for its halves."""


class InHolder(Exception):
    """The traceback of an error in the process that holds the model: the cause of the error."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class Gone(Exception):
    """The other end of a connection is gone; the message says why, or is empty."""


class Silent(Gone):
    """It has ended without a word; the message is the system's, or empty."""
