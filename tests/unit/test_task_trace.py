"""What a trace counts of a task stays small, whatever its batches end with."""

from hydrofoil.counts.task_trace import LONGEST_REASON, MOST_REASONS, OTHER_REASONS, TaskTrace


def test_reasons_are_bounded() -> None:
    """They hold texts of errors, which can be different, and long, in each batch."""
    trace = TaskTrace("udf")
    trace.fast()
    for number in range(10_000):
        trace.fell_back(f"value {number}: " + "x" * 1000)
    trace.fell_back("value 0: " + "x" * 1000)
    assert len(trace.batches) <= MOST_REASONS + 2
    assert max(map(len, trace.batches)) == LONGEST_REASON
    assert trace.batches[OTHER_REASONS] > 9_900
    assert sum(trace.batches.values()) == 10_002
