"""Which columns of a grouped function's input are keys, and which are values."""


def keys_and_values(offsets: list[int]) -> list[tuple[list[int], list[int]]]:
    """For each data frame of a grouped map, the columns of its keys and of its values.

    Stock sends, for each: how many numbers follow, how many keys there are, the keys, the values.
    """
    found = []
    at = 0
    while at < len(offsets):
        count, keys = offsets[at], offsets[at + 1]
        first = at + 2
        at += 1 + count
        found.append((offsets[first : first + keys], offsets[first + keys : at]))
    return found
