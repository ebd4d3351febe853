"""Laws of the motion through sj.simulate: orders, reversal, closed orbits, work, gauge."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from problems import orbit_period
from scipy.integrate import simpson

import semijax as sj
from semijax import bands, certify, fields, observables, units
from semijax._pytree import replace

A = 5.0  # Å; positions are compared in units of A, wavevectors in units of 1/A
BAND = bands.tight_binding({(A, 0.0): -0.1, (0.0, A): -0.1, (A, A): 0.03, (A, -A): 0.01}, 0.0, A * np.eye(2))
ELECTRON = sj.electron(BAND)
FORWARD = sj.Dynamics(ELECTRON, fields.uniform([1e-3, -2e-3], 100.0))


def hills(r):
    return 0.02 * jnp.sin(r[0] / 8) * jnp.cos(r[1] / 10)


SPLIT = sj.Dynamics(ELECTRON, fields.potential(hills))


def start():
    rng = np.random.default_rng(2)
    return sj.Carriers(sj.Phase(jnp.asarray(rng.normal(size=(4, 2)) * 5), jnp.asarray(rng.uniform(-0.5, 0.5, (4, 2)))))


def after(dynamics, step, duration, pieces, carriers=None):
    """The carriers after `pieces` runs of 8 steps, each continuing the one before: the same program for every dt."""
    carriers, part = start() if carriers is None else carriers, duration / pieces
    for i in range(pieces):
        carriers = sj.simulate(dynamics, carriers, duration=part, dt=part / 8, every=8, step=step, start=i * part).final
    return carriers


def reduced(carriers):
    """(r/A, kA) [4 4]."""
    return np.concatenate([np.asarray(carriers.phase.position) / A, np.asarray(carriers.phase.wavevector) * A], axis=1)


# -- the order of every step ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dynamics", "step", "duration", "tolerance"),
    [
        # The next term of the error changes the slope by about half of the phase per step at the coarsest dt times its size:
        # 0.15 rad in 80 fs/8; dop8 needs 1.2 rad (640 fs/8) to err visibly.
        (FORWARD, sj.euler, 80.0, 0.05),
        (FORWARD, sj.heun, 80.0, 0.05),
        (FORWARD, sj.midpoint, 80.0, 0.05),
        (FORWARD, sj.rk4, 80.0, 0.05),
        (FORWARD, sj.dop8, 640.0, 0.6),
        (SPLIT, sj.leapfrog, 20.0, 0.05),
        (SPLIT, sj.strang, 20.0, 0.05),
        (SPLIT, sj.yoshida4, 20.0, 0.05),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_order_of_the_step(dynamics, step, duration, tolerance):
    exact = reduced(after(dynamics, sj.dop8, duration, 32))
    pieces = np.array([1, 2, 4])
    errors = [np.abs(reduced(after(dynamics, step, duration, n)) - exact).max() for n in pieces]
    order = -np.polyfit(np.log(pieces), np.log(errors), 1)[0]
    assert order == pytest.approx(step.order, abs=tolerance)


# -- reversal ---------------------------------------------------------------------------------------------------------------


def test_the_motion_runs_backwards_in_the_opposite_magnetic_field():
    # E(−k) = E(k): with B → −B and k → −k the carriers retrace their way. dop8 with 0.15 rad a step errs by rounding alone,
    # 2e-16 of r/A ~ 30 in each of 128 steps.
    there = after(FORWARD, sj.dop8, 640.0, 8)
    backward = sj.Dynamics(ELECTRON, fields.uniform([1e-3, -2e-3], -100.0))
    turned = sj.Carriers(sj.Phase(there.phase.position, -there.phase.wavevector))
    back = reduced(after(backward, sj.dop8, 640.0, 8, turned))
    np.testing.assert_allclose(back, reduced(start()) * [1, 1, -1, -1], atol=1e-10)


@pytest.mark.parametrize("step", [sj.leapfrog, sj.strang, sj.yoshida4], ids=lambda step: step.name)
def test_split_steps_with_opposite_dt_undo_themselves(step):
    flow = jax.jit(lambda phase, dt: step(SPLIT, 0.0, phase, dt))
    first = jax.tree.map(lambda x: x[0], start().phase)
    phase = first
    for dt in (20.0, 40.0, 30.0, -30.0, -40.0, -20.0):  # coarse: not by accuracy but by symmetry
        phase = flow(phase, dt)
    # a dozen kicks and drifts, each rounding r ~ 100 Å and k ~ 1/A
    np.testing.assert_allclose(phase.position, first.position, atol=1e-11)
    np.testing.assert_allclose(phase.wavevector, first.wavevector, atol=1e-13)


# -- magnetic orbits --------------------------------------------------------------------------------------------------------


def test_orbits_in_a_magnetic_field_close_and_real_space_shows_them_turned():
    magnetic = 300.0  # a turn takes about 900 fs
    dynamics = sj.Dynamics(ELECTRON, fields.uniform([0.0, 0.0], magnetic))
    begin = start()
    carriers, path = begin, []
    for _ in range(200):
        path.append(carriers)
        carriers = after(dynamics, sj.dop8, 5.0, 1, carriers)
    k, r = (np.array([getattr(c.phase, name) for c in path]) for name in ("wavevector", "position"))
    # ħ dk/dt = q dr/dt × B: any Runge-Kutta step keeps ħk − q r × B to rounding
    b = -magnetic * units.TESLA_INTERNAL / units.HBAR
    turned = b * np.stack([r[..., 1] - r[0, :, 1], -(r[..., 0] - r[0, :, 0])], axis=-1)
    np.testing.assert_allclose(k - k[0], turned, atol=1e-13)
    energy = np.asarray(jax.vmap(jax.vmap(BAND))(jnp.asarray(k)))
    np.testing.assert_allclose(energy, np.broadcast_to(energy[0], energy.shape), atol=1e-13)
    for i in range(4):
        # about the bottom of the band, k = 0; a period later the carrier is back where it was
        period = orbit_period(5.0 * np.arange(200), k[:, i])
        back = reduced(after(dynamics, sj.dop8, period, 16))[i]
        np.testing.assert_allclose(back, reduced(begin)[i], atol=1e-8)


# -- work -------------------------------------------------------------------------------------------------------------------


def power(dynamics, t, carrier):
    """q E·dr/dt, eV/fs."""
    electric = dynamics.at(t, carrier.phase.position).electric
    return dynamics.species.charge * jnp.sum(electric * observables.velocity(dynamics, t, carrier))


def test_only_the_electric_field_works_and_the_energy_balances():
    field = fields.pulse([3e-3, 1e-3], 8.0, 60.0, 100.0, chirp=1e-4) + fields.uniform([5e-4, 0.0], 60.0)
    record = {"energy": observables.sum(observables.energy), "power": observables.sum(power)}
    run = sj.simulate(sj.Dynamics(ELECTRON, field), start(), duration=200.0, dt=0.2, record=record).check()
    energy, rate = (np.asarray(run.frames[name]) for name in ("energy", "power"))
    gained = [simpson(rate[: f + 1], x=np.asarray(run.time[: f + 1])) for f in (500, 1000)]
    # Simpson's rule and RK4 err by (ω dt)⁴/180 of what the pulse moves, ω = 0.1 to 0.3 rad/fs: (0.06)⁴/180 = 7e-8 of 0.5 eV
    assert np.ptp(energy) > 0.1
    np.testing.assert_allclose(energy[[500, 1000]] - energy[0], gained, atol=1e-7)


def test_the_certificate_compares_the_energy_with_a_scale_where_the_velocity_stands_across_k():
    # k = (0.1, 0) in a valley at (0.1, 0.05): v along −y, so v·k = 0 in every component though the carrier moves
    dynamics = sj.Dynamics(sj.electron(bands.ellipsoidal([0.2, 0.2], center=[0.1, 0.05])))
    carrier = sj.Carriers(sj.Phase(jnp.zeros((1, 2)), jnp.array([[0.1, 0.0]])))
    value, scale = certify.invariants(dynamics, 0.0, jax.tree.map(lambda x: x[0], carrier), False)["energy"]
    assert float(value) > 0
    # ħ|v||k| is twice the kinetic energy, times |k| over the distance from the valley
    np.testing.assert_allclose(scale, 2 * value * 0.1 / 0.05, rtol=1e-12)


# -- gauge ------------------------------------------------------------------------------------------------------------------


def test_a_vector_potential_and_its_electric_field_do_the_same():
    times = np.linspace(0.0, 400.0, 801)
    s = (times - 200.0) / 40.0
    potential = 0.3 * np.exp(-(s**2)) * np.cos(0.08 * (times - 200.0))  # V fs/Å
    electric = 0.3 * np.exp(-(s**2)) * (2 * s / 40.0 * np.cos(0.08 * (times - 200.0)) + 0.08 * np.sin(0.08 * (times - 200.0)))
    electron = sj.electron(bands.cosine(0.4, 5.0))
    record = {"k": observables.mean(observables.wavevector), "x": observables.mean(observables.position)}
    runs = [
        sj.simulate(sj.Dynamics(electron, field), sj.at_k([0.1]), duration=400.0, dt=0.5, record=record).check()
        for field in (fields.tabulated(times, vector_potential=potential), fields.tabulated(times, electric=electric))
    ]
    # ħΔk = −q ΔA = +ΔA. With a step from knot to knot RK4 integrates the pieces of −dA/dt, parabolas, exactly; those of E's
    # spline err by (ω h)⁴/384 of the field, ω h = 0.1 · 0.5.
    displaced = (potential - potential[0])[:, None] / units.HBAR
    for run, tolerance in zip(runs, (1e-13, 1e-7)):
        np.testing.assert_allclose(np.asarray(run.frames["k"]) - 0.1, displaced, atol=tolerance * np.abs(displaced).max() * 10)
    # and the way is that of the shifted wavevector through the band: dx/dt = (Δd/2ħ) sin(k d), whose phase turns by 0.23 rad/fs
    # at most, so that Simpson's rule errs by (0.12)⁴/180 = 1e-6 there
    speed = 0.4 * 5.0 / (2 * units.HBAR) * np.sin(5.0 * (0.1 + displaced[:, 0]))
    way = simpson(speed, x=times)
    for run in runs:
        np.testing.assert_allclose(float(run.frames["x"][-1, 0]), way, atol=1e-6 * np.abs(speed).max() * 400.0)


# -- what does not depend on the carriers' number of turns ------------------------------------------------------------------


def test_a_carrier_shifted_by_a_reciprocal_vector_moves_the_same_way():
    shift = np.array([2, -3]) @ np.asarray(BAND.reciprocal)
    shifted = replace(start(), phase=replace(start().phase, wavevector=start().phase.wavevector + jnp.asarray(shift)[None]))
    here, there = after(FORWARD, sj.dop8, 640.0, 4), after(FORWARD, sj.dop8, 640.0, 4, shifted)
    # phases up to 3 · 2π round by 2e-15, which the orbits amplify by less than 1e3
    np.testing.assert_allclose(there.phase.position, here.phase.position, atol=1e-11)
    np.testing.assert_allclose(np.asarray(there.phase.wavevector) - shift, here.phase.wavevector, atol=1e-12)
