"""Copper's band at the Fermi level, by NumPy alone: a table of its energies, and the Hamiltonian of seven Wannier functions behind it.

python -m benchmarks.metal PREFIX writes data/ anew from the Wannier90 files of a prefix (tests/data/cu/cu) and says what it measured.
"""

import functools
import itertools
import math
import sys
from pathlib import Path

import numpy as np

DATA = Path(__file__).parent / "data"
PERIOD, FERMI, BAND = 3.61, 14.6846, 5  # edge of the cube, Å; eV; number of the band, 0 the lowest
LATTICE = PERIOD / 2 * np.array([[-1, 0, 1], [0, 1, 1], [-1, 1, 0]])  # rows, Å
SIDE, DEGREE = 96, 4  # of the table: points along each reciprocal vector; of the spline through it
UNIT = 1e-7  # eV, of the energies in the file


@functools.cache
def energies() -> np.ndarray:
    """E(k) [96 96 96], eV, at k = Σ (i_j/96) b_j, Γ first.

    The file has the 20,225 points that the 48 operations of the cube leave different, each the mean over those it stands for: these
    Wannier functions, two of which lie along one diagonal, break the symmetry, by 4.4e-5 eV from the mean at most. Within 0.3 eV of the
    Fermi level, ∂E/∂k of the spline is that of the averaged Hamiltonian within 5.3e-5 eV Å (root-mean-square 1.3e-5), in float32 too;
    that of the Hamiltonian as it is within 1.8e-4 (5.6e-5): what averaging changes.
    """
    with np.load(DATA / "copper_band.npz") as file:
        return file["energy"][_classes()].reshape((SIDE,) * 3) * UNIT + FERMI


def _classes() -> np.ndarray:
    """Of each point of the mesh, the number of its class: points that a reciprocal vector and an operation of the cube make one."""
    cells = np.indices((SIDE,) * 3, dtype=np.int32).reshape(3, -1)
    cube = np.round(np.linalg.inv(LATTICE) * PERIOD).astype(np.int32) @ cells  # k in 2π/(96 × period): b_j are odd, odd, odd
    cube = np.abs((cube + SIDE) % (2 * SIDE) - SIDE)  # as even vectors and signs allow, 0 ... 96; or less 96, by an odd vector
    _, number = np.unique(np.minimum(_sorted(cube), _sorted(SIDE - cube)), return_inverse=True)
    return number


def _sorted(cube: np.ndarray) -> np.ndarray:
    """One number for three, in whatever order they are [3 n] -> [n]."""
    low, high = cube.min(0), cube.max(0)
    return (high * (SIDE + 1) + cube.sum(0) - low - high) * (SIDE + 1) + low


@functools.cache
def coefficients(dtype: str) -> np.ndarray:
    """Of the spline, [101 101 101], eV from the Fermi level: two more before the first and three after the last of each axis.

    E(k) = Σ w_a w_b w_c C_abc over five neighbours along each axis (`weights`, which are 24 × the B-spline). At whole numbers those are
    14.375, 4.75 and 0.0625, whose cosine sum is 24 − 20u + u², u = sin²(ω/2); its inverse is taken to the fourth power of u, so that
    a coefficient comes from four neighbours on either side, and no kink of E is felt farther away.
    """
    inverse = [1 / 24, 20 / 24**2]
    for _ in range(3):
        inverse.append((20 * inverse[-1] - inverse[-2]) / 24)
    along = np.polynomial.polynomial.polyval(np.sin(np.pi * np.arange(SIDE) / SIDE) ** 2, inverse)
    spectrum = np.fft.fftn(energies() - FERMI) * along[:, None, None] * along[:, None] * along
    return np.pad(np.fft.ifftn(spectrum).real, (2, 3), mode="wrap").astype(dtype)


def weights(v) -> tuple[list, list]:
    """24 × the B-spline of degree four at the five neighbours of a point v = −1/2 ... 1/2 from the middle one, and its slopes."""
    s, low, high = v * v, 0.5 - v, 0.5 + v
    even, odd = 4.75 + s * (6.0 - 4.0 * s), v * (11.0 - 4.0 * s)
    values = [low * low * low * low, even - odd, 14.375 + s * (6.0 * s - 15.0), even + odd, high * high * high * high]
    even, odd = v * (12.0 - 16.0 * s), 11.0 - 12.0 * s
    return values, [-4.0 * low * low * low, even - odd, v * (24.0 * s - 30.0), even + odd, 4.0 * high * high * high]


def gradient(k) -> tuple:
    """∂E/∂k of the table, three arrays [n], eV Å, at three arrays k [n], 1/Å, in their precision."""
    table, first, near = coefficients(k[0].dtype.name), 0, []
    for row in LATTICE / (2 * math.pi):
        turns = float(row[0]) * k[0] + float(row[1]) * k[1] + float(row[2]) * k[2]
        place = (turns - np.floor(turns)) * SIDE + 0.5
        cell = np.floor(place)  # may round to 96: one more stands there
        first = first * len(table) + cell.astype(np.intp)
        near.append([np.stack(some) for some in weights(place - cell - 0.5)])
    (wx, dx), (wy, dy), (wz, dz) = near
    read = table.reshape(-1)[first + _offsets(len(table))]  # [25 5 n]: lines along z
    value, slope = ((read * w).sum(1).reshape(5, 5, -1) for w in (wz, dz))
    plane = (value * wy).sum(1)
    slopes = (dx * plane).sum(0), (wx * (value * dy).sum(1)).sum(0), (wx * (slope * wy).sum(1)).sum(0)
    return tuple(sum(float(a) * x for a, x in zip(row, slopes)) for row in LATTICE.T * (SIDE / (2 * math.pi)))


