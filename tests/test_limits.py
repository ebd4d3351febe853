"""Where the picture of one band ends: tunnelling and magnetic breakdown against exact two-level motion, Landau quanta, warnings."""

import math
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import semijax as sj
from semijax import bands, fields, interband, limits
from semijax.probes import one_band
from semijax.units import HBAR, HBAR2_M0, M0, TESLA_INTERNAL

GAP, HBAR_V = 0.05, 3.5  # eV, eV Å


def dirac(params, k):
    """ħv(kx σx + ky σy) + Δσz."""
    x, y = params["hbar_v"] * k
    half = params["gap"] / 2 * jnp.ones_like(x)
    return jax.lax.complex(jnp.array([[half, x], [x, -half]]), jnp.array([[0 * y, -y], [y, 0 * y]]))


def nearly_free(params, k):
    """Two plane waves, k and k − G along x, that a potential V mixes."""
    x, y = k
    low, high = (HBAR2_M0 / 2 * ((x - g) ** 2 + y * y) for g in (0.0, params["G"]))
    return jnp.array([[low, params["V"]], [params["V"], high]])


def left_band(matrix, path, duration, index):
    """The probability that a state of band `index` of matrix(k) is in another one after k has gone along path(t) for `duration` fs."""

    def at(t):
        return np.asarray(matrix(path(t)))

    start = np.linalg.eigh(at(0.0))[1][:, index].astype(complex)
    # phases of 1e3 radians: what is asked for is kept to some 1e-7
    done = solve_ivp(lambda t, u: -1j / HBAR * (at(t) @ u), (0.0, duration), start, method="DOP853", rtol=1e-9, atol=1e-10)
    return 1 - abs(np.vdot(np.linalg.eigh(at(duration))[1][:, index], done.y[:, -1])) ** 2


def along_x(band, force, start, duration, **more):
    """Limits of one electron that E pushes along x with `force` eV/Å."""
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform([-force, 0.0]))
    return one_band.limits(dynamics, sj.at_k(start), duration=duration, **more)


@jax.jit
def mixing_of(band, k, force, reach):
    """η and gap of one force, the nearest within `reach` fs."""
    return interband.adiabaticity(band.neighbours(band.params, k), [force], reach)[0]


# -- tunnelling --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("aside", [0.0, 0.004])
def test_zener_tunnelling_through_a_dirac_gap_is_exact(aside):
    force, far = 3e-4, 0.3  # h/gap = 40 at the ends
    duration = 2 * far * HBAR / force
    found = along_x(bands.massive_dirac(GAP, HBAR_V), force, [-far, aside], duration).zener
    gap = 2 * math.hypot(GAP / 2, HBAR_V * aside)
    assert found.gap == pytest.approx(gap, rel=1e-9)
    # Landau and Zener: gap² = gap_min² + (2ħv F t/ħ)²
    assert found.field == pytest.approx(force, rel=1e-12)
    assert found.scale == pytest.approx(math.pi * gap**2 / (4 * HBAR_V), rel=1e-9)
    assert found.probability == pytest.approx(math.exp(-found.scale / force), rel=1e-9)
    assert found.mean == found.probability  # of one carrier

    def matrix(k):
        x, y = HBAR_V * k
        return np.array([[GAP / 2, x - 1j * y], [x + 1j * y, -GAP / 2]])

    exact = left_band(matrix, lambda t: np.array([-far + force * t / HBAR, aside]), duration, 1)
    # beside the ends of the way the states are mixed by η ~ 1e-5: amplitudes interfere with √P
    assert found.probability == pytest.approx(exact, abs=3e-4)
    assert 0.02 < exact < 0.3


