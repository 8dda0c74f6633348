"""How Hydrofoil and PySpark are installed: the wording of all advice."""

PYSPARK = 'pip install "pyspark>=3.5,<4.4"'


def hydrofoil_for(python: str, version: str = "") -> str:
    """Advise how to install Hydrofoil, which no package index has, for a Python of somebody's."""
    wanted = f"Hydrofoil {version}".rstrip()
    return f"install {wanted} for {python}, from a wheel or a checkout (docs/installing.md)"
