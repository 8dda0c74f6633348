"""Java's `HashMap`, as far as the order of its entries depends on how it keeps them.

Entries whose places in the table are the same are a list. More than eight of them are a red-black
tree beside that list: its root comes first, and a new entry comes after the one below which the
tree has it. So their order is known only to whoever builds the same tree.
"""

from collections.abc import Callable
from typing import Any

# What a table holds before it grows, as a part of its size.
LOAD = 0.75
# How many entries can be in one place of the table. One more has a small table grow; in a table of
# this size the entries of the place become a tree.
CROWD = 8
SIZE_OF_TREES = 64
# A place that has no more than so many when the table has grown is a list again.
_NO_TREE = 6

Compare = Callable[[Any, Any], int]
"""How two keys of one hash compare: negative if the first one is less, never 0."""


class _Node:
    """An entry, in its place's list and tree."""

    __slots__ = ("hash", "item", "left", "next", "parent", "previous", "red", "right")

    def __init__(self, code: int, item: tuple[Any, Any]) -> None:
        self.hash = code
        self.item = item
        self.next: _Node | None = None
        self.previous: _Node | None = None
        self.parent: _Node | None = None
        self.left: _Node | None = None
        self.right: _Node | None = None
        self.red = False


class _Tree:
    """The entries of one place, as a tree."""

    def __init__(self, nodes: list[_Node], compare: Compare) -> None:
        self._compare = compare
        for node, following in zip(nodes, [*nodes[1:], None], strict=True):
            node.next = following
            if following is not None:
                following.previous = node
        first = self.first = self.root = nodes[0]
        first.parent = first.left = first.right = first.previous = None
        first.red = False
        for node in nodes[1:]:
            node.left = node.right = None
            self._hang(node)
        self._begin_with_root()

    def nodes(self) -> list[_Node]:
        """The entries, in their order."""
        nodes, node = [], self.first
        while node is not None:
            nodes.append(node)
            node = node.next  # type: ignore[assignment]  # until there is none
        return nodes

    def put(self, node: _Node) -> None:
        """Add an entry."""
        parent = self._hang(node)
        node.next, node.previous = parent.next, parent
        if parent.next is not None:
            parent.next.previous = node
        parent.next = node
        self._begin_with_root()

    def _hang(self, node: _Node) -> _Node:
        """Give an entry its place in the tree, and return the one that it is then below."""
        below: _Node | None = self.root
        while below is not None:
            parent = below
            less = (
                node.hash < parent.hash
                if node.hash != parent.hash
                else self._compare(node.item[0], parent.item[0]) < 0
            )
            below = parent.left if less else parent.right
        node.parent = parent
        if less:
            parent.left = node
        else:
            parent.right = node
        self._balance(node)
        return parent

    def _begin_with_root(self) -> None:
        root, first = self.root, self.first
        if root is first:
            return
        if root.next is not None:
            root.next.previous = root.previous
        if root.previous is not None:
            root.previous.next = root.next
        first.previous = root
        root.next, root.previous = first, None
        self.first = root

    def _balance(self, node: _Node) -> None:
        node.red = True
        while True:
            parent = node.parent
            if parent is None:
                node.red = False
                self.root = node
                return
            above = parent.parent
            if not parent.red or above is None:
                return
            on_left = parent is above.left
            uncle = above.right if on_left else above.left
            if uncle is not None and uncle.red:
                uncle.red = parent.red = False
                above.red = True
                node = above
                continue
            if node is (parent.right if on_left else parent.left):
                node = parent
                self._rotate(node, to_left=on_left)
                parent = node.parent
                assert parent is not None, "it was rotated below its child"
            parent.red = False
            above.red = True
            self._rotate(above, to_left=not on_left)

    def _rotate(self, node: _Node, *, to_left: bool) -> None:
        child = node.right if to_left else node.left
        assert child is not None, "a node is rotated around its child"
        inner = child.left if to_left else child.right
        if to_left:
            node.right, child.left = inner, node
        else:
            node.left, child.right = inner, node
        if inner is not None:
            inner.parent = node
        above = child.parent = node.parent
        if above is None:
            self.root = child
            child.red = False
        elif above.left is node:
            above.left = child
        else:
            above.right = child
        node.parent = child


class HashMap:
    """A map whose table begins with this size.

    Parameters
    ----------
    size : int
        A power of two.
    compare : callable
        See `Compare`; asked about keys of one hash in one crowded place.
    """

    def __init__(self, size: int, compare: Compare) -> None:
        self._size = size
        self._compare = compare
        self._count = 0
        self._places: dict[int, list[_Node] | _Tree] = {}

    def put(self, code: int, item: tuple[Any, Any]) -> None:
        """Add an entry with a key that is not there yet; ``code`` is its hash, spread."""
        node = _Node(code, item)
        here = self._places.setdefault(code & (self._size - 1), [])
        if isinstance(here, _Tree):
            here.put(node)
        else:
            here.append(node)
            if len(here) > CROWD:
                self._relieve(code)
        self._count += 1
        if self._count > LOAD * self._size:
            self._grow()

    def put_all(self, items: list[tuple[int, tuple[Any, Any]]]) -> None:
        """Add a map's entries, with their keys' hashes."""
        while self._count and len(items) > LOAD * self._size:
            self._grow()
        for code, item in items:
            self.put(code, item)

    def items(self) -> list[tuple[Any, Any]]:
        """All entries, in their order."""
        return [node.item for place in sorted(self._places) for node in self._nodes(place)]

    def _nodes(self, place: int) -> list[_Node]:
        here = self._places[place]
        return here.nodes() if isinstance(here, _Tree) else here

    def _relieve(self, code: int) -> None:
        """Have a crowded place be one no more."""
        if self._size < SIZE_OF_TREES:
            self._grow()
            return
        place = code & (self._size - 1)
        self._places[place] = _Tree(self._nodes(place), self._compare)

    def _grow(self) -> None:
        old, bit = self._places, self._size
        self._places = {}
        self._size *= 2
        for place, here in old.items():
            was_tree = isinstance(here, _Tree)
            nodes = here.nodes() if isinstance(here, _Tree) else here
            low = [node for node in nodes if not node.hash & bit]
            high = [node for node in nodes if node.hash & bit]
            for at, part in ((place, low), (place + bit, high)):
                if not part:
                    continue
                if not was_tree or len(part) <= _NO_TREE:
                    self._places[at] = part
                elif len(part) == len(nodes):
                    self._places[at] = here
                else:
                    self._places[at] = _Tree(part, self._compare)
