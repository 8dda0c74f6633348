"""What a pickle can do to its reader that is Python's own affair, and not tried."""

import re

# A number in the memo is a place in a list, which grows up to it; a bytearray is made before its
# bytes are there.
ALLOCATES = re.compile(rb"r(..[^\0].|...[^\0])|\x96", re.DOTALL)
