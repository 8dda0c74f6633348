"""The page's style sheet, light and dark."""

from hydrofoil.tools.page.palette import COLORS


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
main{max-width:76rem;margin:0 auto;padding:1.5rem 1rem 4rem}
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
.long{overflow-wrap:anywhere}
th,td{padding:.35rem .6rem;text-align:left;vertical-align:baseline;
  border-bottom:1px solid var(--rule)}
th{font-weight:600}
thead th{color:var(--quiet);font-size:.82rem;vertical-align:bottom}
tbody th{font-weight:400;min-width:7rem}
.number{text-align:right;font-variant-numeric:tabular-nums}
td.number{white-space:nowrap}
tr.strong{background:var(--raised)}
tr.strong :is(th,td){font-weight:600}
tr.problem :is(th,td):first-child{color:var(--problem);font-weight:600}
/* On a phone a row of many cells is a card: each cell under its column's name. */
@media (max-width:40rem){
  .cards,.cards :is(caption,tbody){display:block}
  .cards thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
  .cards tr{display:grid;grid-template-columns:repeat(auto-fill,minmax(6.25rem,1fr));
    gap:.15rem .6rem;padding:.5rem;border-bottom:1px solid var(--rule)}
  .cards :is(th,td){display:block;border:0;padding:0;text-align:left;min-width:0;white-space:normal;
    overflow-wrap:anywhere}
  .cards :is(th,.text){grid-column:1/-1}
  .cards tbody th{font-weight:600}
  .cards :is(th,td):empty{display:none}
  .cards td::before{content:attr(data-label);display:block;color:var(--quiet);font-size:.8rem;
    font-weight:400;line-height:1.3}
}
svg{display:block;max-width:100%;height:auto}
.chart svg text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,sans-serif!important}
.chart .narrow{display:none}
@media (max-width:40rem){.chart .wide{display:none}.chart .narrow{display:block}
  h1{font-size:1.4rem}th,td{padding:.3rem .5rem}}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--raised);
  padding:.75rem 1rem;border-radius:.25rem;
  font:.85rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em}
details{margin:1rem 0}
summary{cursor:pointer;font-weight:600}
.flame{margin:.25rem 0}
.flame .bar{display:flex;flex-wrap:wrap;gap:.4rem .6rem;align-items:center;margin:.4rem 0}
.flame :is(input,button){font:inherit;font-size:.9rem;color:inherit;background:var(--raised);
  border:1px solid var(--quiet);border-radius:.25rem;padding:.2rem .55rem;min-width:0}
.flame input{flex:1 1 11rem;max-width:22rem}
.flame button:disabled{color:var(--quiet);border-color:var(--rule)}
.flame output{display:block;font-size:.9rem;min-height:1.5em;overflow-wrap:anywhere}
.flame .described{height:3.2em;overflow-y:auto}
@media (max-width:40rem){.flame .described{height:7.6em}}
.flame .key{display:flex;flex-wrap:wrap;gap:.2rem 1rem;font-size:.9rem;padding:0;margin:.3rem 0;
  list-style:none}
.flame .key li::before{content:"";display:inline-block;width:.85em;height:.85em;margin-right:.4em;
  vertical-align:-.08em;background:var(--of)}
.flame .boxes{position:relative;overflow:hidden;margin-top:.4rem}
.flame .box{position:absolute;height:20px;line-height:19px;overflow:hidden;white-space:nowrap;
  text-overflow:ellipsis;cursor:pointer;padding:0 3px;border:1px solid var(--ground);
  border-width:0 1px 1px 0;font-size:11.5px;
  font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
  background:color-mix(in srgb,var(--of) 38%,var(--ground))}
.flame .thin{padding:0;text-indent:-99rem}
.flame .above{background:color-mix(in srgb,var(--of) 14%,var(--ground))}
.flame .box:focus-visible{outline:2px solid var(--text);outline-offset:-2px}
.flame .searched .box:not(.found){background:var(--raised);color:var(--quiet)}
.flame .found{background:color-mix(in srgb,var(--of) 62%,var(--ground));font-weight:700}
@media print{.scroll{overflow:visible}}
"""
