"""One band of a matrix that is a Fourier sum over many cells, as loops: see `bands.summed`."""

import math

import numpy as np

from semijax.engine.llvm import functions, jacobi
from semijax.engine.llvm.code import Code
from semijax.engine.llvm.routine import Room

_AT_ONCE = 6  # sums in flight: two registers each, of sixteen


def level(code: Code, params: tuple, given: list[str]) -> list[str]:
    """(E, ∂E/∂k [d], distance to the nearest other multiplet, floor) from k [d] and two tables: vectors [R d], factors [2R n²]."""
    dtype, d, cells, n, index, floor, multiplicity = params
    k, (vectors, table) = given[:d], given[d:]
    circle = _circle(code, dtype, cells, vectors, k)
    matrix = _matrix(code, n, _product(code, 2 * cells, n * n, table, circle))
    states, norm = jacobi.diagonalised(matrix)
    values, below = jacobi.ranks(matrix)
    nothing = code.binary("fmul", dtype, norm, "zeroinitializer")  # NaN where the matrix is none
    energy = nothing
    for value, rank in zip(values, below, strict=True):
        chosen = code.compare("oeq", dtype, rank, code.const(dtype, index))
        energy = code.select(dtype, chosen, code.add(dtype, value, nothing), energy)
    first = index // multiplicity * multiplicity
    least = _floor(code, dtype, floor, values)
    weights, distance = _group(code, dtype, energy, values, below, (first, first + multiplicity), least)
    pull = _weights(states, weights)
    slope = _slope(code, d, cells, n * n, vectors, table, circle, pull)
    return [
        energy,
        *(code.add(dtype, x, nothing) for x in slope),
        code.add(dtype, distance, nothing),
        code.add(dtype, least, nothing),
    ]


def _circle(code: Code, dtype, cells: int, vectors: str, k: list[str]) -> Room:
    """Cosines, then sines, of k·R."""
    circle, d = Room.of(code, dtype, 2 * cells), len(k)
    with code.loop(cells) as (i, _, _):
        vector = code.place(dtype, vectors, code.emit(f"mul i64 {i}, {d}"))
        phase = code.mul(dtype, code.scalar(dtype, vector, "0"), k[0])
        for a in range(1, d):
            phase = code.fma(dtype, code.scalar(dtype, vector, str(a)), k[a], phase)
        turns = code.mul(dtype, phase, code.const(dtype, 1 / math.pi))
        sine, cosine = functions.circlepi(code, dtype, turns)
        circle.store(cosine, i)
        circle.store(sine, code.emit(f"add i64 {i}, {cells}"))
    return circle


def _product(code: Code, rows: int, count: int, table: str, given: Room) -> Room:
    """Σ_r given_r table_rc [count], of a table [rows count]."""
    found = Room.of(code, given.dtype, count)

    def some(first: str, many: int) -> None:
        start = dict.fromkeys(range(many), (given.dtype, "zeroinitializer"))
        with code.loop(rows, start) as (r, now, after):
            here = code.emit(f"add i64 {code.emit(f'mul i64 {r}, {count}')}, {first}")
            row, x = code.place(given.dtype, table, here), given.load(r)
            for j in range(many):
                after[j] = code.fma(given.dtype, code.scalar(given.dtype, row, str(j)), x, now[j])
        beyond = found.beyond(first)
        for j in range(many):
            beyond.store(after[j], j)

    whole = count - count % _AT_ONCE
    if whole:
        with code.loop(whole, step=_AT_ONCE) as (first, _, _):
            some(first, _AT_ONCE)
    if count > whole:
        some(str(whole), count - whole)
    return found


