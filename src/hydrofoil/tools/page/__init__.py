"""One self-contained HTML page of tables and charts: no server, nothing fetched.

`page`, what is put on it; `charts`, what a chart shows and how matplotlib draws it; `svg`, how a
drawing comes to follow the page's colours; `flame`, flame graphs, the only part with a script;
`palette`, the colours; `style`, the style sheet.
"""

from hydrofoil.tools.page.charts import Bars, Chart, Lines, save
from hydrofoil.tools.page.page import Page

__all__ = ["Bars", "Chart", "Lines", "Page", "save"]