def test_where_the_gap_is_smallest_is_found_between_coarse_steps():
    band = bands.massive_dirac(GAP, HBAR_V)
    duration = 0.6 * HBAR / 3e-4
    fine = along_x(band, 3e-4, [-0.3, 0.004], duration).zener
    # without a lattice nothing sets a time step; the smallest gap lies between two points
    coarse = along_x(band, 3e-4, [-0.31234, 0.004], duration, dt=math.inf).zener
    assert coarse.probability == pytest.approx(fine.probability, rel=1e-9)
    # nowhere near on the way: the adiabaticity falls as the cube of the gap
    away = along_x(band, 3e-4, [-0.3, 0.004], duration / 4).zener
    gap = 2 * math.hypot(GAP / 2, HBAR_V * 0.004)
    nearest = math.hypot(gap, 2 * HBAR_V * (0.3 - 0.15 - 0.15 / 64))
    assert away.gap == pytest.approx(nearest, rel=1e-6)
    assert away.adiabaticity == pytest.approx(HBAR_V * 3e-4 * gap / nearest**3, rel=1e-5)


@pytest.mark.parametrize("index", [0, 1])
def test_a_matrix_knows_what_the_closed_form_knows(index):
    band = bands.bloch(dirac, {"gap": GAP, "hbar_v": HBAR_V}, index, dimension=2)
    closed = bands.massive_dirac(GAP, HBAR_V, sign=2 * index - 1)
    k, force = jnp.array([0.011, -0.004]), jnp.array([2e-4, 1e-4])
    for one, other in ((band, closed), (sj.hole(band).band, sj.hole(closed).band)):
        both = [mixing_of(x, k, force, 30.0) for x in (one, other)]
        np.testing.assert_allclose(both[0], both[1], rtol=1e-10)


def test_a_chain_of_alternating_bonds_tunnels_at_the_zone_boundary():
    intra, inter, period, force = 1.0, 0.9, 4.0, 0.004
    h = bands.models.ssh(intra, inter, period)
    band, duration = bands.bloch(h, index=0), 2 * math.pi / period * HBAR / force
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform([-force]))
    found = one_band.limits(dynamics, sj.at_k([0.0]), duration=duration).zener
    assert found.gap == pytest.approx(2 * (intra - inter), rel=1e-3)
    assert abs(found.wavevector[0]) * period == pytest.approx(math.pi, abs=2 * math.pi / 8 / 2)  # within half of a coarse step

    def matrix(k):
        phase = k[0] * period / 2
        value = intra * np.exp(1j * phase) + inter * np.exp(-1j * phase)
        return np.array([[0, value], [np.conj(value), 0]])

    exact = left_band(matrix, lambda t: np.array([force * t / HBAR]), duration, 0)
    # cos instead of a straight line: the next order is (gap/width)² = 3e-3 of the exponent, 2; the ends at k = 0 mix η = 1e-4
    assert found.probability == pytest.approx(exact, rel=0.02)
    assert 0.01 < exact < 0.5


# -- magnetic breakdown --------------------------------------------------------------------------------------------------------------


def test_magnetic_breakdown_between_nearly_free_electrons_is_blounts():
    V, G, ky, tesla = 0.1, 1.6, 0.9, 30.0
    band = bands.bloch(nearly_free, {"V": V, "G": G}, 0, dimension=2, curvature=False, moment=False)
    vx, vy = HBAR / M0 * G / 2, HBAR / M0 * ky
    blount = math.pi * (2 * V) ** 2 / (4 * HBAR * vx * vy * TESLA_INTERNAL)
    assert 20 < blount < 400
    rate = TESLA_INTERNAL * tesla * vy / HBAR  # of kx; an electron in B > 0 along z turns anticlockwise
    far, side = 0.15, -1.0
    duration = 2 * far / rate
    start = [G / 2 - side * far, ky]
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform(magnetic=tesla))
    assert np.sign(float(dynamics(0.0, sj.Phase(jnp.zeros(2), jnp.asarray(start))).wavevector[0])) == side
    found = one_band.limits(dynamics, sj.at_k(start), duration=duration, dt=duration / 200)
    assert found.zener.probability == 0
    # on its way from the corner ky grows by what the carrier has of vx: (far/ky) V/… of it
    assert found.breakdown.gap == pytest.approx(2 * V, rel=1e-6)
    assert found.breakdown.field == tesla
    assert found.breakdown.scale == pytest.approx(blount * ky / _ky_at_the_plane(band, dynamics, start, duration), rel=1e-3)
    assert found.breakdown.probability == pytest.approx(math.exp(-found.breakdown.scale / tesla), rel=1e-6)

    def matrix(k):
        low, high = (HBAR2_M0 / 2 * ((k[0] - g) ** 2 + k[1] ** 2) for g in (0.0, G))
        return np.array([[low, V], [V, high]])

    vy = HBAR / M0 * found.breakdown.wavevector[1]
    through = TESLA_INTERNAL * tesla * vy / HBAR
    exact = left_band(matrix, lambda t: np.array([start[0] + side * through * t, ky]), 2 * far / through, 0)
    # the ends, gap = 1 eV, mix η ~ 1e-4
    assert found.breakdown.probability == pytest.approx(exact, rel=0.02)


