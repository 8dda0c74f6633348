"""How stock encodes the columns of grouped maps."""

from hydrofoil.evals.grouped_columns import keys_and_values


def test_keys_and_values() -> None:
    assert keys_and_values([4, 1, 0, 0, 1]) == [([0], [0, 1])]
    assert keys_and_values([3, 0, 0, 1]) == [([], [0, 1])]
    assert keys_and_values([4, 1, 0, 0, 1, 3, 2, 0, 1]) == [([0], [0, 1]), ([0, 1], [])]
