"""The script that docs/gang-backends.md calls train.py."""

import sys

from torch import distributed

distributed.init_process_group("gloo")
assert sys.argv[1:] == ["--epochs=3"]
assert distributed.get_world_size() == 2
distributed.destroy_process_group()
