"""Cyclotron orbits: published masses and periods as the time a simulated carrier needs to come back, and the cycloid."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library import CASES
from problems import JOULE, KG, orbit_period

import semijax as sj
from semijax import bands, fields, observables, units

EPS32 = float(np.finfo(np.float32).eps)
# RK4 errs by (2π/n)⁴/120 of a turn with n steps a period: 2e-10 for n = 500, 1.3e-11 for 1000.


def field_for(mass, frequency):
    """|B| (tesla) at which a carrier of `mass` (free-electron masses) turns `frequency` (1/fs) times."""
    return 2 * math.pi * frequency * mass * units.M0 / units.TESLA_INTERNAL


def orbit(dynamics, k, period, steps=500):
    """Wavevectors [f n d] of carriers starting at k [n d], every step a frame, over a little more than one period."""
    carriers = sj.Carriers(sj.Phase(jnp.zeros_like(k), k))
    record = {"k": observables.sample(observables.wavevector, k.shape[0])}
    frames = steps + steps // 20
    return sj.simulate(dynamics, carriers, duration=frames * period / steps, dt=period / steps, record=record).check()


def across(magnetic):
    """Two unit vectors at right angles to B and to each other."""
    n = np.asarray(magnetic) / np.linalg.norm(magnetic)
    first = np.cross(n, [0.3, -0.5, 0.8])
    first /= np.linalg.norm(first)
    return first, np.cross(n, first)


# -- CR1: ellipsoids --------------------------------------------------------------------------------------------------------

VALLEYS = {"Ge": [[1, 1, 1], [1, -1, 1], [-1, 1, 1], [1, 1, -1]], "Si": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}
RESONANCE = 24e9 / units.S  # 24 GHz in 1/fs


def valley(name, axis):
    ml, mt = CASES["CR1"]["inputs_SI"][name]
    side = np.cross(axis, [0.2, 0.3, -0.7])
    return bands.ellipsoidal([ml, mt, mt], np.array([axis, side, np.cross(axis, side)], float))


def resonant(name, theta, axis, mass):
    """The electron of one valley in the field, θ from [001] towards [110], at which its mass resonates at 24 GHz."""
    angle = math.acos(1 / math.sqrt(3)) if theta == "54.7356" else math.radians(float(theta))
    direction = np.array([math.sin(angle) / math.sqrt(2), math.sin(angle) / math.sqrt(2), math.cos(angle)])
    magnetic = direction * field_for(mass, RESONANCE)
    return sj.Dynamics(sj.electron(valley(name, axis)), fields.uniform(magnetic=magnetic)), magnetic


@jax.jit
def turning(dynamics):
    """∂(dk/dt)/∂k of a valley in B."""
    return jax.jacfwd(lambda k: dynamics(0.0, sj.Phase(jnp.zeros(3), k)).wavevector)(jnp.zeros(3))


CASES_CR1 = [(name, theta, masses) for name, rows in CASES["CR1"]["expected"].items() for theta, masses in rows.items()]


@pytest.mark.parametrize(("name", "theta", "masses"), CASES_CR1, ids=[f"{n}-{t}" for n, t, _ in CASES_CR1])
def test_cyclotron_masses_of_ellipsoids(name, theta, masses):
    for axis, mass in zip(VALLEYS[name[:2]], masses, strict=True):
        dynamics, magnetic = resonant(name, theta, axis, mass)
        # the linear flow turns at ± i 2π 24 GHz
        rates = np.linalg.eigvals(np.asarray(turning(dynamics)))
        np.testing.assert_allclose(np.abs(rates.imag).max(), 2 * math.pi * RESONANCE, rtol=1e-9)
        k = jnp.asarray(np.stack([0.01 * across(magnetic)[0], -0.03 * across(magnetic)[1]]))
        run = orbit(dynamics, k, 1 / RESONANCE)
        paths = np.asarray(run.frames["k"])
        for carrier in (0, 1):
            np.testing.assert_allclose(orbit_period(run.time, paths[:, carrier], magnetic), 1 / RESONANCE, rtol=1e-9)
        # the orbit closes
        np.testing.assert_allclose(paths[500], paths[0], atol=1e-9 * 0.03 * 6)


def test_an_ellipsoids_orbit_in_float32():
    mass = CASES["CR1"]["expected"]["Ge_LF61"]["30.0000"][3]
    dynamics, magnetic = resonant("Ge_LF61", "30.0000", VALLEYS["Ge"][3], mass)
    run = orbit(dynamics, jnp.asarray(0.01 * across(magnetic)[0][None], jnp.float32), 1 / RESONANCE)
    # 500 steps, each rounding k by half an ulp
    found = orbit_period(run.time, run.frames["k"][:, 0], magnetic)
    np.testing.assert_allclose(found, 1 / RESONANCE, rtol=500 * EPS32)


# -- CR2: Kane's band -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("material", ["GaAs", "InSb"])
def test_kane_mass_is_the_same_for_every_height(material):
    mass, alpha = CASES["CR2"]["inputs_SI"][material]
    magnetic = np.array([2.0, -3.0, 5.0])
    first, second = across(magnetic)
    n = magnetic / np.linalg.norm(magnetic)
    for energy, expected in CASES["CR2"]["expected"][material]:
        radius = math.sqrt(2 * mass * units.M0 * max(energy, 1e-12) * (1 + alpha * energy)) / units.HBAR  # E = 0: 1e-12 eV
        k = radius * np.stack([first, 0.6 * second + 0.8 * n, 0.1 * first - math.sqrt(0.99) * n])
        period = 2 * math.pi * expected * units.M0 / (np.linalg.norm(magnetic) * units.TESLA_INTERNAL)
        dynamics = sj.Dynamics(sj.electron(bands.kane(mass, alpha)), fields.uniform(magnetic=magnetic))
        run = orbit(dynamics, jnp.asarray(k), period, steps=1000)
        for carrier in range(3):
            found = orbit_period(run.time, run.frames["k"][:, carrier], magnetic) / period * expected
            np.testing.assert_allclose(found, expected, rtol=CASES["CR2"]["tolerance"])


# -- CR3: the square lattice up to its van Hove singularity -----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32])
def test_periods_in_the_square_lattice(dtype):
    inputs, expected = CASES["CR3"]["inputs_SI"], CASES["CR3"]["expected"]
    t, a = inputs["t"] * JOULE, inputs["a"] * units.M
    band = bands.tight_binding({(a, 0.0): -2 * t, (0.0, a): -2 * t}, 0.0, a * np.eye(2))
    levels, masses, periods = (np.array(column) for column in zip(*expected["rows"]))
    # on the diagonal, where the electron is fastest: E = −4t cos(ka)
    k = np.arccos(-levels)[:, None] / a * np.ones(2)
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform(magnetic=inputs["B"]))
    # dt = 10 fs: 218 steps for the shortest period, 6e-9. All levels at once, over the longest.
    longest = float(periods.max() * units.S)
    run = orbit(dynamics, jnp.asarray(k, dtype), longest, steps=1500)
    found = np.array([orbit_period(run.time, run.frames["k"][:, i]) for i in range(len(levels))])
    if dtype == jnp.float64:
        np.testing.assert_allclose(found / units.S, periods, rtol=CASES["CR3"]["tolerance"])
        np.testing.assert_allclose(field_for(masses, 1 / found), inputs["B"], rtol=CASES["CR3"]["tolerance"])
        bottom = band.effective_mass(jnp.zeros(2))
        np.testing.assert_allclose(bottom, expected["band_edge_mass"] * np.eye(2), rtol=CASES["CR3"]["tolerance"], atol=1e-12)
    else:
        # Each of 1500 steps rounds ka ≤ π by half an ulp of random sign: so far E/4t and the angle wander. The period near the
        # singularity grows as ln(4/|level|), which makes the level's error larger.
        wander = math.sqrt(1500) * EPS32
        np.testing.assert_array_less(
            np.abs(found / units.S / periods - 1), wander * (1 + 1 / np.abs(levels * np.log(np.abs(levels) / 4)))
        )


# -- HO1: warped holes ------------------------------------------------------------------------------------------------------

SETS, WARPED = CASES["HO1"]["inputs_SI"]["sets"], list(itertools.product(CASES["HO1"]["expected"], ("heavy", "light")))


@pytest.mark.parametrize(("name", "kind"), WARPED)
def test_cyclotron_masses_of_warped_holes(name, kind):
    band = bands.warped(*SETS[name], kind=kind)
    for label, row in CASES["HO1"]["expected"][name].items():
        expected = row[f"mc_{kind}"]
        direction = np.array({"001": [0, 0, 1.0], "111": [1.0, 1, 1], "110": [1.0, 1, 0]}[label])
        magnetic = 3.0 * direction / np.linalg.norm(direction)
        period = 2 * math.pi * expected * units.M0 / (3.0 * units.TESLA_INTERNAL)
        dynamics = sj.Dynamics(sj.hole(band), fields.uniform(magnetic=magnetic))
        # in the plane through k = 0 the mass is that of the angular average, the same at every energy; RK4's (2π/400)⁴/120 = 5e-10
        # leaves room for the tenth harmonic of a warped orbit
        first, second = across(magnetic)
        run = orbit(dynamics, jnp.asarray(np.stack([0.01 * first, 0.03 * second])), period, steps=400)
        for carrier in (0, 1):
            found = orbit_period(run.time, run.frames["k"][:, carrier], magnetic) / period * expected
            np.testing.assert_allclose(found, expected, rtol=CASES["HO1"]["tolerance"])


@pytest.mark.parametrize(("name", "kind"), WARPED)
def test_band_masses_of_warped_holes(name, kind):
    species = sj.hole(bands.warped(*SETS[name], kind=kind))
    for label, row in CASES["HO1"]["expected"][name].items():
        n = np.array({"001": [0, 0, 1.0], "111": [1.0, 1, 1], "110": [1.0, 1, 0]}[label])
        n /= np.linalg.norm(n)
        mass = 1 / (n @ np.asarray(inertia(species, jnp.asarray(0.02 * n))) @ n * units.M0)
        np.testing.assert_allclose(mass, row[f"band_mass_{kind}"], rtol=CASES["HO1"]["tolerance"])


@jax.jit
def inertia(species, k):
    return species.band.inverse_mass(k)


# -- CR7: crossed fields ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float64, CASES["CR7"]["tolerance"]), (jnp.float32, 600 * EPS32)])
def test_cycloid(dtype, tolerance):
    inputs, expected = CASES["CR7"]["inputs_SI"], CASES["CR7"]["expected"]
    field = fields.uniform(np.array(inputs["E"]) * units.V_PER_M, [0.0, 0.0, inputs["B"]])
    dynamics = sj.Dynamics(sj.electron(bands.parabolic(inputs["m"] * KG)), field)
    path = {"r": observables.sample(observables.position, 1), "v": observables.sample(observables.velocity, 1)}

    def follow(duration):
        run = sj.simulate(dynamics, sj.at_k(jnp.zeros(3, dtype)), duration=duration, dt=duration / 600, record=path)
        return run.time, *(np.asarray(run.check().frames[name][:, 0], np.float64) for name in ("r", "v"))

    _, r, _ = follow(1200.0)
    allowed = tolerance * np.abs(r).max() / units.M  # in float32 600 steps, each rounding r by half an ulp
    for t, x, y in expected["rows"]:
        np.testing.assert_allclose(r[round(t * units.S / 2.0)] / units.M, [x, y, 0.0], rtol=tolerance, atol=allowed)
    # after one turn it is at rest again, having drifted; half a turn earlier it moved at twice the drift
    turn = 2 * math.pi / expected["omega_c"] * units.S
    _, r, v = follow(turn)
    drift = expected["drift_y"] * units.M_PER_S
    np.testing.assert_allclose(r[-1], [0.0, drift * turn, 0.0], atol=tolerance * abs(drift) * turn)
    np.testing.assert_allclose(v[[300, -1]], [[0.0, 2 * drift, 0.0], [0.0, 0.0, 0.0]], atol=tolerance * 10 * abs(drift))
