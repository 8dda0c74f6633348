"""The README's example does what the README shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def block(language: str) -> str:
    [text] = re.findall(
        rf"^```{language}\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE
    )[:1]
    return str(text)


def test_example(tmp_path: Path) -> None:
    (tmp_path / "example.py").write_text(block("python"))
    environment = {name: value for name, value in os.environ.items() if name != "PYSPARK_PYTHON"}
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        timeout=180,
        check=True,
    )
    assert done.stdout == block("text")
