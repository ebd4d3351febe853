"""Sampling: carriers drawn from packets, thermal laws and Fermi surfaces, each by random numbers of its own."""

import math
import warnings
from collections.abc import Callable
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from semijax._types import Phase, SemijaxError
from semijax.bands.band import Band
from semijax.bands.contract import name_of
from semijax.bands.inputs import number, traced
from semijax.carriers import Carriers
from semijax.cells import Mesh
from semijax.configure import at_first_use
from semijax.domain import closed_law, domain_of
from semijax.dynamics import Species
from semijax.filling import chemical_potential, own_level
from semijax.occupation import Occupation, boltzmann, fermi_dirac, fermi_window, thermal_energy
from semijax.quadrature import spectrum
from semijax.random import from_jax_key
from semijax.rejection import CellLaw, ClosedForm, StandardNormal, cell_law, draws
from semijax.states import States, far_from_one, states_of

__all__ = ["acceptance", "chemical_potential", "fermi_surface", "packet", "thermal", "thermal_law"]

# Purposes, so that one seed may be used for all of them; a hole's stream is the next number.
_PACKET, _THERMAL, _SURFACE = 0x5041434B, 0x54484552, 0x4645524D
_MARGINS = (1.1, 2.0, 4.0)  # factors on the bounds of E(k) in a cell, tried in turn
_LawWith: TypeAlias = Callable[[float], ClosedForm | CellLaw]  # such a factor -> the law


def packet(key, n: int, position, wavevector, position_spread, wavevector_spread, *, first: int = 0) -> Carriers:
    """n carriers of a Gaussian packet about position [d] (Å) and wavevector [d] (1/Å).

    key: an int seed or a jax.random.key. Spreads are standard deviations ≥ 0, one for all axes or [d]. The Gaussian is that of the numbers
    of carriers in r and k, so it is the same in a magnetic field. Carrier i is the same for every n; these are number first, first + 1,
    ... Raises SemijaxError for other shapes and numbers.
    """
    at_first_use()
    dtype, d = jnp.result_type(float), jnp.size(wavevector)
    middle = [_vector("packet", *pair, d) for pair in (("position", position), ("wavevector", wavevector))]
    spreads = [_spread(*pair, d) for pair in (("position_spread", position_spread), ("wavevector_spread", wavevector_spread))]
    z, _, _ = draws(StandardNormal(2 * d), from_jax_key(key, _PACKET), _ids("packet", n, first), dtype)
    points = jnp.concatenate(middle)[None] + jnp.concatenate(spreads)[None] * z
    return Carriers(Phase(points[:, :d], points[:, d:]))


def thermal(
    key,
    species: Species,
    n: int,
    temperature: float,
    *,
    chemical_potential: float | None = None,
    density: float | None = None,
    cutoff: float | None = None,
    position=None,
    first: int = 0,
    magnetic=None,
    moment: bool = True,
) -> Carriers:
    """n carriers in thermal equilibrium at `temperature` [K], all at one position [d], Å (the origin).

    Maxwell-Boltzmann, exp(−E/kT); or Fermi-Dirac where `chemical_potential` [eV] (always the electrons' µ: a hole is occupied
    with 1/(exp((E_h + µ)/kT) + 1)) or `density` [Å⁻ᵈ, all degenerate states together] is given. k lies in one primitive cell
    about k = 0 along the lattice. cutoff [1/Å]: largest |k| along open directions, needed for a band without end whose law
    is not known in closed form. key: an int seed or a jax.random.key.

    magnetic: the field where the carriers are, T, [3] or a number when d = 2: of a band with Berry curvature Ω or orbital moment m they are
    then drawn from D f(ε), ε = E − m·B, D = 1 − (q/ħ) B·Ω, the number of states of a volume of phase space. Each stands for the same number
    of physical carriers, then and later: D is counted once. A warning says where |D − 1| exceeds 1/2; beyond 1 there are no carriers.
    moment: False leaves m·B out, as in Dynamics.

    Exact: closed forms, or points under a bound of the weight in each cell of a mesh, kept or rejected (see `acceptance`; a
    warning below 10 %). Carrier i is the same for every n; these are number first, first + 1, ... Raises SemijaxError for bad input.
    """
    at_first_use()
    _check_species("thermal", species)
    states = states_of("thermal", species, magnetic, moment)
    law_with = _thermal("thermal", species, states, temperature, chemical_potential, density, cutoff)
    k = _wavevectors("thermal", states, from_jax_key(key, _THERMAL + (species.charge > 0)), _ids("thermal", n, first), law_with)
    return Carriers(Phase(_at("thermal", position, k), k))


