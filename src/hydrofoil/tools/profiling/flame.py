"""Stacks in; out, the boxes of a flame graph."""

from hydrofoil.tools.page.flame import Box
from hydrofoil.tools.profiling.attribution import EngineProfile
from hydrofoil.tools.profiling.functions import named, shown
from hydrofoil.tools.profiling.stacks import Frame
from hydrofoil.tools.profiling.worker import MARK

_DEEPEST = 60
_OUTSIDE = "outside of tasks' data"


def boxes(profile: EngineProfile) -> Box:
    """One engine's stacks; a box's width is its share of the CPU time.

    Below the root are the eval types with their functions, and what is outside of tasks' data.
    A box has the colour of what most of it is: user code, exchange or start-up.
    """
    root = Box(f"{profile.engine} workers")
    for stack, seconds in profile.stacks.items():
        owner = profile.owner(stack)
        root.add(seconds, owner)
        box = root
        frames = shown(stack)
        if not frames or frames[0].file != MARK:
            frames = (Frame(_OUTSIDE, MARK, 0), *frames)
        for frame in frames[:_DEEPEST]:
            name, place = named(frame)
            box = box.part(name, "" if frame.file == MARK else place)
            box.add(seconds, owner)
    return root
