"""``python -m hydrofoil``: the command line of this Python, whichever ``hydrofoil`` is on PATH."""

from hydrofoil.tools.cli import main

if __name__ == "__main__":
    main()
