"""What a suite gives back: tables, charts and, for programs, flat records."""

from dataclasses import asdict, dataclass, field
from typing import Any

from hydrofoil.tools.page.charts import Bars, Chart, Lines
from hydrofoil.tools.sheet import Sheet


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
    is_whole : bool
        False where it was interrupted, and has what was measured until then.
    """

    suite: str
    headline: str
    sheets: list[Sheet] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    is_whole: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            "suite": self.suite,
            "headline": self.headline,
            "records": self.records,
            "notes": self.notes,
            "texts": self.texts,
            "tables": [asdict(sheet) for sheet in self.sheets],
            "charts": [{"kind": type(chart).__name__, **asdict(chart)} for chart in self.charts],
        }

    @classmethod
    def from_json(cls, made: dict[str, Any]) -> "Result":
        """What `as_json` was made from.

        Raises
        ------
        KeyError
            It is no such object, or one without tables and charts, as old reports are.
        """
        kinds = {"Bars": Bars, "Lines": Lines}
        charts = [dict(chart) for chart in made["charts"]]
        return cls(
            made["suite"],
            made["headline"],
            [Sheet(**sheet) for sheet in made["tables"]],
            [kinds[chart.pop("kind")](**chart) for chart in charts],
            made["records"],
            made["notes"],
            made["texts"],
        )
