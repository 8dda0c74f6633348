"""No two modules of tests that pytest would import by the same name.

Outside of packages a file's name is its module's, in whatever folder it lies; a run of all tests
ends with an error for the second one, though each runs by itself.
"""

import sys
from collections import defaultdict
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"


def main() -> int:
    """Names what is there twice; the exit status is 1 then."""
    files = defaultdict[str, list[Path]](list)
    for file in sorted(TESTS.rglob("*.py")):
        if file.name != "conftest.py" and not (file.parent / "__init__.py").exists():
            files[file.name].append(file.relative_to(TESTS.parent))
    twice = [same for same in files.values() if len(same) > 1]
    for same in twice:
        print("same module name for pytest, rename all but one: " + ", ".join(map(str, same)))
    return 1 if twice else 0


if __name__ == "__main__":
    sys.exit(main())
