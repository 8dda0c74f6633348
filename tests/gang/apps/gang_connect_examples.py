"""Examples as a Spark Connect client. Arguments: the server's address, the examples' folder, names.

They find the server by ``SPARK_REMOTE``, as any program does.
"""

import json
import os
import runpy
import sys
from typing import Any

import numpy as np

os.environ["SPARK_REMOTE"] = sys.argv[1]
RESULTS = {
    "ddp.py": "losses",
    "xgboost_trees.py": "predicted",
    "lightgbm_trees.py": "predicted",
    "numpy_regression.py": "weights",
    "jax_regression.py": "weights",
    "tensorflow_regression.py": "weights",
    "mirrored_strategy.py": "weights",
    "resume.py": "runs",
}


def plain(value: Any) -> Any:
    """Make JSON of what examples return."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "attempts"):
        errors = [[type(error).__name__, error.rank] for error in value.attempts]
        return {"ranks": [plain(each) for each in value], "errors": errors}
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


for name in sys.argv[3:]:
    made = runpy.run_path(os.path.join(sys.argv[2], name), run_name="__main__")
    print()
    print("GANG", json.dumps({name: plain(made[RESULTS[name]])}), flush=True)
