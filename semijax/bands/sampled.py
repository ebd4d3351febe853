"""Tabulated bands: E(k) as a periodic spline through a mesh of energies."""

import math
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from semijax._types import Array, SemijaxError
from semijax.bands import inputs, splines
from semijax.bands.band import Band


def sampled(
    lattice: Any,
    energies: Any,
    degree: int = 3,
    *,
    local: bool = False,
    reference: float | None = None,
    curvature: Any = None,
    moment: Any = None,
) -> Band:
    """E(k) through energies [n_1 ... n_p], eV, at k = Σ (i_j/n_j) b_j, i_j = 0 ... n_j − 1 (Γ first): a periodic spline.

    lattice: rows are lattice vectors [p d], Å; E does not change along directions without one. degree: 3, twice continuously
    differentiable, reads 4^p numbers for each k; where E is smooth its errors fall as h⁴ in E, h³ in ∂E/∂k, h² in the mass (h = 1/n).
    4, three times, reads 5^p: h⁵, h⁴, h³. Where bands cross, E has kinks: within some cells of them ∂E/∂k is wrong by up to the jump.
    local: then these are 6 cells at most, but E passes near the energies only (`splines.coefficients`). reference: an energy, eV,
    near which float32 has most digits, as the Fermi level; None is the middle of the range. curvature, moment: Berry curvature
    [n_1 ... n_p 3], Å², and orbital moment, e Å²/fs, on the same mesh ([n_1 ... n_p] when d = 2). Raises SemijaxError.

    Measured on copper's band at the Fermi level (7 Wannier functions, PBE), root-mean-square and largest errors at 18,814 random k
    within 0.3 eV of the Fermi level, local = True, E in eV, ∂E/∂k in eV Å, Hessian in eV Å²; float32 adds 1e-5 to ∂E/∂k at most:

        degree  mesh  float32   reads         E               ∂E/∂k             Hessian
        3       192³  27 MiB      64   8.6e-8  4.1e-7    2.2e-5  1.1e-4    1.1e-2  7.0e-2
        3       216³  38 MiB      64   5.3e-8  2.4e-7    1.5e-5  8.3e-5    8.7e-3  6.3e-2
        4        80³   2 MiB     125   2.3e-7  2.4e-6    2.9e-5  1.6e-4    5.6e-3  2.9e-2
        4        96³   3 MiB     125   7.0e-8  6.3e-7    1.3e-5  6.3e-5    3.1e-3  1.5e-2   (not local: ∂E/∂k 4.5e-4)
        4       128³   8 MiB     125   1.4e-8  7.7e-8    3.8e-6  2.1e-5    1.2e-3  6.0e-3

    In kernels on a CPU a step with degree 4 takes 1.5 to 1.9 times as long as one with degree 3: 3 is for speed, 4 for accuracy.
    """
    degree = inputs.one_of("sampled", "degree", degree, splines.DEGREES)
    lattice = checked_lattice("sampled", lattice)
    p, d = lattice.shape
    energies = checked_mesh("sampled", "energies", energies, p)
    if reference is None:
        middle = energies.mean() if inputs.traced(energies) else (energies.min() + energies.max()) / 2
    else:
        middle = inputs.number("sampled", "reference", reference)
    params = {"energy": splines.coefficients(energies - middle, degree, p, local), "reference": middle, "lattice": lattice}
    more = energies.shape + ((3,) if d == 3 else ())
    for key, table in (("curvature", curvature), ("moment", moment)):
        if table is not None:
            if d == 1:
                raise SemijaxError(f"sampled: {key} in one dimension: allowed are two and three")
            params[key] = splines.coefficients(inputs.array("sampled", key, table, more), degree, p, local)
    slots: Any = {key: Spline(key, degree) for key in ("curvature", "moment") if key in params}
    return Band(Spline("energy", degree), params, lattice, **slots)


@dataclass(frozen=True)
class Spline:
    """One table of a sampled band, a callable (params, k [d]) -> its value."""

    key: str
    degree: int

    def __call__(self, params, k: Array) -> Array:
        # A sum of products, not a matrix product: exact float32 on every device and the same for any batch.
        x = jnp.sum(params["lattice"] / (2 * math.pi) * k[None, :], axis=1)
        value = splines.evaluate(params[self.key], self.degree, x)
        return params["reference"] + value if self.key == "energy" else value


def checked_lattice(where: str, lattice: Any) -> Any:
    """Rows [p d] of a lattice; raises SemijaxError unless p ≤ d of them are finite and independent."""
    return Band(
        _nothing, None, inputs.array(where, "lattice", lattice, *((p, d) for d in (1, 2, 3) for p in range(1, d + 1)))
    ).lattice


def checked_mesh(where: str, key: str, values: Any, axes: int) -> Any:
    """Real finite numbers on a mesh of so many axes; raises SemijaxError, which names the first point that has none."""
    if not inputs.traced(values):
        try:
            values = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise SemijaxError(
                f"{where}: {key} is no array of real numbers: allowed is a mesh of {axes} axes, one per lattice vector"
            ) from error
    if values.ndim != axes or values.size == 0:
        raise SemijaxError(f"{where}: {key} has shape {values.shape}: allowed is a mesh of {axes} axes, one per lattice vector")
    if not inputs.traced(values) and not np.isfinite(values).all():
        at = tuple(map(int, np.argwhere(~np.isfinite(values))[0]))
        raise SemijaxError(f"{where}: {key}{list(at)} = {values[at]}: allowed are finite numbers")
    return values


def _nothing(params, k: Array) -> Array:
    raise NotImplementedError  # a band that is never asked: its lattice is checked
