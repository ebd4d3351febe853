"""Berry dynamics: D·det J in fields that obey Maxwell, moment included; the chiral anomaly; the valley Hall effect."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from library import CASES
from problems import CHARGE, JOULE, over

import semijax as sj
from semijax import bands, fields, units
from semijax.units import HBAR, TESLA_INTERNAL

GAP, HBAR_V = 0.1, 3.5  # eV, eV Å
CONE = bands.massive_dirac(GAP, HBAR_V)


def at_start_and_end(dynamics, k, duration, steps, scheme=sj.rk4):
    """(log[D det J/D(0)], log D at the start, at the end) of the one carrier that starts at r = 0 and k [d]."""
    step = sj.with_volume(scheme)
    run = sj.simulate(dynamics, sj.at_k(k), duration=duration, dt=duration / steps, every=steps, step=step)
    final = jax.tree.map(lambda x: x[0], run.final)
    measure = jax.jit(lambda dynamics, t, phase: dynamics.log_measure(t, phase))
    before = measure(dynamics, 0.0, sj.Phase(jnp.zeros_like(final.phase.position), jnp.asarray(k)))
    return float(final.log_volume), float(before), float(measure(dynamics, duration, final.phase))


@jax.jit
def divergence(dynamics, t, z):
    """Terms of ∂D/∂t + ∇·(D dz/dt) over z = (r, k), [1 + 2d]: of D det J = D(0) at one point of phase space."""
    d = z.shape[0] // 2

    def current(z):
        phase = sj.Phase(z[:d], z[d:])
        rates = dynamics(t, phase)
        return jnp.exp(dynamics.log_measure(t, phase)) * jnp.concatenate([rates.position, rates.wavevector])

    growth = jax.jacfwd(lambda t: jnp.exp(dynamics.log_measure(t, sj.Phase(z[:d], z[d:]))))(t)
    return jnp.append(jnp.diagonal(jax.jacfwd(current)(z)), growth)


def assert_kept(dynamics, z):
    terms = np.asarray(divergence(dynamics, 10.0, jnp.asarray(z)))
    # rounding of the terms, which are sums of larger ones
    assert np.abs(terms).max() > 0
    assert abs(terms.sum()) < 1e-11 * np.abs(terms).max()


# -- D det J ----------------------------------------------------------------------------------------------------------------


def ramp(t, r):
    """B_z grows by 2 T in 100 fs, and curl E = −∂B/∂t goes with it; a static E beside it."""
    rate = 2.0 / 100
    induced = 0.5 * rate * TESLA_INTERNAL * jnp.stack([r[1], -r[0]])
    return sj.EMField(induced + jnp.asarray([2e-4, 1e-4], r.dtype), 3.0 + rate * t)


def ramp_alone(t, r):
    return sj.EMField(jnp.asarray([2e-4, 1e-4], r.dtype), 3.0 + 0.02 * t)


def uneven(t, r):
    """A static B_z(x, y), with which m·B pushes the carrier, and a static E without curl."""
    electric = jnp.stack([2e-4 + 1e-6 * r[1], 1e-4 + 1e-6 * r[0]])
    return sj.EMField(electric, 3.0 + 0.01 * r[0] - 0.02 * r[1] + 1e-5 * r[0] * r[1])


@pytest.mark.parametrize("moment", [True, False])
@pytest.mark.parametrize("field", [fields.uniform([2e-4, 1e-4], 3.0), ramp, uneven], ids=["uniform", "ramp", "uneven"])
def test_weighted_phase_space_of_a_cone_does_not_diverge_where_maxwell_holds(field, moment):
    assert_kept(sj.Dynamics(sj.electron(CONE), field, moment=moment), [10.0, -20.0, 0.004, -0.003])
    assert_kept(sj.Dynamics(sj.hole(-CONE), field, moment=moment), [10.0, -20.0, 0.004, -0.003])


@pytest.mark.parametrize("field", [fields.uniform([2e-4, 1e-4], 3.0), ramp], ids=["uniform", "ramp"])
def test_weighted_volume_of_a_cone_is_kept_on_its_way(field):
    # it turns once and is driven out of the valley, 0.03 rad in a step of 0.5 fs: RK4 errs by 200 (0.03)⁵/120 = 4e-8 of D's change
    log_volume, before, after = at_start_and_end(sj.Dynamics(sj.electron(CONE), field), [0.004, -0.003], 100.0, 200)
    assert abs(after - before) > 0.01
    assert abs(log_volume) < 1e-7


def test_weighted_volume_is_kept_where_the_moment_pushes():
    # of second order: 400 (0.015)³/24 = 6e-5 of D's change, in a program of half the size
    dynamics = sj.Dynamics(sj.electron(CONE), uneven)
    log_volume, before, after = at_start_and_end(dynamics, [0.004, -0.003], 100.0, 400, sj.midpoint)
    assert abs(after - before) > 0.01
    assert abs(log_volume) < 6e-5


def test_what_does_not_obey_maxwell_or_lacks_the_push_of_the_moment_diverges():
    place = jnp.array([10.0, -20.0, 0.004, -0.003])
    terms = np.asarray(divergence(sj.Dynamics(sj.electron(CONE), ramp_alone), 10.0, place))
    assert abs(terms.sum()) > 0.1 * np.abs(terms).max()

    def unpushed(z):
        """D times what ∂(m·B)/∂r adds to dk/dt."""
        push = jax.grad(lambda r: CONE.orbital_moment(z[2:]) * uneven(0.0, r).magnetic)(z[:2])
        return jnp.concatenate([jnp.zeros(2), push * TESLA_INTERNAL / HBAR])

    terms = np.asarray(divergence(sj.Dynamics(sj.electron(CONE), uneven), 10.0, place))
    missing = np.trace(np.asarray(jax.jit(jax.jacfwd(unpushed))(place)))
    assert abs(missing) > 1e-3 * np.abs(terms).max()


def magnetic_well(t, r):
    """div B = 0 and curl E = 0: B = (gx, gy, B₀ − 2gz), E along z."""
    g = 0.01
    return sj.EMField(jnp.asarray([0.0, 0.0, 1e-4], r.dtype), jnp.stack([g * r[0], g * r[1], 4.0 - 2 * g * r[2]]))


def node(params, k):
    return params * jnp.sqrt(jnp.sum(k * k))


def monopole(params, k):
    return -k / (2 * jnp.sum(k * k) ** 1.5)


def spin(params, k):
    """m = E Ω/ħ, as for every cone."""
    return node(params, k) * monopole(params, k) / HBAR


WEYL = sj.Band(node, 3.0, dimension=3, curvature=monopole, moment=spin)


@pytest.mark.parametrize("field", [fields.uniform([1e-4, 0.0, 2e-4], [1.0, -2.0, 4.0]), magnetic_well], ids=["uniform", "uneven"])
def test_weighted_phase_space_near_a_weyl_node_does_not_diverge(field):
    assert_kept(sj.Dynamics(sj.electron(WEYL), field), [30.0, -10.0, 20.0, 0.02, -0.01, 0.015])


@pytest.mark.slow
def test_weighted_volume_is_kept_past_a_weyl_node_with_its_moment():
    dynamics = sj.Dynamics(sj.electron(WEYL), fields.uniform([1e-4, 0.0, 2e-4], [1.0, -2.0, 4.0]))
    # v/k = 0.17 rad/fs turns k by what B does to it, 0.01 rad in a step of 0.25 fs: 240 (0.01)³/24 = 1e-5 of what D changes by
    log_volume, before, after = at_start_and_end(dynamics, [0.02, -0.01, 0.015], 60.0, 240, sj.midpoint)
    assert abs(after - before) > 1e-3
    assert abs(log_volume) < 1e-5


def test_the_moment_of_a_weyl_matrix_is_that_of_the_cone():
    matrix = bands.bloch(bands.models.weyl(3.0), index=1)
    for k in np.random.default_rng(1).normal(size=(4, 3)) / 20:
        for name in ("berry_curvature", "orbital_moment"):
            np.testing.assert_allclose(*(jax.jit(getattr(b, name))(jnp.asarray(k)) for b in (matrix, WEYL)), rtol=1e-12)


# -- the chiral anomaly -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", [False, True])
def test_states_flow_out_of_a_weyl_node_at_the_rate_of_the_anomaly(moment):
    """∮ D dk/dt·dS/(2π)³ = χ q² E·B/(4π²ħ²) through any surface about the node, χ = −1 for Ω = +k/2k³ (Nielsen, Ninomiya, Phys. Lett. B
    130, 389 (1983), doi:10.1016/0370-2693(83)91529-0).
    """
    electric, tesla = np.array([2e-4, -1e-4, 3e-4]), np.array([1.0, -2.0, 3.0])
    x, w = np.polynomial.legendre.leggauss(12)
    angle = 2 * np.pi * np.arange(24) / 24
    normal = np.array([[math.sqrt(1 - c * c) * math.cos(a), math.sqrt(1 - c * c) * math.sin(a), c] for c in x for a in angle])
    weight = np.repeat(w, 24) * 2 * np.pi / 24
    for charge in (sj.electron, sj.hole):
        dynamics = sj.Dynamics(charge(WEYL), fields.uniform(electric, tesla), moment=moment)

        def flux(k, dynamics=dynamics):
            phase = sj.Phase(jnp.zeros(3), k)
            return jnp.exp(dynamics.log_measure(0.0, phase)) * dynamics(0.0, phase).wavevector

        for radius in (0.02, 0.1):
            through = np.asarray(over(flux)(jnp.asarray(radius * normal)))
            found = radius**2 * (weight * (through * normal).sum(axis=1)).sum() / (2 * np.pi) ** 3
            # Ω_h(k) = −Ω_v(−k): a hole's node has the sign of its band's
            expected = (electric @ tesla) * TESLA_INTERNAL / (4 * np.pi**2 * HBAR**2)
            np.testing.assert_allclose(found, expected, rtol=1e-9)


# -- the valley Hall effect -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("valley", [1, -1])
def test_the_valley_hall_conductivity_is_what_the_carriers_anomalous_velocity_carries(valley):
    """BC2: σ_xy of a valley and spin, e²/2h in the gap and (e²/2h) Δ/E_F above it, from dr/dt of every filled state."""
    case = CASES["BC2"]
    delta, level = case["inputs_SI"]["D"] * JOULE, case["inputs_SI"]["EF"] * JOULE
    conduction = sideways(bands.massive_dirac(2 * delta, HBAR_V, valley), delta, level)
    valence = sideways(bands.massive_dirac(2 * delta, HBAR_V, valley, sign=-1), delta, math.inf)
    siemens = CHARGE * 1e15  # e/(V fs)
    for filled, key in ((valence, "sigma_valley_gap"), (valence + conduction, "sigma_valley_EF")):
        # σ_yx, of either valley
        np.testing.assert_allclose(valley * filled * siemens, case["expected"][key], rtol=1e-6)


def sideways(band, delta, level):
    """j_y/E_x = −∫ d²k/(2π)² dy/dt/E_x over all states with |E| < level, by u = Δ/|E|: k dk = Δ²/(ħv)² du/u³."""
    push, (x, w) = 1e-3, np.polynomial.legendre.leggauss(20)
    low = delta / level
    u, weight = low + (1 - low) * (1 + x) / 2, (1 - low) * w / 2
    k = delta / HBAR_V * np.sqrt(1 / u**2 - 1)
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform([push, 0.0]))
    rates = over(lambda k: dynamics(0.0, sj.Phase(jnp.zeros(2), k)).position[1])
    ways = ((1, 0), (0, 1), (-1, 0), (0, -1))
    ring = np.mean([np.asarray(rates(jnp.asarray(np.stack([k * a, k * b], 1)))) for a, b in ways], axis=0)
    return -(weight * (delta / HBAR_V) ** 2 / u**3 * ring).sum() / (2 * np.pi) / push


@pytest.mark.slow
def test_thermal_electrons_of_two_valleys_part_sideways():
    """The transverse drift of sampled carriers is −(q/ħ) E × ⟨Ω⟩, opposite in the two valleys; its mean is that of the curvature."""
    push, n, T = 1e-4, 4000, 300.0
    for valley in (1, -1):
        species = sj.electron(bands.massive_dirac(GAP, HBAR_V, valley))
        carriers = sj.thermal(3, species, n, T)
        dynamics = sj.Dynamics(species, fields.uniform([push, 0.0]))
        record = {
            "drift": sj.observables.mean(sj.observables.velocity),
            "group": sj.observables.mean(sj.observables.group_velocity),
        }
        run = sj.simulate(dynamics, carriers, duration=1.0, dt=0.5, every=2, record=record)
        sideways = float(run.frames["drift"][0, 1] - run.frames["group"][0, 1])
        curvature = np.mean(np.asarray(over(species.band.berry_curvature)(jnp.asarray(carriers.phase.wavevector))))
        # dr/dt = −dk/dt × Ω with ħ dk/dt = −e E x̂: y component −(e E/ħ) Ω
        assert sideways == pytest.approx(-push / HBAR * curvature, rel=1e-9)
        assert sideways * valley > 0
    assert pytest.approx(push) == units.KV_PER_CM * 10
