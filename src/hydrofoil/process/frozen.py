"""Libraries that a worker has imported itself, out of the way of its garbage collections.

Stock's daemon has a worker collect garbage after each task, which looks at every object of every
library: 10 ms for pandas, and more for larger ones. What the daemon has imported is frozen before
the fork. A worker that was there earlier, or whose program imports more, freezes that here.
"""

import gc
import sys

# Fewer modules than a library's cost little to look at. What is frozen is never garbage again for
# the collector, so it is done a few times in a worker's life at most.
MANY_MODULES = 50


class Libraries:
    """The modules that were there when a worker has frozen its objects last."""

    def __init__(self) -> None:
        # What its daemon has made since it froze its own is no task's either.
        self._modules = 0

    def freeze(self) -> bool:
        """Freeze what is alive if a library is new; return whether.

        To be called when a task begins. The last one's function and data have been collected by
        then, so that what is alive are modules, and what they keep.
        """
        modules = len(sys.modules)
        if modules - self._modules < MANY_MODULES:
            return False
        self._modules = modules
        gc.freeze()
        return True
