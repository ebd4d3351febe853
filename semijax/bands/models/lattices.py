"""Hamiltonians of lattice models: Haldane, Kane-Mele, Su-Schrieffer-Heeger, bilayer graphene; and a Weyl node."""

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from semijax._types import Array
from semijax.bands import inputs
from semijax.bands.hamiltonian import Hamiltonian
from semijax.bands.library import scaled
from semijax.bands.models._matrices import PAULI, combined, entry

_ROOT3 = math.sqrt(3)
_BONDS = np.array([[0.0, 1.0], [-_ROOT3 / 2, -0.5], [_ROOT3 / 2, -0.5]])  # from A to B
_SECOND = np.array([_BONDS[1] - _BONDS[2], _BONDS[2] - _BONDS[0], _BONDS[0] - _BONDS[1]])
_HONEYCOMB = np.array([_BONDS[0] - _BONDS[1], _BONDS[0] - _BONDS[2]])


def haldane(hopping: float = 1.0, second: float = 0.1, phase: float = math.pi / 2, mass: float = 0.0, bond: float = 1.0):
    """Haldane's Chern insulator on the honeycomb lattice: hopping t1 and second neighbours t2 exp(±iφ), ± `mass` on A and B, eV.

    H_AB = t1 Σ exp(ik·d), H_AA = M + 2t2 Σ cos(k·b − φ), H_BB = −M + 2t2 Σ cos(k·b + φ); d1 = bond (0, 1) from A to B, d2, d3 at ±120°,
    b1 = d2 − d3, ...; bond in Å. The lower band has Chern number 1 (Ω = ∇×A, A = i⟨u|∇u⟩) for sin φ > 0 and |M| < 3√3 t2 sin φ.
    Haldane, Phys. Rev. Lett. 61, 2015 (1988); doi:10.1103/PhysRevLett.61.2015.
    """
    given = {"hopping": hopping, "second": second, "phase": phase, "mass": mass}
    params = _numbers("haldane", given) | {"bond": inputs.number("haldane", "bond", bond, above=0.0)}
    return Hamiltonian(_haldane, params, scaled(params["bond"], _HONEYCOMB))


def kane_mele(
    hopping: float = 1.0, spin_orbit: float = 0.06, staggered: float = 0.0, rashba: float = 0.0, bond: float = 1.0
) -> Hamiltonian:
    """Kane and Mele's Z2 insulator: the honeycomb lattice with spin, iλ_SO ν s_z between second neighbours, ± staggered on A and B, eV.

    Rashba term iλ_R (s × d)_z along the bonds d (of unit length). Each spin is Haldane's model with φ = ±π/2, t2 = λ_SO. Bands
    coincide in pairs where staggered = rashba = 0. Kane, Mele, Phys. Rev. Lett. 95, 146802 (2005); doi:10.1103/PhysRevLett.95.146802.
    """
    given = {"hopping": hopping, "spin_orbit": spin_orbit, "staggered": staggered, "rashba": rashba}
    params = _numbers("kane_mele", given) | {"bond": inputs.number("kane_mele", "bond", bond, above=0.0)}
    pairs = not any(inputs.traced(x) or x for x in (params["staggered"], params["rashba"]))
    return Hamiltonian(_kane_mele, params, scaled(params["bond"], _HONEYCOMB), multiplicity=2 if pairs else 1)


def ssh(intra: float = 1.0, inter: float = 0.5, period: float = 1.0) -> Hamiltonian:
    """A chain of alternating bonds, d = 1: H_AB = intra exp(ika/2) + inter exp(−ika/2), eV; period a in Å.

    Su, Schrieffer, Heeger, Phys. Rev. Lett. 42, 1698 (1979); doi:10.1103/PhysRevLett.42.1698.
    """
    params = _numbers("ssh", {"intra": intra, "inter": inter})
    params["period"] = inputs.number("ssh", "period", period, above=0.0)
    return Hamiltonian(_ssh, params, scaled(params["period"], np.eye(1)))


def weyl(hbar_v: float, chirality: int = +1, tilt: Any = None) -> Hamiltonian:
    """A Weyl node H = chirality ħv k·σ + tilt·k, d = 3; hbar_v > 0 and tilt [3] in eV Å. The upper band has Ω = −chirality k/2k³.

    Armitage, Mele, Vishwanath, Rev. Mod. Phys. 90, 015001 (2018); doi:10.1103/RevModPhys.90.015001.
    """
    params = {
        "hbar_v": inputs.number("weyl", "hbar_v", hbar_v, above=0.0),
        "tilt": inputs.array("weyl", "tilt", np.zeros(3) if tilt is None else tilt, (3,)),
    }
    matrix = _weyl_right if inputs.one_of("weyl", "chirality", chirality, (1, -1)) > 0 else _weyl_left
    return Hamiltonian(matrix, params, dimension=3)


