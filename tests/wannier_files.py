"""Files of Wannier90 for tests: those that ship, those under SEMIJAX_DATA, and small ones written here; bands by plain NumPy."""

import os
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parent / "data"


def shipped(name):
    """The prefix of a material that ships with the tests."""
    return DATA / name / name


def outside(*parts):
    """A place under SEMIJAX_DATA; skips the test where it is not set."""
    root = os.environ.get("SEMIJAX_DATA")
    if not root:
        pytest.skip("SEMIJAX_DATA is not set")
    return Path(root).joinpath(*parts)


def bands(model, k):
    """Energies [m n] at fractional k [m 3], lowest first."""
    phases = np.exp(2j * np.pi * k @ model.translations.T)
    return np.linalg.eigvalsh(np.tensordot(phases, model.hopping, axes=1))


def geninterp(prefix):
    """k [62 3] and energies [62 n] of postw90."""
    lines = Path(f"{prefix}_geninterp.kpt").read_text(encoding="ascii").splitlines()[3:]
    k = np.array([line.split()[1:] for line in lines], dtype=float)
    return k, np.loadtxt(f"{prefix}_geninterp.dat.gz")[:, 4].reshape(len(k), -1)


def valid(model):
    """Whether a model is what its record promises: finite, Hermitian to the last bit, R sorted, each once, −R with it."""
    R = np.asarray(model.translations)
    assert np.isfinite(model.lattice).all() and np.isfinite(model.hopping).all()
    assert (np.unique(R, axis=0) == R).all()
    assert (R[::-1] == -R).all()
    assert (model.hopping == np.conj(model.hopping[::-1].swapaxes(1, 2))).all()
    n = model.hopping.shape[1]
    assert model.hopping.shape == (len(R), n, n)
    if model.positions is not None:
        assert model.positions.shape == (len(R), n, n, 3)
        assert (model.positions == np.conj(model.positions[::-1].swapaxes(1, 2))).all()
        np.testing.assert_array_equal(model.centres, np.diagonal(model.positions[len(R) // 2]).T.real)
    return True


# A chain of two functions at 0 and 1.2 Å, H(0) = [[0.5, t], [t*, -0.5]], H(±1) Hermitian partners, on a grid of two: R = ±1 have weight 2.
BLOCKS = {
    (-1, 0, 0): [[0.1, 0.02 - 0.03j], [0.4, -0.2]],
    (0, 0, 0): [[0.5, 0.25 + 0.125j], [0.25 - 0.125j, -0.5]],
    (1, 0, 0): [[0.1, 0.4], [0.02 + 0.03j, -0.2]],
}
CENTRES = [[0.0, 0.0, 0.0], [1.2, 0.0, 0.0]]
LATTICE = np.diag([3.0, 4.0, 5.0])
NDEGEN = "    2    1    2"


def hr_text():
    """A `_hr.dat`: line 4 holds the weights, line 5 + 4r + p the elements."""
    rows = [
        f"{R[0]:5d}{R[1]:5d}{R[2]:5d}{a + 1:5d}{b + 1:5d}{np.real(H[a][b]):12.6f}{np.imag(H[a][b]):12.6f}"
        for R, H in BLOCKS.items()
        for b in range(2)
        for a in range(2)
    ]
    return "\n".join([" written by hand", "           2", "           3", NDEGEN, *rows]) + "\n"


def tb_text():
    """A `_tb.dat`: lines 9-13, 15-19, 21-25 hold H, 27-31, 33-37, 39-43 the positions."""
    lines = [" written by hand", *(" ".join(f"{x:18.12f}" for x in row) for row in LATTICE), "  2", "  3", NDEGEN]
    for R, H in BLOCKS.items():
        lines += ["", " ".join(map(str, R))]
        lines += [f"{a + 1:5d}{b + 1:5d} {np.real(H[a][b]):15.8E} {np.imag(H[a][b]):15.8E}" for b in range(2) for a in range(2)]
    for R in BLOCKS:
        lines += ["", " ".join(map(str, R))]
        for a, b in ((0, 0), (1, 0), (0, 1), (1, 1)):
            x = CENTRES[a][0] if a == b and R == (0, 0, 0) else 0.01 * (a != b)
            lines += [f"{a + 1:5d}{b + 1:5d} {x:15.8E} {0.0:15.8E} {0.0:15.8E} {0.0:15.8E} {0.0:15.8E} {0.0:15.8E}"]
    return "\n".join(lines) + "\n"


def wsvec_text():
    """A `_wsvec.dat` of the same: each R = ±1 is as near as ∓1 for equal functions; unequal ones have one nearest."""
    near = {(-1, 1, 2): [0], (-1, 2, 1): [2], (1, 1, 2): [-2], (1, 2, 1): [0]}
    lines = ["## written by hand  with use_ws_distance=.true."]
    for R in BLOCKS:
        for a in (1, 2):
            for b in (1, 2):
                moves = near.get((R[0], a, b), [0, -2 * R[0]] if R[0] and a == b else [0])
                lines += [f"{R[0]:5d}{R[1]:5d}{R[2]:5d}{a:5d}{b:5d}", f"{len(moves):5d}", *(f"{T:5d}    0    0" for T in moves)]
    return "\n".join(lines) + "\n"


def win_text():
    """A .win of the same."""
    return """num_wann = 2
use_ws_distance = .true.
begin unit_cell_cart
ang
3.0 0.0 0.0
0.0 4.0 0.0
0.0 0.0 5.0
end unit_cell_cart
begin atoms_frac
A 0.0 0.0 0.0
B 0.4 0.0 0.0
end atoms_frac
begin kpoint_path
G 0.0 0.0 0.0 X 0.5 0.0 0.0
end kpoint_path
mp_grid = 2 1 1
"""


def centres_text():
    """A `_centres.xyz` of the same."""
    rows = [f"X {x:.8f} {y:.8f} {z:.8f}" for x, y, z in CENTRES]
    return "\n".join(["4", " Wannier centres", *rows, "A 0.0 0.0 0.0", "B 1.2 0.0 0.0"]) + "\n"
