"""A lane program in LLVM's language: what changes from carrier to carrier, and what does not."""

from dataclasses import dataclass
from typing import Any

from semijax.engine.kernels.guarded import Guarded, arranged
from semijax.engine.lanes import Program
from semijax.engine.lanes.graph import Node
from semijax.engine.lanes.movement import Unsupported
from semijax.engine.lanes.rows import needed
from semijax.engine.lanes.scalars import Complex
from semijax.engine.llvm.code import Code
from semijax.engine.llvm.tables import Stretches
from semijax.engine.llvm.words import literal, value

Values = dict[int, str]  # of nodes, or of rows by number


@dataclass(frozen=True)
class Body:
    """A program with the names of what does not change from lane to lane: shared values, tables, and the arrays of its clock."""

    program: Program
    shared: Values
    clocks: dict[int, str]

    def at(self, code: Code, index: str) -> Values:
        """The values of its clock."""
        return {tick.id: code.scalar(tick.dtype, self.clocks[tick.id], index) for tick in self.program.ticks}

    def still(self, code: Code, fixed: Values) -> Values:
        """What depends on fixed rows alone: computed once for all steps."""
        program, known = self.program, self.shared | {self.program.inputs[i].id: x for i, x in fixed.items()}
        ready = set(known)
        for node in program.order:
            if node.args and all(a.id in ready or a.is_const for a in node.args):
                ready.add(node.id)
        computed(code, program, [node for node in program.order if node.id in ready], known)
        return known

    def of(self, code: Code, wanted: list, known: Values) -> list[str]:
        """Names of the values that are wanted."""
        known = dict(known)
        computed(code, self.program, [x for x in wanted if isinstance(x, Node)], known)
        return [_known(code, x, known) for x in wanted]


def computed(code: Code, program: Program, wanted: list[Node], known: Values) -> None:
    """Adds what is wanted to what is known; what only some carriers need, if any carrier of the vector does."""
    items = arranged(needed(program.order, wanted, set(known)), wanted)
    stretches = Stretches((item for item in items if isinstance(item, Node)), code.lanes)
    for item in items:
        if isinstance(item, Guarded):
            asked = _known(code, item.condition, known)
            if not item.value:
                asked = code.binary("xor", bool, asked, code.const(bool, True))
            with code.where_any(asked, [node.dtype for node in item.results]) as (inside, outside):
                own = dict(known)
                for node in item.nodes:
                    own[node.id] = value(code, node, own, program.implied)
                inside += [own[node.id] for node in item.results]
            known |= dict(zip([node.id for node in item.results], outside, strict=True))
        elif item.id in stretches.of:
            if item.id not in known:
                known |= stretches.read(code, item, known)
        else:
            known[item.id] = value(code, item, known, program.implied)


def _known(code: Code, x: Any, known: Values) -> str:
    if isinstance(x, Complex):
        raise Unsupported("complex")
    return known[x.id] if x.id in known else literal(code, x)
