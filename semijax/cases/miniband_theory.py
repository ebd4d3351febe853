"""Miniband theory: closed forms for thermal carriers of a cosine miniband in a constant field, with collisions and without."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import root_scalar
from scipy.special import ive

from semijax.units import HBAR, HBAR2_M0, KB


def thermal_factor(bandwidth: float, temperature: float) -> float:
    """I1(β)/I0(β), β = Δ/2kT: the mean of cos kd in equilibrium (bandwidth Δ in eV, temperature in K)."""
    beta = bandwidth / (2 * KB * temperature)
    return float(ive(1, beta) / ive(0, beta))


@dataclass(frozen=True)
class Miniband:
    """Carriers of E = (Δ/2)(1 − cos kd), thermal at t = 0, pushed by a constant force and redrawn from the same law at rate 1/τ.

    bandwidth Δ, eV; period d, Å; temperature, K; force eF > 0, eV/Å; tau, fs (inf: no collisions). Velocities and displacements
    count along the force. dt, fs: of collisions split off as half a collision, motion, half a collision, every dt; 0 is the exact
    process.
    """

    bandwidth: float
    period: float
    temperature: float
    force: float
    tau: float = math.inf
    dt: float = 0.0

    @property
    def omega(self) -> float:
        """Bloch angular frequency eFd/ħ, 1/fs."""
        return self.force * self.period / HBAR

    @property
    def top_speed(self) -> float:
        """Δd/2ħ, Å/fs."""
        return self.bandwidth * self.period / (2 * HBAR)

    @property
    def thermal_factor(self) -> float:
        """⟨cos kd⟩ in equilibrium."""
        return thermal_factor(self.bandwidth, self.temperature)

    @property
    def steady_order(self) -> complex:
        """⟨exp(ikd)⟩ for t → ∞: r/(1 − iωτ) with r the thermal factor.

        Split at dt, the fixed point of z → s²e^(iφ)z + (1 − s)(1 + s e^(iφ))r with s = exp(−dt/2τ), φ = ωdt, which is
        r[1 + i sin(φ/2)/sinh((dt/τ − iφ)/2)]: the exact one but for (x² − 2ixφ)/24 of z − r, x = dt/τ.
        """
        if math.isinf(self.tau):
            return 0j
        if self.dt == 0:
            return self.thermal_factor / (1 - 1j * self.omega * self.tau)
        phi = self.omega * self.dt
        return complex(self.thermal_factor * (1 + 1j * math.sin(phi / 2) / np.sinh((self.dt / self.tau - 1j * phi) / 2)))

    def order(self, time) -> np.ndarray:
        """⟨exp(ikd)⟩(t): relaxation of a rotating phase, (∂t − iω + 1/τ)z = r/τ, from z = r.

        Ignatov, Dodin, Shashkin, Mod. Phys. Lett. B 5, 1087 (1991), for the drift; here from the Boltzmann equation.
        """
        decay = 0.0 if math.isinf(self.tau) else 1 / self.tau
        turned = np.exp((1j * self.omega - decay) * np.asarray(time, np.float64))
        return self.steady_order + (self.thermal_factor - self.steady_order) * turned

    def drift(self, time) -> np.ndarray:
        """Mean velocity, Å/fs: (Δd/2ħ) ⟨sin kd⟩."""
        return self.top_speed * np.imag(self.order(time))

    def energy(self, time) -> np.ndarray:
        """Mean energy in the miniband, eV: (Δ/2)(1 − ⟨cos kd⟩)."""
        return self.bandwidth / 2 * (1 - np.real(self.order(time)))

    @property
    def steady_drift(self) -> float:
        """(Δd/2ħ) r ωτ/(1 + (ωτ)²), Å/fs (dt = 0). Esaki, Tsu, IBM J. Res. Dev. 14, 61 (1970), doi:10.1147/rd.141.0061."""
        return self.top_speed * self.steady_order.imag

    @property
    def steady_energy(self) -> float:
        """(Δ/2)[1 − r/(1 + (ωτ)²)], eV (dt = 0)."""
        return self.bandwidth / 2 * (1 - self.steady_order.real)

    @property
    def thermal_energy(self) -> float:
        """(Δ/2)(1 − r), eV: in equilibrium."""
        return self.bandwidth / 2 * (1 - self.thermal_factor)

    @property
    def swing(self) -> float:
        """Peak-to-peak displacement without collisions, Å: (Δ/eF) r."""
        return self.bandwidth / self.force * self.thermal_factor

    def free_displacement(self, time) -> np.ndarray:
        """Mean displacement without collisions, Å: (Δ/2eF) r (1 − cos ωt)."""
        return self.swing / 2 * (1 - np.cos(self.omega * np.asarray(time, np.float64)))

    @property
    def split_error(self) -> float:
        """|z − r| of the split steady state relative to the exact one, to leading order: x|x − 2iφ|/24."""
        x = 0.0 if math.isinf(self.tau) else self.dt / self.tau
        return x * abs(x - 2j * self.omega * self.dt) / 24

    def fullest(self, sheet_density: float, mass: float) -> float:
        """Occupation of the lowest state in equilibrium under the Boltzmann law; it holds where this is ≪ 1.

        sheet_density: carriers of both spins per period and area, 1/Å²; mass: in the plane, free-electron masses.
        """
        beta, kT = self.bandwidth / (2 * KB * self.temperature), KB * self.temperature
        return sheet_density * math.pi * HBAR2_M0 / (mass * kT) / float(ive(0, beta))


def minibands(well: float, barrier: float, height: float, mass: float, barrier_mass: float) -> list[tuple[float, float]]:
    """(bottom, top), eV, of the two lowest minibands of square wells, from Kronig and Penney's model with a mass for each layer.

    well, barrier: widths, Å; height: of the barrier, eV; masses in free-electron masses. Bastard, Phys. Rev. B 24, 5693 (1981),
    doi:10.1103/PhysRevB.24.5693, without nonparabolicity. Fewer where they do not lie below 2 × height.
    """

    def cosine(energy: float) -> float:
        k = np.sqrt(2 * mass * energy / HBAR2_M0)
        kappa = np.sqrt(complex(2 * barrier_mass * (height - energy) / HBAR2_M0))
        ratio = kappa / barrier_mass / (k / mass)
        mixed = (ratio - 1 / ratio) / 2 * np.sin(k * well) * np.sinh(kappa * barrier)
        return float((np.cos(k * well) * np.cosh(kappa * barrier) + mixed).real)

    mesh = np.linspace(1e-6, 2, 8000) * height * (1 + 1e-9)  # never E = height, where the ratio is zero
    values = np.array([cosine(energy) for energy in mesh])
    edges = [
        root_scalar(lambda energy, sign=sign: cosine(energy) - sign, bracket=(mesh[i], mesh[i + 1])).root
        for sign in (1, -1)
        for i in np.flatnonzero(np.diff(values > sign))
    ]
    edges = sorted(float(edge) for edge in edges)
    return list(zip(edges[0:4:2], edges[1:4:2]))


def zener_probability(gap: float, period: float, mass: float, force: float) -> float:
    """Of leaving the lowest miniband at one pass of the zone edge: exp(−m d E_g²/4ħ²eF), nearly free electrons at k = π/d.

    gap E_g, eV; period, Å; mass, free-electron masses; force, eV/Å. Landau-Zener: exp(−2π(E_g/2)²/ħα) where the uncoupled
    levels part at the rate α = 2πħeF/md (Zener, Proc. R. Soc. A 137, 696 (1932), doi:10.1098/rspa.1932.0165).
    """
    return math.exp(-mass * period * gap**2 / (4 * HBAR2_M0 * force))
