"""What only some carriers need, set apart so that a kernel may leave it out: the new k of those that collide.

A lane program computes both cases of every choice. Where a case of choices by one condition costs much and nothing else needs it, it
becomes a block that runs only if the condition holds for any carrier at hand.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from semijax.engine.lanes.graph import Node
from semijax.engine.lanes.rows import operations

WORTH = 80  # operations that cost more than to ask whether anybody needs them


@dataclass(frozen=True)
class Guarded:
    """Nodes that matter only where `condition` is `value`, arguments first, and those of them that are read outside."""

    condition: Node
    value: bool
    nodes: tuple[Node, ...]
    results: tuple[Node, ...]


class _Circle(Exception):
    """A block would need what needs it."""


def arranged(todo: list[Node], wanted: Iterable[Node]) -> list[Node | Guarded]:
    """The nodes, arguments first, with blocks for what is worth it. wanted: nodes that are read from outside."""
    kept = {node.id for node in wanted}
    blocks: dict[int, Guarded] = {}  # by each node in one
    for condition, value in _conditions(todo):
        block = _block(todo, kept, condition, value)
        if block is not None and not any(node.id in blocks for node in block.nodes):
            more = blocks | {node.id: block for node in block.nodes}
            try:
                _ordered(todo, more)
            except _Circle:
                continue
            blocks = more
    return _ordered(todo, blocks)


def _conditions(todo: list[Node]) -> list[tuple[Node, bool]]:
    found = {node.args[0].id: node.args[0] for node in todo if node.op == "select_n" and node.args[0].dtype == bool}
    return [(condition, value) for condition in found.values() if not condition.is_const for value in (True, False)]


def _block(todo: list[Node], kept: set[int], condition: Node, value: bool) -> Guarded | None:
    """What only the choices by the condition need, of the case `value`; None where that is little."""
    inside: set[int] = set()
    users: dict[int, list[Node]] = {node.id: [] for node in todo}
    for node in todo:
        for a in node.args:
            if a.id in users:
                users[a.id].append(node)

    def only_there(user: Node, node: Node) -> bool:
        if user.id in inside:
            return True
        guarded = user.op == "select_n" and user.args[0] is condition and user.args[1 + value] is node
        return guarded and user.args[2 - value] is not node and user.args[0] is not node

    for node in reversed(todo):
        if node.id not in kept and users[node.id] and all(only_there(user, node) for user in users[node.id]):
            inside.add(node.id)
    nodes = tuple(node for node in todo if node.id in inside)
    if sum(map(operations, nodes)) < WORTH:
        return None
    return Guarded(condition, value, nodes, tuple(n for n in nodes if any(user.id not in inside for user in users[n.id])))


def _ordered(todo: list[Node], blocks: dict[int, Guarded]) -> list[Node | Guarded]:
    """Everything after what it needs. Raises _Circle where that cannot be."""
    here = {node.id for node in todo}
    done: set[int] = set()
    order: list[Node | Guarded] = []

    def key(item: Node | Guarded) -> int:
        return item.nodes[0].id if isinstance(item, Guarded) else item.id

    def needs(item: Node | Guarded) -> list[Node | Guarded]:
        if isinstance(item, Guarded):
            own = {node.id for node in item.nodes}
            arguments = [a for node in item.nodes for a in node.args if a.id not in own] + [item.condition]
        else:
            arguments = list(item.args)
        return [blocks.get(a.id, a) for a in arguments if a.id in here]

    for first in todo:
        stack = [(blocks.get(first.id, first), False)]
        open_: set[int] = set()
        while stack:
            item, ready = stack.pop()
            if ready:
                open_.discard(key(item))
                done.add(key(item))
                order.append(item)
            elif key(item) in open_:
                raise _Circle
            elif key(item) not in done:
                open_.add(key(item))
                stack.append((item, True))
                stack += [(other, False) for other in needs(item) if key(other) not in done]
    return order
