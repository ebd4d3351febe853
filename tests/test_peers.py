"""Side by side with WannierBerri, where it is installed (extra `peers`): the same files, the same k, no stored numbers."""

import gzip

import numpy as np
import pytest
from problems import over
from wannier_files import shipped

from semijax.bands.eigen import Grouping
from semijax.bands.hamiltonian import all_bands
from semijax.bands.wannier import hamiltonian
from semijax.io import read_wannier90
from semijax.units import HBAR


@pytest.mark.filterwarnings("ignore")
def test_wannierberri_finds_the_same_energies_velocities_and_curvatures(tmp_path):
    wannierberri = pytest.importorskip("wannierberri")
    pytest.importorskip("numba")  # it needs it without saying so
    file = tmp_path / "hbn_tb.dat"  # the replicas of _wsvec.dat, which it does not know, are written out in this one
    with gzip.open(f"{shipped('hbn')}_ws_tb.dat.gz") as packed:
        file.write_bytes(packed.read())
    system = wannierberri.system.System_R.from_tb_dat(str(file), berry=True)
    model = read_wannier90(str(tmp_path / "hbn"))
    h = hamiltonian(model)
    fractional = np.random.default_rng(0).uniform(-0.5, 0.5, (8, 3)) * [1, 1, 0]
    k = fractional @ (2 * np.pi * np.linalg.inv(model.lattice).T)
    ours = over(lambda k: all_bands(h.matrix, h.positions, Grouping(1e-4), h.params, k))(k)
    for i, at in enumerate(fractional):
        theirs = wannierberri.evaluate_k(system, k=at, quantities=["energy", "band_gradients", "berry_curvature"])
        gaps = np.abs(np.subtract.outer(theirs["energy"], theirs["energy"])) + np.diag(np.full(len(theirs["energy"]), np.inf))
        single = gaps.min(axis=1) > 0.01
        # Both sum the same numbers in double precision: some thousand roundings of 10 eV, in the curvature over a gap squared.
        np.testing.assert_allclose(ours.energy[i], theirs["energy"], rtol=0, atol=1e-10)
        np.testing.assert_allclose(ours.velocity[i][single] * HBAR, theirs["band_gradients"][single], rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(ours.curvature[i][single], theirs["berry_curvature"][single], rtol=1e-6, atol=1e-6)