@functools.cache
def _offsets(side: int) -> np.ndarray:
    """Of 5 × 5 lines of 5 neighbours, [25 5 1]."""
    i = np.arange(DEGREE + 1)
    return (((i[:, None] * side + i) * side)[..., None] + i).reshape(-1, DEGREE + 1, 1)


@functools.cache
def hoppings() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(R [417 3] in lattice vectors, of R and −R one; ⟨0a|H|Rb⟩ [417 7 7], eV, with every replica; centres [7 3], Å).

    Copper's are real, of which no entry of the suite makes use.
    """
    with np.load(DATA / "copper_model.npz") as file:
        return file["translations"].astype(np.int64), file["hopping"], file["centres"]


@functools.cache
def halves() -> tuple[np.ndarray, np.ndarray]:
    """(R [417 3], Å; h(R) [417 7 7], complex, eV), H(k) = S + S†, S = Σ exp(ik·R) h(R)."""
    cells, hopping, _ = hoppings()
    weight = np.where((cells == 0).all(axis=1), 0.5, 1.0)
    return cells @ LATTICE, weight[:, None, None] * hopping.astype(complex)


def exact(k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(E [n], eV; ∂E/∂k [n 3] = ⟨u|∂H|u⟩, eV Å) of the Hamiltonian's band at k [n 3], in float64."""
    vectors, hopping = halves()
    phases, table = np.exp(1j * (k @ vectors.T)), hopping.reshape(len(vectors), -1)
    half = (phases @ table).reshape(-1, *hopping.shape[1:])
    found, states = np.linalg.eigh(half + half.conj().swapaxes(1, 2))
    u = states[:, :, BAND]
    pairs = (u.conj()[:, :, None] * u[:, None, :]).reshape(len(k), -1)
    return found[:, BAND], 2 * (1j * phases * (pairs @ table.T)).real @ vectors


# -- how the files were made ------------------------------------------------------------------------------------------------


def make(prefix: str) -> None:
    """Writes both files from the Wannier90 files of copper at `prefix`; prints what averaging and the table cost."""
    import semijax as sj

    model = sj.io.read_wannier90(prefix)
    cells, hopping = np.asarray(model.translations), np.asarray(model.hopping)
    if not np.allclose(model.lattice, LATTICE) or np.any(hopping.imag):
        raise SystemExit(f"{prefix}: lattice or hoppings are not copper's")
    one = np.array([tuple(R) >= tuple(-R) for R in cells])
    kept = {"translations": cells[one].astype(np.int8), "hopping": hopping[one].real, "centres": model.centres}
    np.savez_compressed(DATA / "copper_model.npz", **kept)
    for reader in (hoppings, halves):  # of files that were there before
        reader.cache_clear()
    found, number = _levels().reshape(-1), _classes()
    mean = np.bincount(number, found) / np.bincount(number)
    off = np.abs(found - mean[number])
    np.savez_compressed(DATA / "copper_band.npz", energy=np.round((mean - FERMI) / UNIT).astype(np.int32))
    print(f"{len(mean)} points; from its mean at most {off.max():.2g} eV, {off[np.abs(found - FERMI) < 0.3].max():.2g} near E_F")
    _compare(np.random.default_rng(1).uniform(-math.pi, math.pi, (20_000, 3)) @ np.linalg.inv(LATTICE).T)


def _levels() -> np.ndarray:
    """The band on the mesh [96 96 96], eV; H(k) by Fourier transform."""
    cells, hopping, _ = hoppings()
    n, half = hopping.shape[1], halves()[1]
    matrices = np.empty((SIDE // 2 + 1, SIDE, SIDE, n, n), complex)
    for a in range(n):
        for b in range(n):
            mesh = np.zeros((SIDE,) * 3, complex)
            np.add.at(mesh, tuple(cells.T % SIDE), half[:, a, b])
            np.add.at(mesh, tuple(-cells.T % SIDE), half[:, b, a].conj())
            matrices[..., a, b] = np.fft.ifftn(mesh, norm="forward")[: SIDE // 2 + 1]
    found = np.stack([np.linalg.eigvalsh(plane)[..., BAND] for plane in matrices])
    back = -np.arange(SIDE) % SIDE
    return np.concatenate([found, found[SIDE // 2 - 1 : 0 : -1][:, back][:, :, back]])  # real hoppings: E(−k) = E(k)


def averaged(k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`exact`, averaged over the 48 operations of the cube."""
    cube = [
        np.eye(3)[list(row)] * signs for row in itertools.permutations(range(3)) for signs in itertools.product((-1, 1), repeat=3)
    ]
    found = [exact(k @ turn.T) for turn in cube]
    return sum(level for level, _ in found) / 48, sum(slope @ turn for (_, slope), turn in zip(found, cube)) / 48


def _compare(k: np.ndarray) -> None:
    """Prints the errors of the table's ∂E/∂k against the Hamiltonian's, and against what is symmetric of it."""
    level, slope = exact(k)
    k, slope = (x[np.abs(level - FERMI) < 0.3] for x in (k, slope))
    for what, wanted in (("Hamiltonian", slope), ("averaged", averaged(k)[1])):
        for dtype in ("float64", "float32"):
            off = np.linalg.norm(np.stack(gradient(tuple(k.T.astype(dtype))), axis=1) - wanted, axis=1)
            print(
                f"∂E/∂k within 0.3 eV of E_F, {len(off)} k, {dtype} against {what}: root-mean-square "
                f"{math.sqrt((off**2).mean()):.2g}, at most {off.max():.2g} eV Å"
            )


if __name__ == "__main__":
    make(sys.argv[1])
