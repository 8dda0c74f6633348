"""What a campaign counts is what its turns came to, over several runs."""

from pathlib import Path

from fuzz.campaign import Count
from fuzz.tries import INTERRUPTED, Tried, summary

LOG = """\
INFO: Loaded 3 modules   (83541 inline 8-bit counters): 67 [0x1, 0x2),
#12\tINITED cov: 1312 ft: 6833 corp: 5/120b exec/s: 0 rss: 200Mb
#400\tNEW    cov: 1320 ft: 6900 corp: 6/150b lim: 4096 exec/s: 0 rss: 210Mb L: 30/40 MS: 1 -
#900\tDONE   cov: 1321 ft: 6911 corp: 7/180b lim: 4096 exec/s: 300 rss: 211Mb
stat::number_of_executed_units: 900
"""


def test_what_a_fuzzer_printed() -> None:
    tried = summary(LOG, 0, 3.2)
    assert tried == Tried(0, 3.2, 900, (1312, 1321), 83541, (6833, 6911))
    assert tried.well
    assert all(summary(LOG, status, 3.2).well for status in INTERRUPTED)


def test_a_fuzzer_that_fails_at_once() -> None:
    tried = summary("AddressSanitizer: SEGV", 1, 0.5)
    assert not tried.well
    assert (tried.inputs, tried.edges) == (0, (0, 0))


def test_turns_add_up(tmp_path: Path) -> None:
    path = tmp_path / "fuzz.json"
    Count(path).add("frames", summary(LOG, 0, 1800))
    Count(path).add("arrays", summary(LOG, 77, 60))
    count = Count(path)
    count.add("frames", summary(LOG, INTERRUPTED[0], 1800))
    assert (count.cpu("frames"), count.cpu("arrays"), count.cpu("worker")) == (3600, 60, 0)
    rows = [
        line for line in count.table().splitlines() if line.startswith(("| arrays", "| frames"))
    ]
    assert rows == [
        "| arrays | 0.02 | 900 | 1,312 to 1,321 | 6,833 to 6,911 | 1 |",
        "| frames | 1.00 | 1,800 | 1,312 to 1,321 | 6,833 to 6,911 | 0 |",
    ]