def fermi_surface(
    key,
    species: Species,
    n: int,
    chemical_potential: float,
    temperature: float,
    *,
    cutoff=None,
    position=None,
    magnetic=None,
    moment: bool = True,
):
    """n Carriers with density ∝ −∂f/∂E, weighted so that Σ weight·X estimates g ∫ d^dk/(2π)^d (−∂f/∂E) X(k).

    In a magnetic field [T] D (−∂f/∂ε) takes the place of −∂f/∂E, see `thermal`.

    Each weight is that integral of 1, over n, in 1/(eV Å^d), g being the degeneracy. The integral is done by quadrature, right
    to 3e-6 (in three dimensions 1e-4 where kT is less than 1 % of the depth of the Fermi sea). Other arguments as in `thermal`.
    """
    at_first_use()
    where = "fermi_surface"
    mu = _given(where, "chemical_potential", chemical_potential)
    _check_species(where, species)
    states = states_of(where, species, magnetic, moment)
    kT = _mesh_energy(where, states, temperature)
    window = fermi_window(own_level(species, mu), kT)
    mesh = Mesh(states, window)
    domain = mesh.widened(domain_of(where, states, kT, cutoff))
    number = species.degeneracy / (2 * math.pi) ** len(domain.low) * spectrum(mesh, domain).integral(window) / kT
    if not number > np.finfo(jnp.result_type(float)).tiny * n:
        raise SemijaxError(f"{where}: chemical_potential = {mu}: allowed is an energy with states of the band near it")
    key = from_jax_key(key, _SURFACE + (species.charge > 0))
    k = _wavevectors(where, states, key, _ids(where, n), lambda margin: _cell_law(where, states, window, cutoff, margin))
    return Carriers(Phase(_at(where, position, k), k), weight=jnp.full(k.shape[0], number / k.shape[0], k.dtype))


def thermal_law(species: Species, temperature, *, magnetic=None, moment: bool = True) -> ClosedForm | CellLaw:
    """The Maxwell-Boltzmann law of k, a record for use inside programs: law.draw(carrier_key, step, first, dtype) -> k [d].

    A law in closed form takes a traced temperature. Other bands, and bands with curvature or moment in a magnetic field [T], draw and
    reject under the bounds of a mesh, from random numbers first, first + 1, ... on, and need plain numbers; k is NaN where a bound fails.
    Raises SemijaxError as `thermal` does.
    """
    where = "thermal_law"
    _check_species(where, species)
    return _thermal(where, species, states_of(where, species, magnetic, moment), temperature, None, None, None)(_MARGINS[0])


def acceptance(
    species: Species,
    temperature: float,
    *,
    chemical_potential=None,
    density=None,
    cutoff=None,
    magnetic=None,
    moment: bool = True,
) -> float:
    """Which part of its tries `thermal` keeps with these arguments, measured on 4096 carriers; 1 for laws in closed form."""
    where = "acceptance"
    _check_species(where, species)
    states = states_of(where, species, magnetic, moment)
    law_with = _thermal(where, species, states, temperature, chemical_potential, density, cutoff)
    return _draw(where, states, from_jax_key(0), _ids(where, 4096), law_with)[1]


def _thermal(where: str, species: Species, states: Band | States, temperature, mu, density, cutoff) -> _LawWith:
    """Makes the law, for a factor on its bounds."""
    if mu is not None and density is not None:
        raise SemijaxError(f"{where}: density = {density} beside chemical_potential = {mu}: allowed is one of the two")
    if mu is None and density is None:
        kT = thermal_energy(where, temperature)
        if isinstance(states, Band) and states.law is not None and cutoff is None:
            law = ClosedForm(closed_law(where, states, kT))
            return lambda margin: law
        kT = _mesh_energy(where, states, temperature)
        return lambda margin: _cell_law(where, states, boltzmann(0.0, kT), cutoff, margin)
    kT = _mesh_energy(where, states, temperature)
    if mu is None:
        field = {"magnetic": states.magnetic, "moment": states.moment} if isinstance(states, States) else {}
        mu = chemical_potential(species, _given(where, "density", density), temperature, cutoff, **field)
    occupation = fermi_dirac(own_level(species, _given(where, "chemical_potential", mu)), kT)
    return lambda margin: _cell_law(where, states, occupation, cutoff, margin)


