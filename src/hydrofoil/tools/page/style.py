"""THE colours of pages and charts, light and dark, and the page's style sheet."""

# Name -> (light, dark). Those of charts stand out from the ground by 3 to 1 or more.
COLORS = {
    "ground": ("#ffffff", "#14181d"),
    "raised": ("#f4f6f8", "#1d232a"),
    "text": ("#1b2127", "#e6eaee"),
    "quiet": ("#59636e", "#a3adb8"),
    "rule": ("#d5dbe1", "#353e48"),
    "ours": ("#0969c6", "#5cacff"),
    "stock": ("#7b848e", "#98a2ad"),
    "orange": ("#c4590b", "#f0914f"),
    "green": ("#2c7d45", "#62c184"),
    "purple": ("#7f4fc3", "#b896f5"),
    "rose": ("#b5317d", "#f58bb6"),
    "olive": ("#866a01", "#d5b43d"),
}

# In the order in which series of a chart get them; "ours" is kept for Hydrofoil's.
SERIES = ("stock", "orange", "green", "purple", "rose", "olive")


def light(name: str) -> str:
    """A colour's hexadecimal form on a light ground."""
    return COLORS[name][0]


def style_sheet() -> str:
    """The page's CSS."""
    sides = ["".join(f"--{name}:{pair[side]};" for name, pair in COLORS.items()) for side in (0, 1)]
    return (
        f":root{{color-scheme:light dark;{sides[0]}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{sides[1]}}}}}\n{_RULES}"
    )


_RULES = """\
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);
  font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;-webkit-text-size-adjust:100%}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:.5rem 0;text-wrap:balance}
h2{font-size:1.25rem;line-height:1.3;margin:2.75rem 0 .5rem;padding-top:1rem;
  border-top:1px solid var(--rule)}
p{margin:.5rem 0;max-width:46rem}
.lede{font-size:1.15rem}
figure{margin:1.5rem 0}
figcaption,caption{text-align:left;padding:0 0 .4rem}
.title{font-weight:600;display:block}
.note{color:var(--quiet);font-size:.9rem;display:block;max-width:46rem}
caption :is(.title,.note){position:sticky;left:0;width:fit-content;
  max-width:min(46rem,100vw - 2rem)}
.scroll{overflow-x:auto;margin:1.5rem 0;border-radius:.25rem}
.scroll:focus-visible{outline:2px solid var(--ours)}
table{border-collapse:collapse;font-size:.9rem;min-width:min(100%,30rem)}
th,td{padding:.35rem .6rem;text-align:left;vertical-align:baseline;
  border-bottom:1px solid var(--rule)}
th{font-weight:600}
thead th{color:var(--quiet);font-size:.82rem;vertical-align:bottom}
tbody th{font-weight:400;min-width:7rem}
@media (min-width:48rem){tbody th{white-space:nowrap}td:not(.number){min-width:11rem}}
.number{text-align:right;font-variant-numeric:tabular-nums}
td.number{white-space:nowrap}
tr.strong{background:var(--raised)}
tr.strong :is(th,td){font-weight:600}
svg{display:block;max-width:100%;height:auto}
.chart svg text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif!important}
.chart .narrow{display:none}
@media (max-width:40rem){.chart .wide{display:none}.chart .narrow{display:block}
  h1{font-size:1.4rem}th,td{padding:.3rem .5rem}}
pre{overflow-x:auto;background:var(--raised);padding:.75rem 1rem;border-radius:.25rem;
  font:.85rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em}
details{margin:1rem 0}
summary{cursor:pointer;font-weight:600}
@media print{.scroll{overflow:visible}}
"""
