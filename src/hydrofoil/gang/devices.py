"""Which GPUs a rank sees, and that no other rank has the same one."""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hydrofoil.errors import UsageError
from hydrofoil.gang.errors import GangError
from hydrofoil.gang.hub.events import Member

VISIBLE = "CUDA_VISIBLE_DEVICES"


def local_rank_of(rank: int, members: Sequence[Member]) -> int:
    """Return a rank's number among those of its host."""
    return sum(member.host == members[rank].host for member in members[:rank])


def assign(
    rank: int, members: Sequence[Member], gpus: int, share: bool, present: Sequence[str]
) -> list[str]:
    """Return the addresses of a rank's GPUs.

    They are those that Spark assigned. Where it assigns none (local Spark can't), the ones that
    are ``present`` on the host are dealt out by local rank.

    Raises
    ------
    GangError
        Two ranks would have the same device and ``share`` is false, or there are not enough.
    """
    if members[rank].devices:
        mine = members[rank].devices[: gpus or None]
        if not share:
            _check_alone(rank, mine, members)
        return mine
    if not gpus:
        return []
    first = local_rank_of(rank, members) * gpus
    wanted = range(first, first + gpus)
    if not present or (not share and wanted[-1] >= len(present)):
        on_host = sum(member.host == members[rank].host for member in members)
        raise GangError(
            f"rank {rank} on {members[rank].host}: {on_host} rank(s) there need {gpus} GPU(s) each "
            f"and the host has {len(present)}",
            hint="run fewer ranks, or pass share_devices=True to have ranks share one",
            rank=rank,
            host=members[rank].host,
        )
    return list(dict.fromkeys(present[number % len(present)] for number in wanted))


def _check_alone(rank: int, mine: Sequence[str], members: Sequence[Member]) -> None:
    for other in members:
        if other.rank == rank or other.host != members[rank].host:
            continue
        both = sorted(set(mine) & set(other.devices))
        if both:
            raise GangError(
                f"ranks {min(rank, other.rank)} and {max(rank, other.rank)} on {other.host} were "
                f"both given GPU {', '.join(both)}",
                hint="set spark.task.resource.gpu.amount to a whole number, or pass "
                "share_devices=True to have ranks share one",
                rank=rank,
                host=other.host,
            )


def present_gpus() -> list[str]:
    """Return the addresses of this host's NVIDIA GPUs that this process may use."""
    visible = os.environ.get(VISIBLE)
    if visible is not None:
        return [address.strip() for address in visible.split(",") if address.strip()]
    # CUDA counts those that are there, whatever numbers a container's have on its host.
    found = [path for path in Path("/dev").glob("nvidia*") if re.fullmatch(r"nvidia\d+", path.name)]
    return [str(number) for number in range(len(found))]


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables, and set them back: Spark gives the same process to other tasks."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def check_cuda(visible: str) -> None:
    """Refuse a process in which torch has opened other devices: it would go on using them.

    Raises
    ------
    UsageError
        If it has.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized() or os.environ.get(VISIBLE) == visible:
        return
    raise UsageError(
        f"this Python worker has already opened CUDA devices {os.environ.get(VISIBLE, 'all')!r}; "
        f"it can't change to {visible!r}",
        hint="set spark.python.worker.reuse=false, so that each task has a new process",
    )
