"""A gang on one GPU, without Spark: ``PYTHONPATH=src python -m benchmarks.gang_gpu``.

What no machine without a GPU can show: NCCL beside gloo, DDP, checkpoints of a GPU's tensors, the
process group brought up twice, ranks that share a device, `TorchDistributor`, and how fast batches
go from the spool to the device. Needs torch with CUDA, pyarrow, NumPy, psutil and cloudpickle. A
line is printed for each check; the exit status is 1 if one fails.
"""

import functools
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from hydrofoil.gang import local
from hydrofoil.gang.seams import Resources

ROWS, WIDTH = 200_000, 64
BATCH = 8_192
SECONDS = 90.0


def nccl(ctx: Any) -> Any:
    """DDP over NCCL with one rank, gloo for what is on the CPU, and a checkpoint of all state."""
    api = ctx.torch
    import torch

    assert api.device == torch.device("cuda:0"), api.device
    assert "nccl" in api.backend, api.backend
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0", os.environ["CUDA_VISIBLE_DEVICES"]
    on_gpu = api.all_reduce(torch.arange(4.0, device=api.device))
    on_cpu = api.all_reduce(torch.arange(4.0))
    assert (on_gpu.device.type, on_cpu.device.type) == ("cuda", "cpu")
    model = api.ddp(torch.nn.Linear(8, 1))
    assert next(model.parameters()).device.type == "cuda"
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(256, 8, device=api.device)
    y = x.sum(1, keepdim=True)
    losses = []
    for _ in range(50):
        loss = torch.nn.functional.mse_loss(model(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0] / 10, losses
    state = {"model": model.module.state_dict(), "optimizer": optimizer.state_dict()}
    return ctx.checkpoint.save(state, step=50).step


def restored(ctx: Any) -> Any:
    """A GPU's tensors come back on the CPU, before any GPU is opened."""
    import torch

    state = ctx.checkpoint.restore()
    assert all(tensor.device.type == "cpu" for tensor in state["model"].values())
    assert not torch.cuda.is_initialized()
    model = torch.nn.Linear(8, 1).to("cuda:0")
    model.load_state_dict(state["model"])
    return ctx.checkpoint.step


def twice(ctx: Any) -> Any:
    """Up, down, and up again, as in a reused worker; then down after a failure."""
    import torch

    from hydrofoil.gang.backends.torch import TorchBackend

    for failed in (False, True):
        backend = TorchBackend()
        api = backend.start(ctx)
        api.all_reduce(torch.ones(2, device=api.device))
        backend.stop(failed)
        assert not torch.distributed.is_initialized()
    return "down"


def shared(ctx: Any) -> Any:
    """Two ranks share the GPU, which NCCL would refuse: gloo."""
    api = ctx.torch
    import torch

    assert api.backend == "gloo", api.backend
    total = api.all_reduce(torch.full((3,), ctx.rank + 1.0, device=api.device))
    assert total.device.type == "cuda"
    assert total.tolist() == [3.0, 3.0, 3.0], total
    model = api.ddp(torch.nn.Linear(4, 1))
    model(torch.ones(2, 4, device=api.device) * (ctx.rank + 1)).sum().backward()
    gradient = model.module.weight.grad.flatten().tolist()
    assert gradient == [3.0] * 4, gradient
    return total.tolist()


def feed(ctx: Any, pin_memory: bool) -> Any:
    """Tensors from the feed go to the device, whole and unchanged; the rate of each epoch."""
    import pyarrow as pa
    import torch

    from hydrofoil.gang.data.reader import open_feed
    from hydrofoil.gang.seams import Spool

    values = np.arange(ROWS * WIDTH, dtype="f4").reshape(ROWS, WIDTH)
    column = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), WIDTH)
    table = pa.table({"features": column, "label": pa.array(np.arange(ROWS, dtype="f4"))})
    expected = values.astype("f8").sum() + np.arange(ROWS, dtype="f8").sum()
    data = open_feed(iter(table.to_batches(10_000)), table.schema, Spool(), ctx)
    device, rates = torch.device(ctx.device), []
    for _ in range(3):
        started = time.monotonic()
        total, rows = torch.zeros((), dtype=torch.float64, device=device), 0
        batches = data.loader(
            "features", "label", batch_size=BATCH, steps="uneven", pin_memory=pin_memory
        )
        for features, label in batches:
            on_device = features.to(device, non_blocking=True)
            total += on_device.double().sum() + label.to(device).double().sum()
            rows += len(features)
        torch.cuda.synchronize()
        seconds = time.monotonic() - started
        rates.append(f"{ROWS * (WIDTH + 1) * 4 / seconds / 1e9:.2f} GB/s")
        assert rows == ROWS
        assert abs(total.item() - expected) <= 1e-9 * expected, (total.item(), expected)
    data.close()
    return rates


def distributor() -> Any:
    """`TorchDistributor`'s drop-in, in local mode."""
    from hydrofoil.gang import TorchDistributor

    def train() -> Any:
        import torch
        from torch import distributed

        distributed.init_process_group("nccl")
        device = torch.device(f"cuda:{os.environ['LOCAL_RANK']}")
        torch.cuda.set_device(device)
        total = torch.ones(2, device=device)
        distributed.all_reduce(total)
        return total.tolist()

    return TorchDistributor(1, local_mode=True, use_gpu=True).run(train)


def checks(folder: str) -> dict[str, Callable[[], Any]]:
    """What is checked, by name; the checkpoint goes to the folder."""
    run = functools.partial(
        local.run_locally, timeout=SECONDS, start_timeout=SECONDS, resources=Resources(gpus=1)
    )
    return {
        "NCCL, one rank": lambda: run(1, nccl, checkpoint=folder).value,
        "checkpoint of GPU tensors": lambda: run(1, restored, checkpoint=folder).value,
        "up twice, abort": lambda: run(1, twice).value,
        "gloo, two ranks on one GPU": lambda: list(run(2, shared, share_devices=True)),
        "feed to the device": lambda: run(1, feed, args=(False,)).value,
        "feed to the device, pinned": lambda: run(1, feed, args=(True,)).value,
        "TorchDistributor": distributor,
    }


def main() -> int:
    """Run all checks."""
    # In a container the one GPU may have any number under /dev, and is 0 to CUDA.
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")
    import torch

    print(torch.__version__, torch.cuda.get_device_name(0))
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, check in checks(folder).items():
            started = time.monotonic()
            try:
                print(f"ok    {name}: {check()} ({time.monotonic() - started:.1f} s)", flush=True)
            except Exception:
                failed += 1
                print(f"FAIL  {name}", flush=True)
                traceback.print_exc()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
