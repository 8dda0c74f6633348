"""How rows are dealt over ranks: in a row, and numbers differ by at most one."""

from hydrofoil.errors import UsageError


def share(rows: int, rank: int, world_size: int) -> tuple[int, int]:
    """The first row of a rank, and the one after its last.

    Raises
    ------
    UsageError
        ``rank`` is not one of ``world_size``.
    """
    if world_size < 1 or not 0 <= rank < world_size:
        raise UsageError(f"rank {rank} of {world_size}: ranks go from 0 to world_size - 1")
    each, more = divmod(rows, world_size)
    start = rank * each + min(rank, more)
    return start, start + each + (rank < more)


def shares(rows: int, world_size: int) -> list[int]:
    """The rows of every rank."""
    spans = (share(rows, rank, world_size) for rank in range(world_size))
    return [stop - start for start, stop in spans]
