"""``TorchEstimator``: any torch module, fitted in a gang; ``TorchModel`` predicts with it."""

from hydrofoil.ml.torch.estimator import TorchEstimator
from hydrofoil.ml.torch.model import TorchModel

__all__ = ["TorchEstimator", "TorchModel"]
