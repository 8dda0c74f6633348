"""``TorchDistributor`` in place of pyspark's: the same calls, and errors that say what happened."""

import os
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from hydrofoil import gang
from hydrofoil.errors import UsageError
from hydrofoil.gang import TorchDistributor
from hydrofoil.gang.errors import UserError

SCRIPT = """
import os, sys
import torch
from torch import distributed

distributed.init_process_group("gloo")
total = torch.tensor([float(sys.argv[1])])
distributed.all_reduce(total)
with open(f"{sys.argv[2]}/rank{os.environ['RANK']}", "w") as file:
    file.write(f"{total.item()} of {os.environ['WORLD_SIZE']}")
distributed.destroy_process_group()
"""

FAILING = """
import os, sys
print("giving up on purpose")
sys.exit(7 if os.environ["RANK"] == "1" else 0)
"""


def add_up(start: float, more: float = 0.0) -> Any:
    """As users write it: init_process_group, and no clean-up."""
    import torch
    from torch import distributed

    distributed.init_process_group("gloo")
    total = torch.tensor([start + more])
    distributed.all_reduce(total)
    os.environ["LEFT_BEHIND"] = "by add_up"
    return total.item(), os.getpid(), os.environ["LOCAL_RANK"], distributed.get_rank()


def test_functions_in_spark_tasks_leave_nothing_in_their_workers(spark: SparkSession) -> None:
    seen = [
        TorchDistributor(num_processes=2, local_mode=False, use_gpu=False).run(add_up, 1.0, more=2)
        for _ in range(2)
    ]
    assert [(total, local, rank) for total, _, local, rank in seen] == [(6.0, "0", 0)] * 2

    def look(ctx: gang.Context) -> Any:
        import sys

        distributed = sys.modules.get("torch.distributed")
        up = distributed is not None and distributed.is_initialized()
        names = ("RANK", "WORLD_SIZE", "MASTER_PORT", "LEFT_BEHIND", "TORCHELASTIC_RUN_ID")
        return os.getpid(), up, [name for name in names if name in os.environ]

    after = gang.run(look, num_tasks=2, spark=spark)
    assert [(up, names) for _, up, names in after] == [(False, [])] * 2
    # Spark has reused the processes: otherwise nothing could have been left.
    assert {pid for pid, *_ in after} & {pid for _, pid, *_ in seen}


@pytest.mark.slow
def test_a_script_that_succeeds_and_one_that_fails(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    here = TorchDistributor(num_processes=2, local_mode=True, use_gpu=False)
    assert here.run(str(script), 2, tmp_path) is None
    assert [(tmp_path / f"rank{n}").read_text() for n in range(2)] == ["4.0 of 2"] * 2
    script.write_text(FAILING)
    with pytest.raises(UserError) as caught:
        here.run(str(script))
    assert caught.value.rank == 1
    assert "exit code 7" in str(caught.value) and "giving up on purpose" in str(caught.value)


def test_what_cannot_be() -> None:
    with pytest.raises(UsageError, match="num_processes=0"):
        TorchDistributor(0)
    with pytest.raises(UsageError, match="GPU"):
        TorchDistributor(1_000, local_mode=True, use_gpu=True)
    with pytest.raises(UsageError, match="takes no keywords: epochs"):
        TorchDistributor(1, use_gpu=False).run("train.py", epochs=3)
