"""Which values of a lane program are written out as rows, so that a compiler that fuses by copying computes them once.

XLA's CPU compiler gives each output a loop of its own, and computes in it whatever the output needs: a step's six outputs would
each repeat all its stages. Here an expression that several rows need is made a row too, unless it costs less than reading it back.
A row is a call that the compiler is told not to inline.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import jax
from jax.experimental.xla_metadata import set_xla_metadata

from semijax.engine.lanes.graph import Node

WORTH = 6  # operations that cost more than to write a value and read it
_COSTS = {
    "opaque": 1000,
    "sin": 24,
    "cos": 24,
    "sinpi": 20,
    "cospi": 20,
    "exp": 12,
    "log": 16,
    "div": 4,
    "sqrt": 4,
    "pow": 30,
    "select_n": 1,
    "guard": 1,
}
_FUNCTIONS = 20  # any other function of a real number: tanh, asin, ...
_FREE = {"sin", "cos", "sinpi", "cospi", "guard", "select_n"}
_SIMPLE = set("add sub mul neg max min abs lt le gt ge eq ne and or xor not convert_element_type".split())


@dataclass(frozen=True)
class Row:
    """One value that is written out: the nodes it takes, arguments first, and the nodes it reads."""

    root: Node
    nodes: tuple[Node, ...]
    reads: tuple[Node, ...]


def planned(order: list[Node], outputs: Iterable[Node], known: set[int], most: float = math.inf) -> list[Row | Node]:
    """The program as rows and vmapped calls ("opaque" nodes), in the order they run.

    known: ids of nodes whose values are there. most: what one row may cost, operations and 10 for each byte read or written.
    """
    todo = needed(order, outputs := list(outputs), known)
    outside = {n.id for n in todo if n.op in ("opaque", "part")}
    users: dict[int, list[Node]] = {n.id: [] for n in todo}
    for n in todo:
        for a in n.args:
            if a.id in users:
                users[a.id].append(n)
    wanted = {n.id for n in outputs if n.id in users and n.id not in outside}
    wanted |= {a.id for n in todo if n.op == "opaque" for a in n.args if a.id in users and a.id not in outside}
    roots = _roots(todo, users, wanted, _dear(todo, users, outside), outside)
    if most < math.inf:
        roots |= _split(todo, roots, known | outside, most)
    return [_row(n, roots, outside, known) if n.id in roots else n for n in todo if n.id in roots or n.id in outside]


def needed(order, outputs, known) -> list[Node]:
    """The nodes to compute, arguments first."""
    needed = {n.id for n in outputs}
    for n in reversed(order):
        if n.id in needed and n.id not in known:
            needed.update(a.id for a in n.args)
    return [n for n in order if n.id in needed and n.id not in known and not n.is_const]


def _dear(todo, users, outside) -> set[int]:
    """Values with several users that cost more to compute again than to read."""
    cost: dict[int, int] = {}
    dear = set()
    for n in todo:
        total = operations(n) + sum(cost.get(a.id, 0) for a in n.args)
        if n.id in outside:
            total = 0
        elif total >= WORTH and len(users[n.id]) > 1:
            dear.add(n.id)
            total = 0
        cost[n.id] = total
    return dear


def _roots(todo, users, wanted, dear, outside) -> set[int]:
    """The rows: what is wanted, and of the dear values those that more than one row needs."""
    roots, needed_by = set(), {}
    for n in reversed(todo):
        if n.id in outside:
            continue
        rows = {needed_by[u.id] for u in users[n.id] if u.id not in outside and needed_by[u.id] is not None}
        rows |= {None for u in users[n.id] if u.id not in outside and needed_by[u.id] is None}
        if n.id in wanted or (n.id in dear and (len(rows) > 1 or None in rows)):
            roots.add(n.id)
            needed_by[n.id] = n.id
        else:
            needed_by[n.id] = rows.pop() if len(rows) == 1 else None  # None: cheap, and in several rows
    return roots


def _split(todo, roots, read, most) -> set[int]:
    """Further rows, so that none costs more than `most`."""
    more: set[int] = set()
    cones: dict[int, dict[int, int]] = {}  # of each node: what its row computes and reads, with the costs

    def seen(node: Node) -> dict[int, int]:
        if node.is_const:
            return {}
        written_out = node.id in read or node.id in roots or node.id in more
        return {node.id: 10 * node.dtype.itemsize} if written_out else cones[node.id]

    for n in todo:
        if n.id in read:
            continue
        again = (
            20 * n.dtype.itemsize if n.op not in _SIMPLE and n.op not in _FREE else 0
        )  # the compiler may write it out by itself
        own = {n.id: operations(n) + again + 10 * n.dtype.itemsize}
        while sum((cone := own.copy() | {i: c for a in n.args for i, c in seen(a).items()}).values()) > most:
            inside = [a for a in n.args if a.id in cones and len(seen(a)) > 1]
            if not inside:
                break
            more.add(max(inside, key=lambda a: sum(seen(a).values())).id)
        cones[n.id] = cone | {n.id: operations(n) + again}
    return more


def _row(root: Node, roots, outside, known) -> Row:
    nodes, reads, seen, stack = [], [], set(), [root]
    while stack:
        n = stack.pop()
        if n.id in seen or n.is_const:
            continue
        seen.add(n.id)
        if n.id in known or n.id in outside or (n.id in roots and n is not root):
            reads.append(n)
        else:
            nodes.append(n)
            stack.extend(n.args)
    return Row(root, tuple(sorted(nodes, key=lambda n: n.id)), tuple(sorted(reads, key=lambda n: n.id)))


def operations(n: Node) -> int:
    """Operations that the value of a node takes."""
    return _COSTS.get(n.op, 1 if n.op in _SIMPLE or n.dtype.kind != "f" else _FUNCTIONS)


def written(function: Callable) -> Callable:
    """The function as a call that is not inlined, so that its result is written out."""
    called = jax.jit(unmarked(function))

    def call(*arguments):
        with set_xla_metadata(inlineable="false"):
            return called(*arguments)

    return call


def unmarked(function: Callable) -> Callable:
    """The function, whose own calls do not take over what the call of it is marked with."""

    def call(*arguments):
        with set_xla_metadata(inlineable=None, xla_cpu_small_call=None):
            return function(*arguments)

    return call
