"""One self-contained HTML page of tables and charts: no server, no script, nothing fetched.

`page`, what is put on it; `charts`, what a chart shows and how matplotlib draws it; `svg`, how a
drawing comes to follow the page's colours; `style`, the page's looks.
"""

from hydrofoil.tools.page.charts import Bars, Chart, Lines, save
from hydrofoil.tools.page.page import Page

__all__ = ["Bars", "Chart", "Lines", "Page", "save"]