def _matrix(code: Code, n: int, numbers: Room) -> jacobi.Matrix:
    """[n n] from its independent numbers: real parts of the upper triangle, then imaginary ones above the diagonal."""
    matrix = jacobi.Matrix.of(code, numbers.dtype, n, True)
    above = 0
    for place, (a, b) in enumerate(zip(*np.triu_indices(n))):
        re, im = numbers.load(place), "zeroinitializer"
        if a != b:
            im, above = numbers.load(n * (n + 1) // 2 + above), above + 1
        matrix.store([re, im], int(a * n + b))
        if a != b:
            matrix.store([re, code.negated(numbers.dtype, im)], int(b * n + a))
    return matrix


def _floor(code: Code, dtype, floor: float, values: list[str]) -> str:
    """See `bands.eigen.Grouping.floor_of`."""
    largest = code.const(dtype, 0)
    for value in values:
        largest = code.same("maxnum", dtype, largest, code.same("fabs", dtype, value))
    rounding = code.mul(dtype, largest, code.const(dtype, 64 * float(np.finfo(dtype).eps)))
    return code.same("maxnum", dtype, rounding, code.const(dtype, floor))


def _group(code: Code, dtype, energy: str, values: list[str], below: list[str], own: tuple[int, int], least: str):
    """(weights of the states that count as one with that of `energy`, distance to the nearest one of no own multiplet)."""
    weights, total, distance = [], code.const(dtype, 0), code.const(dtype, np.inf)
    for value, rank in zip(values, below, strict=True):
        away = code.same("fabs", dtype, code.sub(dtype, value, energy))
        mine = code.compare("oge", dtype, rank, code.const(dtype, own[0]))
        mine = code.binary("and", bool, mine, code.compare("olt", dtype, rank, code.const(dtype, own[1])))
        near = code.binary("or", bool, mine, code.compare("ole", dtype, away, least))
        weights.append(code.select(dtype, near, code.const(dtype, 1), code.const(dtype, 0)))
        total = code.add(dtype, total, weights[-1])
        distance = code.select(dtype, mine, distance, code.same("minnum", dtype, distance, away))
    share = code.binary("fdiv", dtype, code.const(dtype, 1), total)
    return [code.mul(dtype, x, share) for x in weights], distance


def _weights(states: jacobi.Matrix, weights: list[str]) -> Room:
    """Of ∂E = Σ_ab Re P_ab Re ∂H_ab + Im P_ab Im ∂H_ab, P = Σ_j w_j |j⟩⟨j|, the factors of H's independent numbers."""
    code, n, dtype = states.code, states.n, states.re.dtype
    found, above, two = Room.of(code, dtype, n * n), n * (n + 1) // 2, code.const(dtype, 2)
    for place, (a, b) in enumerate(zip(*np.triu_indices(n))):
        re = im = "zeroinitializer"
        for j, weight in enumerate(weights):
            (x, y), (u, v) = states.load(int(a * n + j)), states.load(int(b * n + j))
            wx, wy = code.mul(dtype, weight, x), code.mul(dtype, weight, y)
            re = code.fma(dtype, wx, u, code.fma(dtype, wy, v, re))
            if a != b:
                im = code.fma(dtype, wy, u, code.fma(dtype, code.negated(dtype, wx), v, im))
        found.store(re if a == b else code.mul(dtype, two, re), place)
        if a != b:
            found.store(code.mul(dtype, two, im), above)
            above += 1
    return found


def _slope(code: Code, d: int, cells: int, count: int, vectors: str, table: str, circle: Room, pull: Room) -> list[str]:
    """Σ_R R (cos k·R S_R − sin k·R C_R), where C_R and S_R are what the cosine and the sine are multiplied by."""
    dtype, half = pull.dtype, _AT_ONCE // 2

    def some(first: str, many: int, slope: dict[int, str]) -> dict[int, str]:
        above = code.emit(f"add i64 {first}, {cells}")
        rows = [
            code.place(dtype, table, code.emit(f"mul i64 {code.emit(f'add i64 {base}, {i}')}, {count}"))
            for base in (first, above)
            for i in range(many)
        ]
        with code.loop(count, dict.fromkeys(range(2 * many), (dtype, "zeroinitializer"))) as (c, now, after):
            x = pull.load(c)
            for i, row in enumerate(rows):
                after[i] = code.fma(dtype, code.scalar(dtype, row, c), x, now[i])
        cosines, sines = circle.beyond(first), circle.beyond(above)
        vector = code.place(dtype, vectors, code.emit(f"mul i64 {first}, {d}"))
        for i in range(many):
            way = code.mul(dtype, cosines.load(i), after[many + i])
            way = code.fma(dtype, code.negated(dtype, sines.load(i)), after[i], way)
            for a in range(d):
                slope[a] = code.fma(dtype, code.scalar(dtype, vector, str(i * d + a)), way, slope[a])
        return slope

    whole, slope = cells - cells % half, dict.fromkeys(range(d), "zeroinitializer")
    if whole:
        with code.loop(whole, {a: (dtype, x) for a, x in slope.items()}, step=half) as (first, now, after):
            after |= some(first, half, dict(now))
        slope = after
    if cells > whole:
        slope = some(str(whole), cells - whole, slope)
    return list(slope.values())
