"""The suggested time step follows the fastest motion there is, and a step that cannot resolve it is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import semijax as sj
from semijax import bands, fields, timestep, units

A, FIELD = 5.0, 1e-3  # Å, V/Å
PERIOD = units.PLANCK / (FIELD * A)


def suggested(band, electric, dtype=jnp.float64, **more):
    carriers = sj.at_k(jnp.full(len(electric), 0.03, dtype))
    return sj.suggest_dt(sj.Dynamics(sj.electron(band), fields.uniform(electric, **more)), carriers)


def chain(hoppings, **more):
    return bands.tight_binding({(n * A,): t for n, t in hoppings.items()}, lattice=[[A]], **more)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_a_cosine_takes_a_fortieth_of_its_bloch_period(dtype):
    # the constant energy, 1e4 times the hopping, leaves rounding that must not pass for harmonics
    for band in (chain({1: -1e-3}, onsite=10.0), bands.cosine(1.0, A)):
        assert suggested(band, [FIELD], dtype) == pytest.approx(PERIOD / 40, rel=1e-6)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_a_hopping_over_three_cells_is_three_times_as_fast(dtype):
    assert suggested(chain({3: -1.0}), [FIELD], dtype) == pytest.approx(PERIOD / 120, rel=1e-5)
    # weights |R t| of 2 and 3 with powers 1 and 81
    mixed = ((2 + 3 * 81) / 5) ** 0.25
    assert suggested(chain({1: -2.0, 3: -1.0}), [FIELD], dtype) == pytest.approx(PERIOD / (40 * mixed), rel=1e-5)


def test_a_diagonal_hopping_in_a_tilted_field():
    square = bands.tight_binding({(A, A): -1.0}, lattice=np.eye(2) * A)
    assert suggested(square, [FIELD, FIELD]) == pytest.approx(PERIOD / 80, rel=1e-6)
    # along the other diagonal it does not move; then the lattice vectors set the step
    assert suggested(square, [FIELD, -FIELD]) == pytest.approx(PERIOD / 40, rel=1e-6)


def test_far_hoppings_are_followed_as_well_as_near_ones():
    # x of a hopping over n cells: (t/F)(cos nka − cos n(ka − Fat/ħ)) and Simpson's error 2e-7 of its swing per radian or less
    for hoppings in ({1: -0.1}, {3: -0.1}, {1: -0.1, 3: -0.05}):
        dynamics = sj.Dynamics(sj.electron(chain(hoppings)), fields.uniform([FIELD]))
        result = sj.simulate(dynamics, sj.at_k([0.03]), duration=2.3 * PERIOD)
        turned = np.array([0.03 * A, 0.03 * A - 2 * np.pi * 2.3])
        exact = sum(t / FIELD * -np.subtract(*np.cos(n * turned)[::-1]) for n, t in hoppings.items())
        assert abs(float(result.final.phase.position[0, 0]) - exact) < 4e-7 * 2 * 0.15 / FIELD


def test_free_directions_and_odd_bands_leave_the_bloch_period():
    period = units.PLANCK / (1e-4 * 114.0)
    assert suggested(bands.superlattice(0.018, 114.0, 0.067), [0.0, 0.0, 1e-4]) == pytest.approx(period / 40, rel=1e-6)
    constant = sj.Band(lambda p, k: 0.0 * k[0], lattice=[[A]])
    infinite = sj.Band(lambda p, k: jnp.log(jnp.abs(jnp.sin(k[0] * A))), lattice=[[A]])
    for band in (constant, infinite):
        assert suggested(band, [FIELD]) <= PERIOD / 40 * (1 + 1e-6)
    assert suggested(bands.parabolic(0.1, dimension=1), [FIELD]) == np.inf


def test_a_step_that_cannot_resolve_the_harmonics_is_refused():
    dynamics = sj.Dynamics(sj.electron(chain({3: -1.0})), fields.uniform([FIELD]))
    with pytest.raises(sj.SemijaxError, match="a quarter of the period of the band's harmonics, 275.7 fs.*suggested 6.89"):
        sj.simulate(dynamics, sj.at_k([0.0]), duration=PERIOD, dt=PERIOD / 10)


def test_traced_values_are_refused_in_words():
    def under_jit(strength):
        return sj.suggest_dt(sj.Dynamics(sj.electron(chain({1: -1.0})), fields.uniform(strength * jnp.ones(1))), sj.at_k([0.0]))

    with pytest.raises(sj.SemijaxError, match="suggest_dt: the values are traced"):
        jax.jit(under_jit)(FIELD)


def test_a_band_is_remembered_by_a_digest_of_its_numbers(monkeypatch):
    monkeypatch.setattr(timestep, "_remembered", {})
    table = {n: -1.0 / n**2 for n in range(1, 400)}
    dt = suggested(chain(table), [FIELD])
    (known,) = timestep._remembered
    assert sum(len(x) for x in known if isinstance(x, bytes)) == 32
    counted = []
    monkeypatch.setattr(timestep, "_on_mesh", lambda band, k, of=timestep._on_mesh: counted.append(1) or of(band, k))
    assert suggested(chain(table), [FIELD]) == dt
    assert not counted
    # another number in the last place is another band, and so are the same numbers in another shape
    assert suggested(chain(table | {399: np.nextafter(table[399], 1)}), [FIELD]) == pytest.approx(dt, rel=1e-9)
    assert len(counted) == 1
    same, other, turned = (timestep._fingerprint(x) for x in (np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((3, 2))))
    assert same == other != turned
    for i in range(2 * timestep._BANDS):
        suggested(chain({1: -1.0 - i}), [FIELD])
    assert len(timestep._remembered) == timestep._BANDS
