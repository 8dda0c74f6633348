import numpy as np
from numpy.typing import NDArray

def order_by_code(
    codes: NDArray[np.int32], bounds: NDArray[np.int64], order: NDArray[np.int64]
) -> None: ...
