"""Frameworks' collectives between ranks: they add up, part cleanly, and leave nothing behind."""

import json
import os
import socket
import sys
from typing import Any

import numpy as np
import pytest
from gang_threads import in_threads

from hydrofoil.errors import UsageError
from hydrofoil.gang.backends.jax import JaxBackend
from hydrofoil.gang.backends.network import ReservedPort
from hydrofoil.gang.backends.numpy import NumpyBackend
from hydrofoil.gang.backends.ring import Ring
from hydrofoil.gang.backends.table import BACKENDS
from hydrofoil.gang.backends.tensorflow import TensorFlowBackend
from hydrofoil.gang.backends.torch import TorchBackend
from hydrofoil.gang.backends.xgboost import XGBoostBackend
from hydrofoil.gang.context import Context
from hydrofoil.gang.errors import PeerGone, RankCrashed
from hydrofoil.gang.local import run_locally

FRAMEWORKS = sorted(set(BACKENDS) - {"numpy"})


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_framework_that_is_missing_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # Python's way to say: not to be had.
    [error] = in_threads(1, lambda ctx: ctx.backend(name))
    assert isinstance(error, UsageError)
    assert f"pip install {name}, here and on the executors" in str(error)


# --- torch ----------------------------------------------------------------------------------------


def use_torch(ctx: Context) -> Any:
    """Bring torch up twice, as tasks in one reused worker do."""
    import torch

    before = dict(os.environ)
    sums = []
    for _ in range(2):
        backend = TorchBackend()
        api = backend.start(ctx)
        mine = torch.tensor([1.0, 2.0]) * (ctx.rank + 1)
        sums.append(api.all_reduce(mine).tolist())
        assert mine.tolist() == [1.0 + ctx.rank, 2.0 + 2 * ctx.rank]
        numbers = [api.all_reduce(ctx.rank + 1, op) for op in ("mean", "min", "max", "prod")]
        torch.distributed.barrier()
        backend.stop(failed=False)
        assert not torch.distributed.is_initialized()
        assert dict(os.environ) == before
    array = NumpyBackend().start(ctx).all_reduce(np.array([1.0, np.nan]))
    return sums, numbers, api.backend, array.tolist()[0]


def test_torch() -> None:
    results = run_locally(2, use_torch)
    for sums, numbers, backend, first in results:
        assert sums == [[3.0, 6.0]] * 2
        assert numbers == [1.5, 1.0, 2.0, 2.0]
        assert backend == "gloo"
        assert first == 2.0


def die_in_all_reduce(ctx: Context) -> None:
    import torch

    total = ctx.torch.all_reduce(torch.ones(1))
    assert total == 2
    if ctx.rank == 1:
        os.kill(os.getpid(), 9)
    ctx.torch.all_reduce(torch.ones(1))


def test_a_rank_that_is_killed_in_a_collective_is_the_one_to_blame() -> None:
    """Its peer's error, that the connection was closed, may come first."""
    with pytest.raises(RankCrashed) as caught:
        run_locally(2, die_in_all_reduce)
    assert caught.value.rank == 1 and "SIGKILL" in str(caught.value)


# --- NumPy ----------------------------------------------------------------------------------------

ARRAYS = [
    np.arange(10.0),
    np.arange(7, dtype="f4").reshape(7, 1),
    np.arange(5, dtype="i2") - 2,
    np.arange(9, dtype=">f8"),
    np.arange(6).reshape(2, 3)[:, ::2] * 2,
    np.array(3.5),
    np.zeros((0, 4)),
    np.arange(4) + 1j,
    np.arange(3, dtype="f2"),
]
# Whose mean over three ranks is of their kind, and whose sum is not.
LARGE = [
    np.full(2, 120, "i1"),
    np.full(2, 250, "u1"),
    np.array(2**62),
    np.full(2, 60_000, "f2"),
]
OPS = {"sum": np.sum, "mean": np.mean, "min": np.min, "max": np.max, "prod": np.prod}


