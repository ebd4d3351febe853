"""Counts the arithmetic of a case by running its hand-written rates on numbers that count; of tables and matrices from their shapes."""

from dataclasses import dataclass
from types import SimpleNamespace

SINE, ROOT = 16, 1  # floating-point operations of the polynomial sine (multiply-adds are two); a root counts as one


@dataclass
class _Number:
    tally: list

    def _one(self, *_, weight: int = 1):
        self.tally[0] += weight
        return _Number(self.tally)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = _one


def flops(case) -> int:
    """Operations of one RK4 step of one trajectory: four times the rates, and three multiply-adds for each component and stage."""
    tally = [0]
    number = _Number(tally)
    heavy = lambda x: x._one(weight=SINE)  # noqa: E731
    words = SimpleNamespace(sin=heavy, cos=heavy, sqrt=lambda x: x._one(weight=ROOT), exp=heavy)
    if case.name in _SHAPES:
        tally[0] = _SHAPES[case.name]() + _FORCE
    else:
        case.rates(words, 0.0, [number] * (case.components + case.constants))
    return 4 * tally[0] + 4 * 4 * case.components


_FORCE = 3 + 15  # of rates whose gradient is known: ħ divided out, two products and two sums for each component of E + v × B


def table(degree: int = 4) -> int:
    """∂E/∂k of a spline in three dimensions, q = degree + 1 neighbours along each axis, multiply-adds two operations.

    Three products of a vector with k (5 each), folded and cut into cell and fraction (6 each); q weights and their slopes of each axis,
    in Horner's form about 3 multiply-adds for one of them; q² lines of the table times weights and slopes (2q multiply-adds), q planes
    of lines (3q: slope along z, along y, value), their sums (3q); back to Cartesian axes (15).
    """
    q = degree + 1
    return 3 * (5 + 6) + 3 * 2 * q * 6 + 2 * (2 * q**3 + 3 * q**2 + 3 * q) + 15


def wannier(vectors: int = 417, rows: int = 7) -> int:
    """∂E/∂k = ⟨u|∂H|u⟩ of a band of n × n Wannier functions with `vectors` R, of R and −R one; multiply-adds two operations.

    Phases k·R (5 each), their sine and cosine; the n² independent numbers of H, a product [2R] × [2R, n²]; all eigenvalues and
    eigenvectors of a complex Hermitian matrix, (16/3 + 16/3 + 12) n³: Householder's reduction, its reflections multiplied out,
    QL with two rotations of n complex numbers for each eigenvalue (Golub, Van Loan, Matrix Computations, 4th ed., 8.3: 4n³/3, 4n³/3 and
    6n³ for real ones; four times as many in products of complex numbers, twice in rotations by real ones); the projector |u⟩⟨u| (6 for
    each pair of rows, 3 for each row); ⟨u|h(R)|u⟩, the transposed product [2R, n²] × [n²]; the sum of R times what cosines and sines
    make of them (3 and 6 each).
    """
    phases, product, pairs = vectors * (5 + 2 * SINE), 2 * 2 * vectors * rows**2, rows * (rows - 1) // 2
    return phases + 2 * product + 68 * rows**3 // 3 + 6 * pairs + 3 * rows + vectors * (3 + 6)


_SHAPES = {"copper": table, "copper_exact": wannier}
