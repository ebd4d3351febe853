"""Campaigns that take minutes: statistics over many seeds, errors over long runs and many steps (pytest -m slow)."""

import math
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_lanes import FUNCTIONS, MATRIX

import semijax as sj
from semijax import bands, config, fields, observables
from semijax._pytree import replace
from semijax.cases import shipped
from semijax.run import run_case

pytestmark = pytest.mark.slow


def test_standard_errors_of_the_main_job_are_those_of_many_seeds(tmp_path):
    tables = config.read(shipped()["superlattice"])
    tables.pop("scan")
    tables = config.changed(tables, "run.carriers", 8192)
    deviations = []
    for seed in range(12):
        _, report = run_case(config.check(config.changed(tables, "run.seed", seed)), tmp_path / str(seed))
        assert report.holds
        deviations.append([row.deviation for row in report.rows if row.deviation is not None])
    deviations = np.array(deviations)
    assert deviations.shape == (12, 13)
    # each row: a mean of 0 to 1/√12, a mean square of 1 to √(2/12); the 13 rows are correlated, so all are judged at 4 of these
    assert np.abs(deviations.mean(0)).max() < 4 / math.sqrt(12)
    assert np.square(deviations).mean(0).max() < 1 + 4 * math.sqrt(2 / 12)
    # the errors are not too wide either: all 156 numbers, as if only a third of them were independent
    assert np.square(deviations).mean() > 1 - 4 * math.sqrt(2 / 52)


def warped(n):
    """Heavy holes of germanium around 0.37 1/nm in crossed fields; no orbit comes near k = 0, where the band has a cusp."""
    rng = np.random.default_rng(4)
    k = np.array([0.02, 0.01, 0.03]) + 0.002 * rng.normal(size=(n, 3))
    field = fields.uniform([5e-6, 0.0, 2e-7], [0.0, 0.0, 2.0])
    return sj.Dynamics(sj.hole(bands.warped(13.38, 8.48, 13.15)), field), sj.Carriers(sj.Phase(jnp.zeros((n, 3)), jnp.asarray(k)))


@pytest.mark.filterwarnings("ignore:semijax. runs as plain JAX, slower. a step of")  # the reference, dop8 with its volume
@pytest.mark.parametrize("step", [sj.heun, sj.rk4], ids=["heun", "rk4"])
def test_volume_and_path_converge_at_the_order_of_the_step(step):
    dynamics, carriers = warped(256)
    duration, steps = 12_000.0, np.array([480, 960, 1920, 3840])

    def after(step, n):
        result = sj.simulate(dynamics, carriers, duration=duration, dt=duration / n, every=n, step=sj.with_volume(step))
        return np.asarray(result.final.phase.wavevector), np.asarray(result.final.log_volume)

    exact, volume = after(sj.dop8, 3840)
    assert np.abs(volume).max() < 1e-13  # the flow keeps it; what is left is rounding of 3840 steps
    found = [after(step, int(n)) for n in steps]
    errors = [np.abs(k - exact).max() for k, _ in found]
    losses = [np.abs(v).mean() for _, v in found]
    # Both fall as a term of dt^p with a small coefficient, as orbits that close undo most of it, and one of dt^(p+1): a power
    # between the two. That of the volume has no p-th term where p is even and the motion harmonic.
    for values in (errors, losses):
        power = -np.polyfit(np.log(steps), np.log(values), 1)[0]
        assert step.order - 0.2 < power < step.order + 1.1


def test_a_symplectic_step_keeps_energy_over_a_million_steps_in_float32():
    def hills(r):
        return 0.01 * jnp.sin(r[0] / 40.0) * jnp.cos(r[1] / 50.0)

    n, dt, blocks = 64, 1.0, 10
    dynamics = sj.Dynamics(sj.electron(bands.parabolic(0.067, dimension=2)), fields.potential(hills))
    rng = np.random.default_rng(5)
    # near a maximum of φ, where electrons are caught: 10 meV deep to the saddles
    r, k = np.array([20 * np.pi, 0.0]) + rng.normal(size=(n, 2)) * 5, rng.normal(size=(n, 2)) * 2e-3
    start = sj.Carriers(sj.Phase(jnp.asarray(r, jnp.float32), jnp.asarray(k, jnp.float32)))

    @jax.jit
    def energies(carriers):
        wide = jax.tree.map(lambda x: x.astype(jnp.float64), carriers.phase)
        return jax.vmap(lambda p: dynamics.total_energy(0.0, p))(wide)

    first, carriers, drifts = energies(start), start, []
    for _ in range(blocks):
        run = sj.simulate(dynamics, carriers, duration=1e5 * dt, dt=dt, every=100_000, step=sj.leapfrog, compensated=True).check()
        carriers = replace(run.final, residual=None)
        drifts.append(float(np.abs(np.asarray(energies(carriers) - first)).max()))
    # leapfrog's energy swings by (ω dt)²/8 of at most 10 meV, ω = 0.04 1/fs: 2e-6 eV however long, and does not wander off
    assert max(drifts) < 2e-6
    assert drifts[-1] < 3 * np.median(drifts)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_whatever_people_write_runs_in_the_engine(monkeypatch, name):
    """As an observable and in E(k), with lanes and as plain JAX: the same numbers, and no program the compiler gives up on."""

    def look(dynamics, t, carrier):
        found = FUNCTIONS[name](MATRIX, carrier.phase.wavevector, t)
        return sum(jnp.sum(jnp.abs(x).astype(jnp.float64)) for x in jax.tree.leaves(found))

    def energy(p, k):
        found = FUNCTIONS[name](p, k, jnp.asarray(0.3))
        if name == "while":  # which has no gradient
            return 0.5 * jnp.sum(k * k)
        return 1e-3 * sum(jnp.sum(jnp.tanh(jnp.real(x).astype(jnp.float64))) for x in jax.tree.leaves(found)) + 0.5 * jnp.sum(
            k * k
        )

    found = {}
    for engine in ("lanes", "plain"):
        monkeypatch.setenv("SEMIJAX_ENGINE", engine)
        with jax.numpy_dtype_promotion("standard"), warnings.catch_warnings():  # users mix dtypes; what stays vmapped is said
            warnings.simplefilter("ignore")
            dynamics = sj.Dynamics(sj.electron(sj.Band(energy, MATRIX, dimension=3)), fields.uniform([1e-3, 2e-3, 0.0]))
            carriers = sj.Carriers(
                sj.Phase(jnp.zeros((300, 3)), 0.3 * jnp.asarray(np.random.default_rng(1).normal(size=(300, 3))))
            )
            result = sj.simulate(dynamics, carriers, duration=0.2, dt=0.02, every=5, record={"look": observables.mean(look)})
        found[engine] = (result.frames["look"], result.final.phase.wavevector)
    for a, b in zip(*found.values(), strict=True):
        # 10 steps and 300 carriers of some hundred roundings; derivatives amplify them where a function is steep
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * float(jnp.abs(b).max()))