@pytest.mark.parametrize("transport", ["gloo", "ring"])
def test_all_reduce(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if transport == "ring":
        monkeypatch.setitem(sys.modules, "torch", None)

    def reduce(ctx: Context) -> Any:
        backend = NumpyBackend()
        api = backend.start(ctx)
        assert api._gloo == (transport == "gloo")
        totals = [api.all_reduce(array + ctx.rank, op) for array in ARRAYS for op in OPS]
        backend.stop(failed=False)
        return totals

    cases = [(array, of) for array in ARRAYS for of in OPS.values()]
    results = in_threads(3, reduce)
    for totals in results:
        for (array, of), total, first in zip(cases, totals, results[0], strict=True):
            expected = of(np.stack([array + rank for rank in range(3)]), axis=0)
            assert total.shape == array.shape
            assert total.dtype == array.dtype or of is np.mean or array.dtype == ">f8"
            np.testing.assert_allclose(total, expected, rtol=1e-2 if array.itemsize == 2 else 1e-6)
            assert total.tobytes() == first.tobytes()


@pytest.mark.parametrize("transport", ["gloo", "ring", "hub", "torch"])
def test_means_of_values_that_are_large_for_their_type(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if transport == "ring":
        monkeypatch.setitem(sys.modules, "torch", None)

    def reduce(ctx: Context) -> Any:
        if transport == "hub":
            return [ctx.all_reduce(array, "mean") for array in LARGE]
        backend = NumpyBackend()
        api = backend.start(ctx)
        means = [api.all_reduce(array, "mean") for array in LARGE]
        backend.stop(failed=False)
        return means

    if transport == "torch":
        results = list(run_locally(3, mean_of_tensors))
    else:
        results = in_threads(3, reduce)
    for means in results:
        for array, mean in zip(LARGE, means, strict=False):
            assert mean.dtype == (array.dtype if array.dtype.kind == "f" else "f8")
            np.testing.assert_array_equal(mean, array)


def mean_of_tensors(ctx: Context) -> Any:
    import torch

    arrays = [array for array in LARGE if array.dtype.kind != "f"]
    return [ctx.torch.all_reduce(torch.from_numpy(array), "mean").numpy() for array in arrays]


def test_a_large_array_goes_round_the_ring() -> None:
    """Larger than what sockets hold: all ranks send before any receives."""

    def reduce(ctx: Context) -> Any:
        ring, array = Ring(ctx), np.full(3_000_001, ctx.rank + 1, "f8")
        ring.reduce(array, "sum")
        ring.close()
        return array.min(), array.max()

    assert in_threads(3, reduce) == [(6.0, 6.0)] * 3


def test_arrays_that_differ_are_named() -> None:
    def reduce(ctx: Context) -> Any:
        return NumpyBackend().start(ctx).all_reduce(np.zeros(3 + ctx.rank))

    for error in in_threads(2, reduce):
        assert isinstance(error, UsageError)
        assert "(3,) in rank 0" in str(error) and "(4,)" in str(error)
    for error in in_threads(2, lambda ctx: NumpyBackend().start(ctx).all_reduce(np.array(["a"]))):
        assert isinstance(error, UsageError) and "arrays of numbers" in str(error)


def test_a_peer_that_left_the_ring_is_named() -> None:
    def reduce(ctx: Context) -> Any:
        ring = Ring(ctx)
        if ctx.rank == 1:
            ring.close()
        ctx.barrier()
        ring.reduce(np.zeros(1_000_000), "sum")

    errors = in_threads(2, reduce)
    assert isinstance(errors[0], PeerGone) and "rank 1 on host1" in str(errors[0])


# --- Gradient boosting ----------------------------------------------------------------------------


def use_xgboost() -> Any:
    from xgboost import collective

    told = collective.broadcast(f"told by {collective.get_rank()}", 0)
    return collective.get_rank(), collective.get_world_size(), told


def use_trees(ctx: Context) -> Any:
    """XGBoost's collective, twice; two trainings of LightGBM on halves of the same rows."""
    import lightgbm
    from xgboost import collective

    told = []
    for _ in range(2):
        backend = XGBoostBackend()
        backend.start(ctx)
        told.append(use_xgboost())
        backend.stop(failed=False)
        assert not collective.is_distributed()

    random = np.random.default_rng(0)
    features = random.integers(0, 30, (2_000, 3)).astype("f8")
    target = features @ np.array([1.0, -2.0, 0.5])
    params = {"objective": "regression", "verbose": -1, "num_leaves": 5}
    mine = slice(ctx.rank, None, ctx.world_size)
    predictions = []
    for _ in range(2):
        data = lightgbm.Dataset(features[mine], target[mine])
        booster = ctx.lightgbm.train(params, data, num_boost_round=5)
        predictions.append(booster.predict(features))
    try:
        ctx.lightgbm.train(params, lightgbm.Dataset(features, target).construct())
    except UsageError as error:
        refused = str(error)
    alone = lightgbm.train(params, lightgbm.Dataset(features, target), num_boost_round=5)
    return told, predictions, alone.predict(features), refused


def test_gradient_boosting() -> None:
    results = run_locally(2, use_trees)
    for number, (told, (first, second), alone, refused) in enumerate(results):
        # XGBoost numbers ranks as we do.
        assert told == [(number, 2, "told by 0")] * 2
        assert "constructed already" in refused
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, results[0][1][0])
        # A bin for each of 30 values in both: they differ in the order of sums alone.
        np.testing.assert_allclose(first, alone, atol=1e-6)


# --- TensorFlow and JAX ---------------------------------------------------------------------------


def configure_tensorflow(ctx: Context) -> Any:
    backend = TensorFlowBackend()
    config = backend.configure(ctx).config
    said = json.loads(os.environ["TF_CONFIG"])
    [host, port] = config["cluster"]["worker"][ctx.rank].split(":")
    with socket.socket() as server:
        server.bind((host, int(port)))
        server.listen()
    backend.stop(failed=False)
    return config, said, os.environ["TF_CONFIG"]


def test_tf_config_says_who_is_who() -> None:
    results = run_locally(2, configure_tensorflow, env={"TF_CONFIG": "the user's"})
    workers = results[0][0]["cluster"]["worker"]
    assert len(set(workers)) == 2 and all(each.startswith("127.0.0.1:") for each in workers)
    for rank, (config, said, after) in enumerate(results):
        task = {"type": "worker", "index": rank}
        assert config == said == {"cluster": {"worker": workers}, "task": task}
        assert after == "the user's"


def use_jax(ctx: Context) -> Any:
    """Twice, as tasks in one reused worker do; then alone."""
    from jax import devices, jit

    seen = []
    for _ in range(2):
        backend = JaxBackend()
        api = backend.start(ctx)
        array = api.global_array(np.arange(4, dtype="f4") + 4 * ctx.rank)
        total = float(jit(lambda x: x.sum())(array))
        seen.append((api.mesh.shape["ranks"], array.shape, total))
        backend.stop(failed=False)
    return seen, len(devices())


def test_jax_adds_up_over_ranks() -> None:
    pytest.importorskip("jax", reason="jax is an extra")
    results = run_locally(2, use_jax, env={"JAX_PLATFORMS": "cpu"})
    assert list(results) == [([(2, (8,), 28.0)] * 2, 1)] * 2


# --- Ports ----------------------------------------------------------------------------------------


def test_a_reserved_port_is_nobody_elses() -> None:
    port = ReservedPort("127.0.0.1")
    assert port._socket.getsockname()[0] == "127.0.0.1"
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("", port.number))
    port.release()
    with socket.socket() as other:
        other.bind(("", port.number))
    with open("/proc/sys/net/ipv4/ip_local_port_range") as limits:
        assert port.number < int(limits.read().split()[0])
