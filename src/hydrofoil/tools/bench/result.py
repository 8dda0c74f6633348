"""What a suite gives back: tables, charts and, for programs, flat records."""

from dataclasses import dataclass, field
from typing import Any

from hydrofoil.tools.page.charts import Chart


@dataclass(frozen=True)
class Sheet:
    """A table; the first column names the rows.

    Attributes
    ----------
    title, note : str
    columns : list of str
    rows : list of lists of str
    left : tuple of str
        Columns of text, beside the first.
    strong : tuple of int
        Rows that stand out: Hydrofoil's.
    """

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""
    left: tuple[str, ...] = ()
    strong: tuple[int, ...] = ()


@dataclass
class Result:
    """All that one suite has found.

    Attributes
    ----------
    suite : str
    headline : str
        One sentence.
    sheets : list of Sheet
    charts : list of Chart
        The first is the one that says most.
    records : list of dict
        One for each thing measured, with the same keys where they mean the same; ``runs`` holds
        the samples.
    notes : list of str
        Paragraphs under the tables.
    texts : dict of str to str
        Long texts, such as a profiler's, by title.
    """

    suite: str
    headline: str
    sheets: list[Sheet] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "suite": self.suite,
            "headline": self.headline,
            "records": self.records,
            "notes": self.notes,
            "texts": self.texts,
        }
