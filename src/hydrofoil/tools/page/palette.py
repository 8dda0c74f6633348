"""THE colours of pages, charts and flame graphs: each has one meaning, on all of them."""

from collections.abc import Collection, Mapping, Sequence

# Name -> (light, dark). Those of charts stand out from the ground by 3 to 1 or more.
COLORS = {
    # The page.
    "ground": ("#ffffff", "#14181d"),
    "raised": ("#f4f6f8", "#1d232a"),
    "text": ("#1b2127", "#e6eaee"),
    "quiet": ("#59636e", "#a3adb8"),
    "rule": ("#d5dbe1", "#353e48"),
    "problem": ("#c0262d", "#ff8a85"),
    # Whose it is: Hydrofoil's, stock PySpark's, somebody else's.
    "ours": ("#0969c6", "#5cacff"),
    "ours-2": ("#0b3f7c", "#a9d3ff"),
    "ours-3": ("#3b8edb", "#2f7fd0"),
    "stock": ("#7b848e", "#98a2ad"),
    "stock-2": ("#434c55", "#c9d1d9"),
    "stock-3": ("#8b8f83", "#727c86"),
    "other": ("#8a4f3d", "#d9a48f"),
    "other-2": ("#4a54c9", "#9aa5ff"),
    "other-3": ("#3d5c1f", "#a5c77d"),
    # What CPU time went to.
    "jvm": ("#866a01", "#d5b43d"),
    "exchange": ("#7f4fc3", "#b896f5"),
    "function": ("#c4590b", "#f0914f"),
    "start-up": ("#2c7d45", "#62c184"),
    "python": ("#b5317d", "#f58bb6"),
    "unknown": ("#0f7b83", "#4fc3cb"),
    # What a bar or a line is to be compared with: a limit, or 1 times.
    "limit": ("#33404d", "#c5cfd8"),
}

# The parts of a cost, by the names that charts and tables give them.
COSTS = {
    "JVM": "jvm",
    "exchange": "exchange",
    "function": "function",
    "user code": "function",
    "start-up": "start-up",
    "Python": "python",
    "not attributed": "unknown",
}

# Whose something is -> what a legend calls it. Each has three colours, for charts that compare
# several ways of one engine; what comes after the third has them again: see `rounds_of`.
FAMILIES = {"ours": "Hydrofoil", "stock": "stock PySpark", "other": "others"}


def light(name: str) -> str:
    """A colour's hexadecimal form on a light ground."""
    return COLORS[name][0]


def family(name: str, strong: Collection[str] = ()) -> str:
    """Whose a series or a bar is, by its name: a key of `FAMILIES`."""
    words = name.lower()
    if name in strong or "hydrofoil" in words:
        return "ours"
    return "stock" if "stock" in words else "other"


def colors_of(names: Sequence[str], strong: Collection[str] = ()) -> dict[str, str]:
    """The colour of each series of a chart, by its name in `COLORS`.

    Parameters
    ----------
    names : sequence of str
    strong : collection of str
        Names that are Hydrofoil's though they don't say so.
    """
    made: dict[str, str] = {}
    # The strong ones get the first colour of theirs.
    for name in sorted(names, key=lambda name: name not in strong):
        if name in COSTS:
            made[name] = COSTS[name]
            continue
        whose = family(name, strong)
        used = list(made.values())
        # Of those that are used least, the first: a fourth series begins again.
        made[name] = min((whose, f"{whose}-2", f"{whose}-3"), key=used.count)
    return {name: made[name] for name in names}


def rounds_of(colors: Mapping[str, str]) -> dict[str, int]:
    """How many series before each one have its colour; charts make those look different.

    Parameters
    ----------
    colors : mapping of str to str
        What `colors_of` gave.
    """
    seen: dict[str, int] = {}
    rounds = {}
    for name, color in colors.items():
        rounds[name] = seen.get(color, 0)
        seen[color] = rounds[name] + 1
    return rounds
