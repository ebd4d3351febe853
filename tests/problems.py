"""Closed forms that several test files share, written in the project's units (eV, Å, fs, T)."""

import jax.numpy as jnp

from semijax.units import HBAR, TESLA_INTERNAL


def cycloid(time, mass_eV, charge, electric, magnetic):
    """Position [f 2] of a carrier of isotropic mass (eV fs²/Å²) released at rest at the origin in E along x and B along z (tesla).

    Jackson, Classical Electrodynamics, section 12.3: a drift E×B/B² = −(E/B) ŷ with a rotation at ω = qB/m about it.
    """
    b = magnetic * TESLA_INTERNAL
    omega, drift = charge * b / mass_eV, electric / b
    return jnp.stack([drift / omega * (1 - jnp.cos(omega * time)), -drift * (time - jnp.sin(omega * time) / omega)], axis=-1)


def bloch_displacement(time, k0, bandwidth, period, force):
    """Displacement along the chain of E = (Δ/2)(1 − cos kd) under the force F (eV/Å): (Δ/2F)[cos k0 d − cos(k0 d + F d t/ħ)]."""
    return bandwidth / (2 * force) * (jnp.cos(k0 * period) - jnp.cos(k0 * period + force * period * time / HBAR))