def bilayer_graphene(
    gamma0: float = 3.16,
    gamma1: float = 0.381,
    gamma3: float = 0.38,
    gamma4: float = 0.14,
    dimer: float = 0.022,
    bias: float = 0.0,
    bond: float = 1.42,
) -> Hamiltonian:
    """Bernal-stacked bilayer graphene, orbitals A1, B1, A2, B2: hoppings γ0, γ1, γ3, γ4, `dimer` Δ' on B1 and A2, ± bias/2, eV.

    McCann, Koshino, Rep. Prog. Phys. 76, 056503 (2013), eq. 16; doi:10.1088/0034-4885/76/5/056503. The defaults are its numbers of
    Kuzmenko et al., Phys. Rev. B 80, 165406 (2009), doi:10.1103/PhysRevB.80.165406. bond in Å; K points as in bands.graphene.
    """
    given = {"gamma0": gamma0, "gamma1": gamma1, "gamma3": gamma3, "gamma4": gamma4, "dimer": dimer, "bias": bias}
    params = _numbers("bilayer_graphene", given)
    params["bond"] = inputs.number("bilayer_graphene", "bond", bond, above=0.0)
    return Hamiltonian(_bilayer, params, scaled(params["bond"], _HONEYCOMB))


def _numbers(where: str, given: dict) -> dict:
    return {key: inputs.number(where, key, value) for key, value in given.items()}


def _phases(vectors: np.ndarray, bond, k: Array) -> list:
    """k·d for each of the vectors."""
    return [bond * (x * k[0] + y * k[1]) for x, y in vectors.tolist()]


def _sum(function, phases: list) -> Array:
    return jnp.sum(function(jnp.stack(phases)))


def _haldane(params, k: Array) -> Array:
    bonds, second = _phases(_BONDS, params["bond"], k), _phases(_SECOND, params["bond"], k)
    even = 2 * params["second"] * jnp.cos(params["phase"]) * _sum(jnp.cos, second)
    odd = params["mass"] + 2 * params["second"] * jnp.sin(params["phase"]) * _sum(jnp.sin, second)
    t = params["hopping"]
    return combined([even, t * _sum(jnp.cos, bonds), -t * _sum(jnp.sin, bonds), odd], list(PAULI))


_S0, _SX, _SY, _SZ = PAULI
_KANE_MELE = [
    np.kron(a, b) for a, b in ((_SX, _S0), (_SY, _S0), (_SZ, _SZ), (_SZ, _S0), (_SX, _SX), (_SY, _SX), (_SX, _SY), (_SY, _SY))
]


def _kane_mele(params, k: Array) -> Array:
    bonds, second = _phases(_BONDS, params["bond"], k), _phases(_SECOND, params["bond"], k)
    t, rashba = params["hopping"], params["rashba"]
    numbers = [t * _sum(jnp.cos, bonds), -t * _sum(jnp.sin, bonds)]
    numbers += [2 * params["spin_orbit"] * _sum(jnp.sin, second), params["staggered"]]
    # iλ_R exp(iφ) = λ_R (−sin φ + i cos φ) between A and B: −sin φ on σx, −cos φ on σy, times s_x d_y − s_y d_x
    for part, sign in ((1, 1.0), (0, -1.0)):
        for function in (jnp.sin, jnp.cos):
            weighted = [-sign * rashba * d[part] * function(x) for d, x in zip(_BONDS.tolist(), bonds)]
            numbers.append(weighted[0] + weighted[1] + weighted[2])
    return combined(numbers, _KANE_MELE)


def _ssh(params, k: Array) -> Array:
    half = k[0] * params["period"] / 2
    even, odd = params["intra"] + params["inter"], params["intra"] - params["inter"]
    return combined([even * jnp.cos(half), -odd * jnp.sin(half)], [_SX, _SY])


def _weyl_right(params, k: Array) -> Array:
    return combined([jnp.sum(params["tilt"] * k), *(params["hbar_v"] * q for q in k)], list(PAULI))


def _weyl_left(params, k: Array) -> Array:
    return combined([jnp.sum(params["tilt"] * k), *(-params["hbar_v"] * q for q in k)], list(PAULI))


_INTRA, _SKEW = ((0, 1), (2, 3)), ((0, 2), (1, 3))
_BILAYER = [
    *(entry(4, *_INTRA, value=v) for v in (1, 1j)),
    *(entry(4, *_SKEW, value=v) for v in (1, 1j)),
    *(entry(4, (0, 3), value=v) for v in (1, -1j)),
    entry(4, (1, 2)),
    np.diag([0, 1, 1, 0]),
    np.diag([-0.5, -0.5, 0.5, 0.5]),
]


def _bilayer(params, k: Array) -> Array:
    bonds = _phases(_BONDS, params["bond"], k)
    f = _sum(jnp.cos, bonds), _sum(jnp.sin, bonds)
    hoppings = [sign * params[key] * part for key, sign in (("gamma0", -1), ("gamma4", 1), ("gamma3", -1)) for part in f]
    return combined([*hoppings, params["gamma1"], params["dimer"], params["bias"]], _BILAYER)