def _ky_at_the_plane(band, dynamics, start, duration):
    run = solve_ivp(
        lambda t, k: np.asarray(_RATE(dynamics, jnp.asarray(k))),
        (0.0, duration),
        start,
        rtol=1e-6,  # of numbers near one, asked for to 1e-3
        atol=1e-7,
        events=lambda t, k: k[0] - band.params["G"] / 2,
    )
    return run.y_events[0][0][1]


_RATE = jax.jit(lambda dynamics, k: dynamics(0.0, sj.Phase(jnp.zeros(2), k)).wavevector)


# -- neighbours of many bands ----------------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(8)
HOPPING = RNG.normal(size=(3, 4, 4)) + 1j * RNG.normal(size=(3, 4, 4))


def chain(params, k):
    """H0 + H1 exp(ik·a) + H2 exp(ik·b) and their adjoints."""
    whole = params["H"][0]
    for matrix, phase in zip(params["H"][1:], k, strict=True):
        whole = whole + matrix * jax.lax.complex(jnp.cos(phase), jnp.sin(phase))
    return whole + whole.conj().T


def test_gaps_and_mixing_are_those_of_the_eigenvectors():
    k, way, step = np.array([0.3, -0.7]), np.array([0.6, 0.8]), 1e-5
    before, here, after = (
        np.linalg.eigh(np.asarray(chain({"H": jnp.asarray(HOPPING)}, jnp.asarray(k + s * way)))) for s in (-step, 0, step)
    )
    for n in range(4):
        band = bands.bloch(chain, {"H": HOPPING}, n, np.eye(2))
        found = jax.jit(band.neighbours)(band.params, jnp.asarray(k))
        others = [m for m in range(4) if m != n]
        gaps = [abs(e[0][others] - e[0][n]) for e in (before, here, after)]
        np.testing.assert_allclose(found.gap[jnp.array(others)], gaps[1], rtol=1e-12)
        assert np.isinf(found.gap[n])
        # central differences of second order: 1e-10 of numbers of order ten, and rounding 1e-15/1e-5
        slope = np.asarray(found.slope)[others] @ way
        np.testing.assert_allclose(slope, (gaps[2] - gaps[0]) / (2 * step), rtol=1e-7, atol=1e-7)
        mixing = np.linalg.norm(np.asarray(found.turn)[others] @ way, axis=1) / (2 * gaps[1])
        overlap = [abs(np.vdot(here[1][:, m], after[1][:, n])) / step for m in others]
        np.testing.assert_allclose(mixing, overlap, rtol=1e-3)  # first order in the step


def test_kramers_pairs_are_one_neighbour_and_no_partner_of_their_own():
    material = bands.materials.GaAs
    h = bands.models.kane(material.gap, material.split_off, material.kane_energy, material.gamma, material.mass)
    found = [bands.bloch(h, index=i) for i in (6, 7)]
    k, force = jnp.array([0.02, 0.01, -0.03]), jnp.array([1e-3, 2e-3, -1e-3])
    one, other = (mixing_of(b, k, force, 0.0) for b in found)
    assert interband.count_of_neighbours(found[0], 3) == 4
    assert one.adiabaticity > 0
    np.testing.assert_allclose(one, other, rtol=1e-9)


