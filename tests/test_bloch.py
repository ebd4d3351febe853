"""bands.bloch: derivatives of every order against closed forms and differences, curvature and moment, and where bands touch."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from problems import over

import semijax as sj
from semijax import bands
from semijax.bands.hamiltonian import Pair
from semijax.units import HBAR, HBAR2_M0

RNG = np.random.default_rng(4)
POINTS = RNG.uniform(-1.0, 1.0, (5, 2))


def dirac(params, k):
    """ħv(kx σx + ky σy) + Δσz."""
    x, y = params["hbar_v"] * k
    half = params["gap"] / 2 * jnp.ones_like(x)
    return jax.lax.complex(jnp.array([[half, x], [x, -half]]), jnp.array([[0 * y, -y], [y, 0 * y]]))


def chain(params, k):
    """A general Hermitian 4 × 4: H0 + H1 exp(ik·a) + H2 exp(ik·b) and their adjoints."""
    whole = params["H"][0]
    for matrix, phase in zip(params["H"][1:], k, strict=True):
        whole = whole + matrix * jax.lax.complex(jnp.cos(phase), jnp.sin(phase))
    return whole + whole.conj().T


HOPPING = RNG.normal(size=(3, 4, 4)) + 1j * RNG.normal(size=(3, 4, 4))
MASSIVE = {"gap": 1.66, "hbar_v": 3.51}


def of_chain(index, **how):
    return bands.bloch(chain, {"H": HOPPING}, index, np.eye(2), **how)


# -- closed forms and derivatives ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_massive_dirac_matrix_is_the_closed_form(sign):
    band, known = (
        bands.bloch(dirac, MASSIVE, (sign + 1) // 2, dimension=2),
        bands.massive_dirac(MASSIVE["gap"], MASSIVE["hbar_v"], sign=sign),
    )
    for name in ("velocity", "inverse_mass", "berry_curvature", "orbital_moment"):
        found, expected = (over(getattr(b, name))(jnp.asarray(POINTS)) for b in (band, known))
        # of numbers up to 25 (Å²): hundreds of roundings
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12, err_msg=name)
    np.testing.assert_allclose(over(band)(jnp.asarray(POINTS)), over(known)(jnp.asarray(POINTS)), rtol=1e-14)


def test_energy_has_exact_derivatives_of_second_order_in_k_and_params():
    band = of_chain(1)

    energy = jax.jit(band.energy)
    # differences of second order with steps of 1e-4 are right to 1e-7 or so of numbers of order ten
    check_grads(energy, (band.params, jnp.asarray(POINTS[0])), order=2, modes=("fwd", "rev"), atol=1e-4, rtol=1e-4, eps=1e-4)


def test_curvature_and_moment_have_derivatives():
    band = of_chain(2)
    k = jnp.asarray(POINTS[1])
    check_grads(jax.jit(band.curvature), (band.params, k), order=1, modes=("fwd", "rev"), atol=1e-4, rtol=1e-4, eps=1e-5)
    check_grads(jax.jit(band.moment), (band.params, k), order=1, modes=("fwd", "rev"), atol=1e-4, rtol=1e-4, eps=1e-5)


def test_curvature_is_the_flux_through_a_small_loop():
    band, k, h = of_chain(1), POINTS[2], 1e-3
    corners = [k + h / 2 * np.array(c) for c in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    states = [np.linalg.eigh(np.asarray(chain({"H": jnp.asarray(HOPPING)}, jnp.asarray(c))))[1][:, 1] for c in corners]
    links = np.prod([np.vdot(a, b) for a, b in zip(states, [*states[1:], states[0]])])
    # A = i⟨u|∂u⟩: the loop's phase is −arg Π⟨u|u'⟩; a square of side h errs by h²/24 of the second derivative over the curvature
    assert abs(-np.angle(links) / h**2 / band.berry_curvature(jnp.asarray(k)) - 1) < 1e-4


def test_complex_params_are_pairs_with_real_derivatives():
    band = of_chain(0)
    assert isinstance(band.params["H"], Pair)
    slopes = jax.jit(jax.grad(band.energy))(band.params, jnp.asarray(POINTS[0]))
    assert slopes["H"].real.shape == HOPPING.shape
    # the trace of ∂E/∂H0 is that of 2|n⟩⟨n|
    assert abs(np.trace(slopes["H"].real[0]) - 2) < 1e-12


def test_float32_is_float64_within_its_rounding():
    single = jnp.asarray(POINTS, jnp.float32)
    for index in range(4):
        band = of_chain(index)
        exact, rounded = (over(lambda k, b=band: (b(k), b.velocity(k), b.berry_curvature(k)))(k) for k in (POINTS, single))
        for one, other in zip(exact, rounded):
            assert other.dtype == jnp.float32
            # gaps of 0.5 and more among energies up to 10: 1e2 roundings, times (10/0.5)² for the curvature
            np.testing.assert_allclose(other, one, rtol=5e-3, atol=5e-3)


# -- where bands touch -----------------------------------------------------------------------------------------------------------


def test_at_a_dirac_point_all_is_finite_and_velocity_is_the_groups_average():
    massless = {"gap": 0.0, "hbar_v": 3.51}
    for index in (0, 1):
        band = bands.bloch(dirac, massless, index, dimension=2)
        k = jnp.zeros(2)
        assert float(band.separation(k)) == 0.0
        for name in ("velocity", "inverse_mass", "berry_curvature", "orbital_moment"):
            np.testing.assert_array_equal(jax.jit(getattr(band, name))(k), 0.0)
        slopes = jax.jit(jax.jacfwd(band.berry_curvature))(k)
        assert np.isfinite(slopes).all()


def test_luttingers_bands_are_finite_at_the_top():
    h = bands.models.luttinger(bands.materials.GaAs.gamma)
    for index in range(4):
        band = bands.bloch(h, index=index)
        mass = jax.jit(band.inverse_mass)(jnp.zeros(3)) * HBAR**2 / HBAR2_M0
        # the average of heavy and light holes in any direction is γ1
        np.testing.assert_allclose(mass, -bands.materials.GaAs.gamma[0] * np.eye(3), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(band.velocity(jnp.zeros(3)), 0, atol=1e-12)


def test_kramers_pairs_are_no_touching_bands():
    band = bands.bloch(bands.models.luttinger(bands.materials.GaAs.gamma), index=2)
    k = jnp.array([0.02, 0.01, -0.03])
    distance, floor = band.gap(band.params, k)
    assert floor < distance
    np.testing.assert_allclose(distance, band(k) - bands.bloch(bands.models.luttinger(bands.materials.GaAs.gamma), index=1)(k))
    heavy = bands.warped(A=6.98, B=2 * 2.06, C=(12 * (2.93**2 - 2.06**2)) ** 0.5, kind="heavy")
    np.testing.assert_allclose(jax.jit(band.inverse_mass)(k), jax.jit(heavy.inverse_mass)(k), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(band(k), heavy(k), rtol=1e-12)


def test_a_hole_of_a_bloch_band_keeps_its_gap():
    band = bands.bloch(bands.models.haldane(), index=0)
    hole = sj.hole(band).band
    k = jnp.asarray(POINTS[0])
    assert float(hole.separation(k)) == float(band.separation(-k))
    assert np.isinf(bands.parabolic(1.0).separation(jnp.zeros(3)))


# -- refusals --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: of_chain(4), "index = 4: allowed are 0 to 3"),
        (lambda: of_chain(-1), "index = -1: allowed is a whole number"),
        (lambda: of_chain(0, floor=0.0), "floor = 0.0: allowed is a number > 0"),
        (lambda: bands.bloch(None, index=0), "hamiltonian = None: allowed is a function"),
        (lambda: bands.bloch(bands.models.haldane(), {"x": 1}, 0), "allowed is none, it has its own"),
        (
            lambda: bands.bloch(lambda p, k: jnp.array([[k[0], k[1]], [-k[1], k[0]]]), None, 0, dimension=2),
            "allowed is a Hermitian matrix",
        ),
        (lambda: bands.bloch(lambda p, k: k, None, 0, dimension=2), r"returns shape \(2,\).*allowed is a matrix"),
        (lambda: bands.bloch(dirac, MASSIVE, 0, dimension=2, multiplicity=0), "multiplicity = 0"),
    ],
)
def test_mistakes_are_named(call, words):
    with pytest.raises(sj.SemijaxError, match=words):
        call()


# -- runs ------------------------------------------------------------------------------------------------------------------------


def test_the_flow_keeps_energy_with_the_moment_in_it():
    band = bands.bloch(bands.models.haldane(2.7, 0.1, np.pi / 2, 0.2, 1.42), index=1)
    dynamics = sj.Dynamics(sj.electron(band), sj.fields.uniform(electric=[2e-4, 1e-4], magnetic=20.0))

    @jax.jit
    def rate(phase):
        change = dynamics(0.0, phase)
        return (
            jax.jvp(lambda z: dynamics.total_energy(0.0, z), (phase,), (change,))[1],
            change,
            band.orbital_moment(phase.wavevector),
        )

    slope, change, moment = rate(sj.Phase(jnp.zeros(2), jnp.array([1.6, 0.1])))
    assert abs(float(moment)) > 0.1
    # eE·v is balanced: rounding of terms of 1e-3 eV/fs
    assert abs(float(slope)) < 1e-15 + 1e-12 * float(jnp.abs(change.position).sum()) * 2e-4


@pytest.mark.filterwarnings("ignore:semijax. .*vmapped call:UserWarning", "ignore:semijax. runs as plain JAX:UserWarning")
@pytest.mark.slow
def test_a_run_in_electric_and_magnetic_fields_keeps_energy_and_phase_space(monkeypatch):
    monkeypatch.setenv("SEMIJAX_ENGINE", "plain")
    band = bands.bloch(bands.models.haldane(2.7, 0.1, np.pi / 2, 0.2, 1.42), index=1, moment=False)
    k = np.array([[0.3, 0.2], [1.6, 0.1], [0.0, -0.4]])
    dynamics = sj.Dynamics(sj.electron(band), sj.fields.uniform(electric=[2e-4, 1e-4], magnetic=20.0))
    result = sj.simulate(
        dynamics,
        sj.Carriers(sj.Phase(np.zeros_like(k), k)),
        duration=60.0,
        dt=1.0,
        every=30,
        step=sj.with_volume(sj.rk4),
        record={"energy": sj.observables.mean(sj.observables.total_energy)},
    )
    result.check(1e-8)
    assert abs(float(dynamics.log_measure(0.0, sj.Phase(jnp.zeros(2), jnp.asarray(k[1]))))) > 1e-5  # D is not one
    assert result.status.close["gap"].count == 0


@pytest.mark.filterwarnings("ignore:semijax. .*vmapped call:UserWarning", "ignore:semijax. runs as plain JAX:UserWarning")
@pytest.mark.parametrize("engine", ["plain", "kernels"])
def test_carriers_where_bands_touch_are_counted(monkeypatch, engine):
    monkeypatch.setenv("SEMIJAX_ENGINE", engine)
    band = bands.bloch(dirac, {"gap": 0.0, "hbar_v": 3.51}, 1, dimension=2, curvature=False, moment=False)
    k = np.array([[0.3, 0.0], [0.0, 0.0], [0.05, 0.0], [0.2, 0.0]])
    # a field that takes carrier 2 through the Dirac point: 50 fs of ħ dk/dt = −E
    field = sj.fields.uniform(electric=[0.05 * HBAR / 50, 0.0])
    carriers = sj.Carriers(sj.Phase(np.zeros_like(k), k))
    result = sj.simulate(sj.Dynamics(sj.electron(band), field), carriers, duration=100.0, dt=1.0, every=50)
    seen = result.status.close["gap"]
    # carrier 1 at the start, carrier 2 in the middle: k within 1e-16
    assert (int(seen.count), int(seen.carrier), int(seen.step), float(seen.gap)) == (2, 1, 0, 0.0)
    assert [float(x) for x in seen.wavevector] == [0.0, 0.0]
    assert np.isfinite(result.final.phase.position).all()
    with pytest.warns(UserWarning, match="gap below its floor 2 times .* first for carrier 1 at step 0"):
        result.check()
    assert sj.io.dataset.certificate(result.status)["close"]["gap"]["count"] == 2


def test_bands_without_neighbours_are_watched_as_before():
    carriers = sj.at_k([0.01, 0.0, 0.0], 3)
    dynamics = sj.Dynamics(sj.electron(bands.parabolic(0.067)), sj.fields.uniform(electric=[1e-4, 0, 0]))
    result = sj.simulate(dynamics, carriers, duration=10.0, dt=1.0)
    assert result.status.close == {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result.check()
