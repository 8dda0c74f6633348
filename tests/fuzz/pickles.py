"""What a pickle can do to its reader that is Python's own affair, and not tried."""

import re

# A number in the memo is a place in a list, which grows up to it; long strings and bytes are made
# before their content is there.
ALLOCATES = re.compile(rb"r(..[^\0].|...[^\0])|[BXT]...[^\0]|[\x8d\x8e\x96]", re.DOTALL)