def test_bands_that_touch_do_not_count():
    band = bands.bloch(dirac, {"gap": 0.0, "hbar_v": HBAR_V}, 1, dimension=2)
    mixing = mixing_of(band, jnp.zeros(2), jnp.array([1e-3, 0.0]), 1.0)
    assert (float(mixing.adiabaticity), float(mixing.gap)) == (0.0, math.inf)
    # a carrier on its way through the point where they touch is sure to change
    through = along_x(band, 1e-3, [-0.05123, 0.0], 0.1 * HBAR / 1e-3).zener
    assert through.probability == pytest.approx(1.0, abs=1e-6)


# -- Landau quanta -----------------------------------------------------------------------------------------------------------------------


def test_quanta_of_a_free_electron_and_of_a_cone():
    tesla, mass = 7.0, 0.067
    field = fields.uniform(magnetic=tesla)
    band = bands.parabolic(mass, dimension=2)
    free = one_band.limits(sj.Dynamics(sj.electron(band), field), sj.at_k([0.03, 0.01]))
    assert (free.zener, free.breakdown, free.quantum.of_gap) == (None, None, 0.0)
    assert free.quantum.mean == pytest.approx(HBAR * TESLA_INTERNAL * tesla / (mass * M0), rel=1e-12)
    assert free.quantum.kinetic == pytest.approx(float(band(jnp.array([0.03, 0.01]))), rel=1e-12)
    assert "not known" in free.text[0]
    assert free.excess == ()
    cone = bands.massive_dirac(GAP, HBAR_V)
    k = jnp.array([0.03, 0.01])
    found = one_band.limits(sj.Dynamics(sj.electron(cone), field), sj.at_k(k)).quantum
    # ω_c = eBv²/E
    quantum = TESLA_INTERNAL * tesla * HBAR_V**2 / HBAR / float(cone(k))
    assert found.mean == pytest.approx(quantum, rel=1e-12)
    assert found.of_gap == pytest.approx(quantum / (2 * float(cone(k))), rel=1e-12)
    at_rest = one_band.limits(sj.Dynamics(sj.electron(cone), field), sj.at_k([0.0, 0.0])).quantum
    assert at_rest.of_gap == pytest.approx(TESLA_INTERNAL * tesla * HBAR_V**2 / HBAR / (GAP / 2) / GAP, rel=1e-12)
    assert at_rest.kinetic == 0


def test_the_mean_turning_of_an_ellipsoid_over_an_orbit_is_its_cyclotron_frequency():
    masses, tesla = np.array([0.2, 0.9, 0.4]), np.array([3.0, -1.0, 2.0])
    band = bands.ellipsoidal(masses)
    axis = tesla / np.linalg.norm(tesla)
    omega = TESLA_INTERNAL * np.linalg.norm(tesla) / M0 * math.sqrt((axis**2 * masses).sum() / masses.prod())
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform(magnetic=tesla))
    steps = 400
    found = one_band.limits(dynamics, sj.at_k([0.02, 0.03, 0.01]), duration=2 * math.pi / omega, dt=2 * math.pi / omega / steps)
    # a sum over a period is exact but for the last point, which is the first once more
    assert found.quantum.mean == pytest.approx(HBAR * omega, rel=3 / 80)


# -- what runs say -------------------------------------------------------------------------------------------------------------------------

STRONG, WEAK = fields.uniform([3e-4, 0.0]), fields.uniform([2e-6, 0.0])


def run(field, species=None, carriers=None, **more):
    species = sj.electron(bands.massive_dirac(GAP, HBAR_V)) if species is None else species
    carriers = sj.at_k([0.05, 0.002], 3) if carriers is None else carriers
    return sj.simulate(sj.Dynamics(species, field), carriers, duration=240.0, dt=4.0, every=20, **more)