def _cell_law(where: str, states: Band | States, occupation: Occupation, cutoff, margin: float) -> CellLaw:
    mesh = Mesh(states, occupation, jnp.result_type(float), margin)
    cells = mesh.partition(mesh.widened(domain_of(where, states, occupation.kT, cutoff)))
    return cell_law(states, occupation, cells)


def _wavevectors(where: str, states: Band | States, key, ids: np.ndarray, law_with: _LawWith):
    """k [n d] of carriers of these ids [n], with a warning where many tries are needed, and where D is far from one."""
    k, kept = _draw(where, states, key, ids, law_with)
    if kept < 0.1:
        warnings.warn(f"{where}: kept {kept:.2g} of the tries: slow, but exact", stacklevel=3)
    if isinstance(states, States):
        said = far_from_one(states, k)
        if said:
            warnings.warn(f"{where}: {said}", stacklevel=3)
    return jnp.asarray(k)


def _draw(where: str, states: Band | States, key, ids: np.ndarray, law_with: _LawWith):
    """k [n d] and the part of the tries kept. Should a point be found above its bound, all are drawn again under wider ones."""
    for margin in _MARGINS:
        k, kept, bounded = draws(law_with(margin), key, ids, jnp.result_type(float))
        if bounded:
            return k, kept
    band = name_of(states.energy)
    raise SemijaxError(f"{where}: E(k) of {band} jumps inside a mesh cell: allowed is a function smooth on the scale of the zone")


def _ids(where: str, n, first=0) -> np.ndarray:
    for key, value, least in (("n", n, 1), ("first", first, 0)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value < 2**32:
            raise SemijaxError(f"{where}: {key} = {value!r}: allowed is a whole number ≥ {least}")
    if first + n > 2**32:
        raise SemijaxError(f"{where}: first + n = {first + n}: allowed are ids below 2³²")
    return np.arange(first, first + n, dtype=np.int64).astype(np.uint32)


def _at(where: str, position, k):
    r = jnp.zeros(k.shape[1], k.dtype) if position is None else _vector(where, "position", position, k.shape[1])
    return jnp.tile(r.astype(k.dtype), (k.shape[0], 1))


def _vector(where: str, name: str, value, d: int):
    if jnp.shape(value) != (d,) or d not in (1, 2, 3):
        raise SemijaxError(
            f"{where}: {name} has shape {jnp.shape(value)}: allowed is one vector [d], d = {d if d in (1, 2, 3) else '1, 2, 3'}"
        )
    return jnp.asarray(value, jnp.result_type(float))


def _spread(name: str, value, d: int):
    if jnp.shape(value) not in ((), (d,)) or not (
        traced(value) or np.all((np.asarray(value) >= 0) & (np.asarray(value) < np.inf))
    ):
        raise SemijaxError(f"packet: {name} = {value}: allowed is a number ≥ 0 or {d} of them")
    return jnp.broadcast_to(jnp.asarray(value, jnp.result_type(float)), (d,))


def _given(where: str, name: str, value) -> float:
    """A number that shapes a mesh."""
    if traced(value):
        raise SemijaxError(f"{where}: {name} inside jit, grad or vmap: allowed is a plain number")
    return number(where, name, value)


def _mesh_energy(where: str, states: Band | States, temperature) -> float:
    """kT as a number; raises SemijaxError for a traced band, field or temperature, of which no mesh can be made."""
    if any(traced(x) for x in jax.tree.leaves((states, temperature))):
        band = name_of(states.energy) + (" in a magnetic field" if isinstance(states, States) else "")
        raise SemijaxError(
            f"{where}: {band} inside jit, grad or vmap: allowed are the Boltzmann laws of bands that have one in closed form"
        )
    return float(thermal_energy(where, temperature))


def _check_species(where: str, species) -> None:
    if not isinstance(species, Species):
        raise SemijaxError(f"{where}: species = {species!r}: allowed is sj.electron(band) or sj.hole(band)")
