"""Which checkpoints an attempt may go on from.

Every attempt that opens the folder is a generation, numbered over all runs. It begins with a record
that lists the checkpoints it inherits: its parent's own and what the parent inherited, as they are
at that moment. So whatever a rank of an older attempt publishes later is in nobody's list, and is
never used, however late it comes and whichever step it claims.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from hydrofoil.gang.checkpoint.conf import Saved
from hydrofoil.gang.checkpoint.store import TEMPORARY, Store
from hydrofoil.gang.group import Group

_RECORD = re.compile(r"generation-(\d+)\.json")
_STATE = re.compile(r"state-g(\d+)-s(\d+)-(\d+)-of-(\d+)\.ckpt")
_OF_GENERATION = re.compile(r"(?:generation|state-g)[-]?(\d+)")

# A record that can't be read has the one before it behind it.
_KEPT_RECORDS = 3


def state_name(saved: Saved, part: int) -> str:
    """Return the name of a checkpoint's file."""
    return f"state-g{saved.generation:06d}-s{saved.step:012d}-{part:05d}-of-{saved.parts:05d}.ckpt"


def state_names(saved: Saved) -> list[str]:
    """Return the names of all files of a checkpoint."""
    return [state_name(saved, part) for part in range(saved.parts)]


@dataclass(frozen=True)
class Generation:
    """One attempt's place among all that ever used the folder.

    Attributes
    ----------
    number : int
    first : int
        The number that the run's first attempt had.
    run_id : str
    attempt : int
    world_size : int
    inherited : tuple of Saved
        Newest first.
    """

    number: int
    first: int
    run_id: str
    attempt: int
    world_size: int
    inherited: tuple[Saved, ...]

    def without(self, saved: Saved) -> "Generation":
        """As this, but for a checkpoint that turned out to be unusable."""
        return replace(self, inherited=tuple(each for each in self.inherited if each != saved))


def begin(store: Store, group: Group, resume: bool) -> Generation:
    """Take the next number, record what it inherits, and clear what was left half done.

    For one rank alone; the others are told.
    """
    store.create()
    names = store.names()
    records = sorted(_numbers(_RECORD, names), reverse=True)
    inherited, parent = _inherited(store, names, records)
    number = 1 + max([0, *records, *_numbers(_STATE, names)])
    same_run = parent is not None and parent.run_id == group.run_id
    generation = Generation(
        number,
        parent.first if parent is not None and same_run else number,
        group.run_id,
        group.attempt,
        group.world_size,
        tuple(inherited) if resume or same_run else (),
    )
    text = json.dumps(asdict(generation)).encode()
    store.write(_record_name(number), lambda sink: sink.write(text), group.check_current)
    stale = [_record_name(old) for old in records[_KEPT_RECORDS - 1 :]]
    stale += [name for name in names if name.endswith(TEMPORARY) and _generation_of(name) < number]
    store.delete(stale)
    return generation


def surplus(names: Iterable[str], generation: Generation, keep: int, resume: bool) -> list[str]:
    """Return the files that are not needed any more, once ``keep`` newer checkpoints are complete.

    Parameters
    ----------
    names : iterable of str
        All files of the folder.
    generation : Generation
        The one that is running; files of newer ones are left alone.
    keep : int
    resume : bool
        Whether runs before this one are this one's to clear.
    """
    names = list(names)
    own = [saved for saved in complete(names, "") if saved.generation == generation.number]
    known = {(saved.generation, saved.step) for saved in generation.inherited}
    theirs = [saved for saved in complete(names, "") if (saved.generation, saved.step) in known]
    kept = newest_first([*own, *theirs])[:keep]
    needed = {name for saved in kept for name in state_names(saved)}
    oldest = 0 if resume else generation.first
    unneeded = []
    for name in names:
        found = _STATE.fullmatch(name)
        if found is None or name in needed:
            continue
        number, step = int(found[1]), int(found[2])
        # Other ranks may still be writing their part of a newer one.
        being_written = number == generation.number and (not own or step > own[-1].step)
        if oldest <= number <= generation.number and not being_written:
            unneeded.append(name)
    return unneeded


def complete(names: Iterable[str], uri: str) -> list[Saved]:
    """Return the checkpoints that have all of their files, oldest first."""
    parts: dict[tuple[int, int, int], int] = defaultdict(int)
    for name in names:
        found = _STATE.fullmatch(name)
        if found is not None:
            parts[int(found[1]), int(found[2]), int(found[4])] += 1
    whole = [Saved(step, number, of, uri) for (number, step, of), n in parts.items() if n == of]
    return newest_first(whole)[::-1]


def newest_first(saved: Sequence[Saved]) -> list[Saved]:
    return sorted(saved, key=lambda each: (each.generation, each.step), reverse=True)


def _inherited(
    store: Store, names: list[str], records: list[int]
) -> tuple[list[Saved], Generation | None]:
    """What the newest generation may use now, and that generation."""
    whole = {(saved.generation, saved.step): saved for saved in complete(names, store.uri)}
    usable: list[Saved] = []
    for number in records:
        usable += [saved for saved in whole.values() if saved.generation == number]
        parent = _read_record(store, number)
        if parent is not None:
            keys = [(saved.generation, saved.step) for saved in parent.inherited]
            usable += [whole[key] for key in keys if key in whole]
            return newest_first(usable), parent
    return newest_first(usable), None


def _read_record(store: Store, number: int) -> Generation | None:
    try:
        said = json.loads(bytes(store.read(_record_name(number))))
        inherited = tuple(Saved(**saved) for saved in said.pop("inherited"))
        return Generation(**said, inherited=inherited)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def _record_name(number: int) -> str:
    return f"generation-{number:06d}.json"


def _numbers(pattern: re.Pattern[str], names: Iterable[str]) -> set[int]:
    return {int(found[1]) for name in names if (found := pattern.fullmatch(name))}


def _generation_of(name: str) -> int:
    found = _OF_GENERATION.match(name)
    return int(found[1]) if found else 0