def test_a_run_warns_of_tunnelling_once_with_number_carrier_and_place():
    result = run(STRONG)
    with pytest.warns(UserWarning, match=r"Zener tunnelling: P = exp\(−E₀/E\) = 0\.\d+ in a passage") as seen:
        result.check()
    assert len(seen) == 1
    said = str(seen[0].message)
    assert "\n" not in said
    strength = "E = 30 kV/cm, E₀ = "  # 3e-4 V/Å
    for words in (
        "semijax: beyond the picture of one band",
        strength,
        "carrier 0 near k = (",
        "gap 0.05",
        "above 0.001",
        "weaker fields",
    ):
        assert words in said
    # the second time nothing is compiled
    compiled = interband.followed._cache_size()
    with pytest.warns(UserWarning, match="Zener"):
        run(STRONG).check()
    assert interband.followed._cache_size() == compiled


def test_weak_fields_and_bands_without_neighbours_are_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(WEAK).check()
        free = run(STRONG, sj.electron(bands.parabolic(0.1, dimension=2)))
        free.check()
    assert free not in limits._runs


def test_quanta_beyond_the_gap_and_below_the_motion_are_named():
    with pytest.warns(UserWarning, match="ħω_c is 0.\\d+ of the gap .above 0.1.") as seen:
        run(fields.uniform(magnetic=2.0), carriers=sj.at_k([0.001, 0.002], 3)).check()
    assert "exceeds the kinetic energy across B" in str(seen[0].message)


@pytest.mark.slow
def test_where_the_carriers_ended_is_looked_at_too():
    # a pulse that comes after the first collision time: only the carriers at the end tell
    late = fields.pulse([2e-3, 0.0], 0.0, 20.0, 239.0)
    step = sj.with_relaxation(sj.rk4, 20.0, 2.0)
    with pytest.warns(UserWarning, match="at 240 fs"):
        run(late, carriers=sj.at_k([0.0, 0.0], 8), step=step).check()


@pytest.mark.slow
def test_pairs_are_named_and_single_precision_is_kept():
    band = bands.massive_dirac(GAP, HBAR_V)
    dynamics = {"electron": sj.Dynamics(sj.electron(band), STRONG), "hole": sj.Dynamics(sj.hole(-band), STRONG)}
    pairs = sj.pairs(sj.at_k(jnp.array([0.05, 0.002], jnp.float32), 2))
    result = sj.simulate(dynamics, pairs, duration=240.0, dt=4.0, every=60)
    with pytest.warns(UserWarning, match="electron: Zener"):
        result.check()
    found = one_band.limits(dynamics, pairs, duration=240.0)
    exact = one_band.limits(dynamics, jax.tree.map(lambda x: x.astype(jnp.float64), pairs), duration=240.0)
    # numbers of order one with seven digits, in an exponent of 3
    assert found["electron"].zener.probability == pytest.approx(exact["electron"].zener.probability, rel=1e-4)


def test_a_run_inside_jit_has_nothing_to_look_at():
    band = bands.massive_dirac(GAP, HBAR_V)

    @jax.jit
    def inside(strength):
        dynamics = sj.Dynamics(sj.electron(band), fields.uniform(strength * jnp.array([1.0, 0.0])))
        return sj.simulate(dynamics, sj.at_k([0.05, 0.002], 3), duration=240.0, dt=4.0, every=60)

    inside(3e-4).check()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: along_x(bands.massive_dirac(GAP, HBAR_V), 1e-4, [0.1, 0.0], -1.0), "limits: duration = -1.0: allowed is"),
        (
            lambda: jax.jit(lambda f: along_x(bands.massive_dirac(GAP, HBAR_V), f, [0.1, 0.0], 1.0))(1e-4),
            "limits: the values are traced: allowed outside jit",
        ),
    ],
)
def test_mistakes_are_named(call, words):
    with pytest.raises(sj.SemijaxError, match=words):
        call()
