"""The code blocks of the pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    *sorted(path.name for path in ROOT.glob("*.md")),
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md")),
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("profiles/**/*.md")),
)

# A fence, which may be indented in a list, and the comment before it: why it can't run, or which of
# the tests that make what it needs runs it.
FENCE = re.compile(
    r"^(?: *<!-- (?:not run: (?P<reason>.*?)|run: (?P<test>\w+)) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$"
    r"(?:\n\n(?P=indent)```text\n(?P<output>.*?)^(?P=indent)```$)?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A block of code; the text block behind it, which is what it prints; and how it is run.

    Attributes
    ----------
    reason : str or None
        Why no test runs it.
    test : str or None
        What of `test_deploying` runs it.
    """

    page: str
    line: int
    language: str
    text: str
    output: str | None
    reason: str | None
    test: str | None


def blocks(page: str, language: str) -> Iterator[Block]:
    """Yield the blocks of a page in a language."""
    text = (ROOT / page).read_text()
    for found in FENCE.finditer(text):
        if found["language"] == language:
            indent = re.compile(f"^{found['indent']}", re.MULTILINE)
            line = text.count("\n", 0, found.start("text")) + 1
            code, output = (part and indent.sub("", part) for part in found.group("text", "output"))
            yield Block(page, line, language, code, output, *found.group("reason", "test"))


def commands(block: Block) -> list[str]:
    """The commands of a block of shell, each in one line and without its comment."""
    joined = block.text.replace("\\\n", " ")
    lines = (re.sub(r"(^|\s+)#.*", "", line) for line in joined.splitlines())
    return [re.sub(r"\s+", " ", line).strip() for line in lines if line.strip()]
