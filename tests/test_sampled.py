"""Tabulated bands: exact where they must be, of the order they claim, measured against copper, and fast in every engine."""

import itertools
import re
import sys
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import make_interp_spline

import semijax as sj
from semijax import bands, fields, observables
from semijax.bands import splines
from semijax.engine import over

RNG = np.random.default_rng(5)
OBLIQUE = np.array([[3.0, 0.2], [-1.0, 2.5]])
EPS = np.finfo(float).eps


def mesh(band_or_lattice, *sides):
    """Wavevectors [n_1 ... n_p d] of a mesh, Γ first."""
    reciprocal = 2 * np.pi * np.linalg.pinv(np.asarray(band_or_lattice)).T
    fractions = np.stack(np.meshgrid(*[np.arange(n) / n for n in sides], indexing="ij"), axis=-1)
    return fractions @ reciprocal


def table(band, *sides):
    """The band's energies on a mesh."""
    k = mesh(band.lattice, *sides)
    return np.asarray(jax.vmap(band)(jnp.asarray(k.reshape(-1, k.shape[-1])))).reshape(sides)


def derivatives(band, k):
    """(E [n], ∂E/∂k [n d], ∂²E/∂k∂k [n d d]) at k [n d], in the dtype of k, as float64."""
    found = jax.jit(jax.vmap(lambda k: (band(k), jax.grad(band)(k), jax.hessian(band)(k))))(jnp.asarray(k))
    return [np.array(x, np.float64) for x in found]


def lattice_sum(lattice, count, seed=3):
    """A smooth band without any symmetry but time reversal: `count` random hoppings up to two cells away."""
    rng = np.random.default_rng(seed)
    cells = [R for R in itertools.product(range(-2, 3), repeat=len(lattice)) if any(R) and tuple(-i for i in R) < R]
    chosen = rng.permutation(len(cells))[:count]
    return bands.tight_binding({tuple(np.array(cells[i]) @ lattice): rng.normal() for i in chosen}, lattice=lattice)


# -- interpolation ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degree", splines.DEGREES)
@pytest.mark.parametrize("sides", [(7,), (2,), (6, 5), (4, 1, 5)], ids=str)
def test_passes_through_the_table(degree, sides):
    lattice = np.eye(3)[: len(sides), : max(len(sides), 2)] * 3.0 + 0.2  # also fewer vectors than dimensions
    energies = RNG.normal(10.0, 1.0, sides)
    band = bands.sampled(lattice, energies, degree)
    found = jax.vmap(band)(jnp.asarray(mesh(lattice, *sides).reshape(-1, lattice.shape[1])))
    # the inverse of the B-spline's values amplifies by 3 (degree 3) to 4.8 along each axis, k is rounded by some units
    np.testing.assert_allclose(found, energies.reshape(-1), rtol=0, atol=100 * 4.8 ** len(sides) * EPS)


def test_is_the_periodic_cubic_spline_of_scipy():
    y = RNG.normal(size=9)
    exact = make_interp_spline(np.arange(10) / 9, np.append(y, y[0]), k=3, bc_type="periodic")
    x = RNG.uniform(-2.0, 2.0, (200, 1))
    for order, found in enumerate(derivatives(bands.sampled([[2 * np.pi]], y), x)):
        np.testing.assert_allclose(found.reshape(-1), exact(x[:, 0] % 1, order), rtol=0, atol=1e-13 * 9.0**order * 30)


@pytest.mark.parametrize("local", [False, True])
@pytest.mark.parametrize("degree", splines.DEGREES)
def test_errors_fall_at_the_order_of_the_degree(degree, local):
    """E, ∂E/∂k and the Hessian: h^(degree + 1), h^degree and h^(degree − 1)."""
    exact = lattice_sum(OBLIQUE, 6)
    k = RNG.uniform(-3.0, 3.0, (2000, 2))
    truth, sides = derivatives(exact, k), (64, 128)
    found = [derivatives(bands.sampled(OBLIQUE, table(exact, n, n), degree, local=local), k) for n in sides]
    for order in range(3):
        errors = [np.abs(one[order] - truth[order]).max() for one in found]
        slope = -np.polyfit(np.log(sides), np.log(errors), 1)[0]
        # hoppings reach two cells, phases 2π·2/64 = 0.2 a cell at the coarser: corrections of relative order 0.2² to each error
        assert abs(slope - (degree + 1 - order)) < 0.15, (order, errors)


@pytest.mark.parametrize("degree", splines.DEGREES)
def test_is_as_smooth_as_its_degree_says(degree):
    """Derivatives up to degree − 1 from both sides of every plane between cells agree."""
    n = 6
    band = bands.sampled([[2 * np.pi]], RNG.normal(size=n), degree)
    ends, step = (np.arange(n) + (0.5 if degree == 4 else 0.0)) / n, 1e-7
    functions = [lambda x: band(x[None])]
    for _ in range(degree):
        functions.append(jax.grad(functions[-1]))
    places = jnp.asarray(np.concatenate([ends - step, ends + step, ends, np.linspace(0, 1, 200)]))
    found = np.array(jax.jit(jax.vmap(lambda x: [f(x) for f in functions]))(places))
    for values, rates in zip(found, np.abs(found[1:]).max(axis=1)):
        # what a bounded rate of change allows, and roundings of numbers of order n^degree
        assert np.abs(values[:n] - values[n : 2 * n]).max() <= 2 * step * rates * 1.01 + 1e-9


def test_is_periodic_however_far():
    band = bands.sampled(OBLIQUE, RNG.normal(size=(8, 9)))
    k = RNG.uniform(-1.0, 1.0, (50, 2))
    for turns in ([1, 0], [-3, 2], [40, -17]):
        for a, b in zip(derivatives(band, k), derivatives(band, k + np.array(turns) @ band.reciprocal)):
            # k itself, of size 40 × 2.5, is rounded by EPS; the next derivative is at most 9² × 4 × Σ|weights| times the numbers
            np.testing.assert_allclose(a, b, rtol=0, atol=EPS * 100 * 9**3 * 100)


def test_a_kink_is_felt_far_away_unless_the_coefficients_are_local():
    n = 64
    x = np.arange(n) / n
    energies = np.abs(np.sin(np.pi * x))  # smooth but for a kink at 0
    k = np.linspace(0.35, 0.65, 301)[:, None]  # at least 22 cells away
    exact = np.pi * np.cos(np.pi * k[:, 0])
    errors = {}
    for local in (False, True):
        gradient = derivatives(bands.sampled([[2 * np.pi]], energies, 4, local=local), k)[1][:, 0]
        errors[local] = np.abs(gradient - exact).max()
    smooth = (np.pi / n) ** 4 * np.pi / 720 * 24  # h⁴ E⁽⁵⁾/4! × the largest Bernoulli polynomial B₄, 1/30, in units of E⁽⁵⁾ = π⁵
    assert errors[True] < smooth
    near = np.arange(6, 12)[:, None] / n + 0.001  # 2.8^−6 of the jump 2π is left there
    far = derivatives(bands.sampled([[2 * np.pi]], energies, 4), near)[1][:, 0] - np.pi * np.cos(np.pi * near[:, 0])
    here = derivatives(bands.sampled([[2 * np.pi]], energies, 4, local=True), near + 0.5 / n)[1][:, 0]
    here -= np.pi * np.cos(np.pi * (near[:, 0] + 0.5 / n))
    assert np.abs(here).max() < 0.01 * np.abs(far).max()


def test_is_linear_in_the_table_and_differentiable_by_it():
    energies = RNG.normal(size=(5, 6))
    k = jnp.array([0.3, -0.7])
    weights = jax.grad(lambda e: bands.sampled(OBLIQUE, e)(k))(jnp.asarray(energies))
    assert weights.shape == energies.shape
    np.testing.assert_allclose(weights.sum(), 1.0, rtol=1e-13)  # a constant is a constant
    np.testing.assert_allclose((weights * energies).sum(), bands.sampled(OBLIQUE, energies)(k), rtol=1e-12)
    band = bands.sampled(OBLIQUE, energies)
    slope = jax.grad(lambda p: jnp.sum(jax.grad(band.energy, argnums=1)(p, k)))(jax.tree.map(jnp.asarray, band.params))
    np.testing.assert_allclose((slope["energy"] * band.params["energy"]).sum(), jax.grad(band)(k).sum(), rtol=1e-12)


def test_berry_curvature_and_moment_have_tables_of_their_own():
    lattice = np.eye(3) * 4.0
    k = mesh(lattice, 24, 24, 24)
    curvature = np.stack([np.sin(4.0 * k[..., 1]), np.cos(4.0 * k[..., 2]), 0.3 * np.sin(4.0 * k[..., 0])], axis=-1)
    band = bands.sampled(lattice, np.cos(4.0 * k[..., 0]), curvature=curvature, moment=-2.0 * curvature)
    at = jnp.array([0.31, -0.2, 1.1])
    exact = np.array([np.sin(4.0 * at[1]), np.cos(4.0 * at[2]), 0.3 * np.sin(4.0 * at[0])])
    bound = (2 * np.pi / 24) ** 4 / 384 * 1.1  # of a cubic spline through a sine: h⁴/384, and corrections of order h²
    np.testing.assert_allclose(band.berry_curvature(at), exact, rtol=0, atol=bound)
    np.testing.assert_allclose(band.orbital_moment(at), -2.0 * exact, rtol=0, atol=2 * bound)
    plane = bands.sampled(lattice[:2, :2], np.zeros((8, 8)), curvature=np.ones((8, 8)))
    assert plane.berry_curvature(jnp.array([0.1, 0.2])).shape == () and plane.moment is None


# -- copper -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def copper():
    """Copper's band at the Fermi level: energies on a mesh of 72³, and exact values at 500 k; see `source` inside."""
    with np.load(Path(__file__).with_name("data") / "copper_band.npz") as data:
        found = dict(data)
    n, lattice = int(found["sides"]), found["lattice"]
    reciprocal = 2 * np.pi * np.linalg.inv(lattice).T
    cells = np.stack(np.unravel_index(np.arange(n**3), (n,) * 3), axis=-1)
    first = np.arange(n**3)
    for signs in itertools.product((1, -1), repeat=3):
        turned = cells @ np.round(reciprocal @ np.diag(signs) @ np.linalg.inv(reciprocal)).astype(int) % n
        first = np.minimum(first, np.ravel_multi_index(tuple(turned.T), (n,) * 3))
    _, orbit = np.unique(first, return_inverse=True)
    energies = found["energies"][orbit] * float(found["unit"]) + float(found["fermi"])
    return found | {"energies": energies.reshape(n, n, n)}


@pytest.mark.parametrize("degree", splines.DEGREES)
def test_copper_at_the_fermi_level(copper, degree):
    def errors(energies):
        band = bands.sampled(copper["lattice"], energies, degree, local=True, reference=float(copper["fermi"]))
        found = derivatives(band, copper["k"])
        gaps = (found[i] - copper[name] for i, name in enumerate(("energy", "gradient", "hessian")))
        return [np.sqrt((x.reshape(len(x), -1) ** 2).sum(axis=1).mean()) for x in gaps]

    fine, coarse = errors(copper["energies"]), errors(copper["energies"][::2, ::2, ::2])
    for order, (a, b) in enumerate(zip(fine, coarse)):
        # on such meshes the errors fall faster than the leading order that they end with; 0.8 for 500 points
        assert b / a > 0.8 * 2 ** (degree + 1 - order)
    # h³E⁗/6 × the largest B₃, 0.048, with h = 2π/(72 × 2.08 Å) and E⁗ = 4,000 eV Å⁴ (neck); ten times less with one order more
    assert fine[1] < (2.5e-3 if degree == 3 else 2.5e-4)


def test_float32_adds_little(copper):
    band = bands.sampled(copper["lattice"], copper["energies"], 4, local=True, reference=float(copper["fermi"]))
    k = copper["k"].astype(np.float32)
    _, exact, mass = derivatives(band, k.astype(np.float64))
    _, found, _ = derivatives(band, k)
    eps = np.finfo(np.float32).eps
    # Coefficients within 1 eV of the reference, times n a/2π for a derivative, weights Σ|w'| ≤ 2 and 20 roundings; and a fraction of
    # the zone rounded by three times eps/2, which the mass turns into a velocity.
    n, length = 72, np.linalg.norm(copper["lattice"], axis=1)[0]
    bound = n * length / (2 * np.pi) * 2 * 20 * eps / 2 + 3 * eps / 2 * 2 * np.pi / length * np.abs(mass).max() * 3
    assert np.abs(found - exact).max() < bound


# -- measuring --------------------------------------------------------------------------------------------------------------


def test_the_mesh_grows_until_the_tolerance_is_met():
    exact = lattice_sum(OBLIQUE, 4)
    band, accuracy = bands.tabulate(exact, 1e-2, mesh=(12, 16), points=500)
    assert accuracy.meets and accuracy.mesh[0] > 12 and accuracy.window is None
    names = ("energy", "gradient", "hessian")
    k = np.concatenate([RNG.uniform(-3.0, 3.0, (2000, 2)), [accuracy.zone[name].where for name in names]])
    for order, (name, a, b) in enumerate(zip(names, derivatives(band, k), derivatives(exact, k))):
        error = np.sqrt(((a - b).reshape(len(k), -1) ** 2).sum(axis=1))
        deviation, error, there = accuracy.zone[name], error[:2000], error[2000 + order]
        assert 0.8 < np.sqrt((error**2).mean()) / deviation.rms < 1.25  # 500 and 2000 points: a few per cent of statistics
        # more than 3/500 of the points are worse than the largest with a probability of 5 %
        assert (error > deviation.largest).mean() < 3 / 500 + 4 * np.sqrt(3 / 500 / 2000)
        np.testing.assert_allclose(there, deviation.largest, rtol=1e-6)
    assert re.search(r"mesh \d+ × \d+, splines of degree 3, .* MiB", str(accuracy))
    assert "tolerance 0.01 eV Å: met" in str(accuracy)


def test_what_crossing_bands_do_is_said_in_one_line_and_a_window_leaves_it_out():
    graphene = bands.graphene()
    with pytest.warns(UserWarning, match=r"not met by 96 × 96 points: .*where bands cross.* or the exact band") as told:
        _, accuracy = bands.tabulate(graphene, 1e-2, points=300)
    assert len(told) == 1 and "\n" not in str(told[0].message)
    assert not accuracy.meets
    assert np.linalg.norm(jax.vmap(graphene)(jnp.asarray(accuracy.worst.where)[None])) < 1.0  # at a Dirac point
    with pytest.warns(UserWarning, match="5000 points are not enough"):
        bands.tabulate(graphene, 1e-6, window=(4.0, 6.0), points=300, most=5000)
    band, accuracy = bands.tabulate(graphene, 1e-2, window=(4.0, 6.0), points=300, dtype=np.float32)
    assert accuracy.meets and accuracy.dtype == "float32" and band.params["reference"] == 5.0
    assert accuracy.window is not None and accuracy.window["gradient"].largest <= 1e-2 < accuracy.zone["gradient"].largest


def test_berry_curvature_is_tabulated_and_measured_too():
    def energy(p, k):
        return p["t"] * jnp.sum(jnp.cos(3.0 * k))

    def axial(p, k):
        return p["t"] * jnp.sin(3.0 * k[0]) * jnp.sin(3.0 * k[1])

    exact = sj.Band(energy, {"t": 0.5}, 3.0 * np.eye(2), curvature=axial, moment=axial)
    band, accuracy = bands.tabulate(exact, mesh=32, points=200)
    bound = 0.5 * 2 * (2 * np.pi / 32) ** 4 / 384 * 1.2  # as above, both axes, whose coefficients are local to higher order
    for name in ("curvature", "moment"):
        assert accuracy.zone[name].largest < bound
    assert accuracy.bytes == 3 * 32**2 * 4
    k = jnp.array([0.3, 0.4])
    assert abs(band.berry_curvature(k) - exact.berry_curvature(k)) < bound


# -- series -----------------------------------------------------------------------------------------------------------------


def test_the_series_of_a_mesh_is_exact_where_its_hoppings_are_short():
    for lattice in (np.array([[3.0]]), OBLIQUE, 1.8 * (1 - np.eye(3))):
        exact = lattice_sum(lattice, 5)
        d = len(lattice)
        band = bands.fourier(lattice, table(exact, *(8, 9, 7)[:d]))
        assert "sine" not in band.params and len(band.params["cosine"]) <= 5
        k = RNG.normal(size=(20, d))
        for order, (a, b) in enumerate(zip(derivatives(band, k), derivatives(exact, k))):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * 20.0**order)


def test_the_series_passes_through_any_mesh_and_has_its_symmetry():
    sides, lattice = (6, 5, 4), 1.8 * (1 - np.eye(3))
    energies = RNG.normal(size=sides)
    band = bands.fourier(lattice, energies)
    found = jax.vmap(band)(jnp.asarray(mesh(lattice, *sides).reshape(-1, 3)))
    np.testing.assert_allclose(found, energies.reshape(-1), rtol=0, atol=1e-12)
    weights = jax.grad(lambda e: bands.fourier(lattice, e)(jnp.array([0.1, 0.2, 0.3])))(jnp.asarray(energies))
    np.testing.assert_allclose((weights * energies).sum(), band(jnp.array([0.1, 0.2, 0.3])), rtol=1e-11)
    hexagonal = np.array([[2.46, 0.0], [-1.23, 1.23 * np.sqrt(3)]])
    lower = bands.graphene(bond=2.46 / np.sqrt(3))
    graphene = bands.fourier(hexagonal, table(sj.Band(lower.energy, lower.params, hexagonal), 6, 6))
    c, s = np.cos(np.pi / 3), np.sin(np.pi / 3)
    k = RNG.normal(size=(20, 2))
    turned = jax.vmap(graphene)(jnp.asarray(k @ np.array([[c, s], [-s, c]])))
    np.testing.assert_allclose(turned, jax.vmap(graphene)(jnp.asarray(k)), rtol=0, atol=1e-12)  # ties at the mesh's border share


def test_a_series_from_hoppings_may_break_time_reversal():
    band = bands.fourier([[2.0]], {(0,): 1.0, (1,): 0.5j, (3,): 0.25})
    k = 0.37
    assert band(jnp.array([k])) == pytest.approx(1.0 - 0.5 * np.sin(2.0 * k) + 0.25 * np.cos(6.0 * k), rel=1e-14)
    short = bands.fourier([[2.0]], {(0,): 1.0, (1,): 0.5j, (3,): 0.25}, cut=4.0)
    assert len(short.params["cosine"]) == 2
    assert len(bands.fourier([[2.0]], {(0,): 1.0, (1,): 0.5j, (3,): 0.25}, least=0.3).params["cosine"]) == 2


# -- going ------------------------------------------------------------------------------------------------------------------


def going(monkeypatch, engine, lattice, field):
    """(dynamics, start, result) of a short run of 300 carriers of a band by one engine, in which no warning is given."""
    d = len(lattice)
    dynamics = sj.Dynamics(sj.electron(bands.sampled(lattice, table(lattice_sum(lattice, 2), *(12,) * d))), field)
    phase = sj.Phase(jnp.zeros((300, d)), jnp.asarray(np.random.default_rng(1).normal(0, 1.0, (300, d))))
    record = {"v": observables.mean(observables.velocity), "E": observables.mean(observables.energy)}
    monkeypatch.setenv("SEMIJAX_ENGINE", engine)
    monkeypatch.setattr(sys.modules["semijax.configure"], "_told", True)  # that the tests' compiler flags are not all
    monkeypatch.setattr(over, "_told", set())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = sj.simulate(dynamics, sj.Carriers(phase), duration=20.0, dt=0.5, every=40, record=record).check()
    return dynamics, phase, result


def alike(found, wanted):
    """40 steps of some hundred roundings each; velocities of 10 Å/fs, and a rate of growth within them of order one."""
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=40 * 100 * EPS * max(1.0, float(jnp.abs(b).max())))


def test_kernels_and_lanes_agree_and_none_complains(monkeypatch):
    """In one dimension: the compiler of lanes takes its time."""
    kernels, lanes = (going(monkeypatch, engine, [[3.0]], fields.uniform(0.01))[2] for engine in ("kernels", "lanes"))
    alike((kernels.frames, kernels.final.phase), (lanes.frames, lanes.final.phase))


def test_kernels_agree_with_plain_jax_in_crossed_fields(monkeypatch):
    dynamics, phase, result = going(monkeypatch, "kernels", OBLIQUE, fields.uniform([1e-3, 2e-3], 80.0))

    def steps(phase):
        return jax.lax.scan(lambda z, _: (sj.rk4(dynamics, 0.0, z, 0.5), None), phase, length=40)[0]

    plain = jax.jit(jax.vmap(steps))(phase)
    turns = np.round((result.final.phase.wavevector - plain.wavevector) @ OBLIQUE.T / (2 * np.pi))
    moved = plain.wavevector + turns @ dynamics.species.band.reciprocal
    alike(result.final.phase, sj.Phase(plain.position, moved))


@pytest.mark.parametrize("degree", splines.DEGREES)
def test_a_step_is_a_program_that_reads_each_number_once(degree):
    """Four stages of 4³ or 5³ reads, and of not many more than the 3 × as many multiply-adds that value and gradient take."""
    band = bands.sampled(np.eye(3) * 3.0, RNG.normal(size=(12, 12, 12)), degree)
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform([1e-3, 0.0, 0.0], [0.0, 0.0, 10.0]))
    phase = sj.Phase(jnp.zeros((3, 8), np.float32), jnp.zeros((3, 8), np.float32))
    programs = []

    def build(given):
        def step(given, z, t):
            return sj.rk4(given, t, z, jnp.float32(0.5))

        programs.append(over.program_of(step, given, phase, jnp.float32(0.0), scalar=True))
        return 0

    jax.make_jaxpr(build)(jax.tree.map(lambda x: jnp.asarray(x, np.float32), dynamics))
    (program,) = programs
    assert program is not None
    reads, numbers = sum(node.op == "lookup" for node in program.order), (degree + 1) ** 3
    assert reads == 4 * numbers
    assert len(program.order) < 4 * 10 * numbers


def test_energy_is_kept_in_a_magnetic_field(copper):
    band = bands.sampled(copper["lattice"], copper["energies"], local=True, reference=float(copper["fermi"]))
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform(magnetic=[20.0, 10.0, 70.0]))
    k = jnp.asarray(copper["k"][:256])
    carriers = sj.Carriers(sj.Phase(jnp.zeros_like(k), k))
    result = sj.simulate(dynamics, carriers, duration=400.0, dt=2.0, every=200).check()
    drift = jax.jit(jax.vmap(band))(result.final.phase.wavevector) - jax.jit(jax.vmap(band))(k)
    # The fastest of such orbits take 300 fs: 150 steps, of which RK4 loses (2π/150)⁵/144 of the energy at play each; harmonics, as
    # at the necks, 5 times as fast lose 5⁵ times as much; ħ v k is 10 eV.
    assert np.abs(drift).max() < 200 * (2 * np.pi / 150 * 5) ** 5 / 144 * 10
    assert np.abs(drift).max() > 0


def test_energy_is_kept_to_the_order_of_the_step():
    """RK4 keeps its order where the velocity has one continuous derivative at least."""
    band = bands.sampled(OBLIQUE, table(lattice_sum(OBLIQUE, 4), 40, 40))
    dynamics = sj.Dynamics(sj.electron(band), fields.uniform([0.0, 0.0], 500.0))
    phase = sj.Phase(jnp.zeros((50, 2)), jnp.asarray(RNG.normal(size=(50, 2))))

    @jax.jit
    def change(dt):
        def one(phase):
            end, _ = jax.lax.scan(lambda z, _: (sj.rk4(dynamics, 0.0, z, dt), None), phase, length=200)
            return band(end.wavevector) - band(phase.wavevector)

        return jnp.sqrt(jnp.mean(jax.vmap(one)(phase) ** 2))

    # Over twice the time with twice the step: 2⁴ per time for smooth E, 2² at least with jumps in the third derivative of E
    errors = [float(change(dt)) for dt in (0.5, 1.0)]
    assert errors[1] > 2 * 2**2 * errors[0]


# -- bad input --------------------------------------------------------------------------------------------------------------

HOLED = np.zeros((4, 5))
HOLED[2, 3] = np.nan
FREE = bands.parabolic(0.1)
WAVE = bands.cosine(1.0, 3.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bands.sampled(OBLIQUE, HOLED), r"sampled: energies\[2, 3\] = nan: allowed are finite numbers"),
        (lambda: bands.sampled(OBLIQUE, np.zeros(5)), r"sampled: energies has shape \(5,\): allowed is a mesh of 2 axes"),
        (lambda: bands.sampled(OBLIQUE, np.zeros((0, 4))), r"sampled: energies has shape \(0, 4\): allowed"),
        (lambda: bands.sampled(OBLIQUE, [["a"]]), "sampled: energies is no array of real numbers"),
        (lambda: bands.sampled(np.ones((2, 2)), np.zeros((4, 4))), "lattice = .*: allowed are p ≤ d independent rows"),
        (lambda: bands.sampled([1.0, 2.0], np.zeros(4)), r"sampled: lattice has shape \(2,\): allowed is"),
        (lambda: bands.sampled(OBLIQUE, np.zeros((4, 4)), 5), "sampled: degree = 5: allowed are 3, 4"),
        (lambda: bands.sampled(OBLIQUE, np.zeros((4, 4)), reference="x"), "sampled: reference = 'x': allowed is a finite number"),
        (
            lambda: bands.sampled(OBLIQUE, np.zeros((4, 4)), moment=np.zeros(4)),
            r"sampled: moment has shape \(4,\): allowed is \(4, 4\)",
        ),
        (lambda: bands.sampled([[2.0]], np.zeros(4), curvature=np.zeros(4)), "sampled: curvature in one dimension: allowed"),
        (lambda: bands.fourier(OBLIQUE, HOLED), r"fourier: energies\[2, 3\] = nan"),
        (lambda: bands.fourier(OBLIQUE, np.zeros((300, 300))), "fourier: energies has shape .*: allowed are 32768 points"),
        (lambda: bands.fourier(OBLIQUE, {(1,): 0.2}), "fourier: cells .* allowed are tuples of 2 whole numbers"),
        (lambda: bands.fourier(OBLIQUE, {(1, 0): np.nan}), r"fourier: t\(1, 0\) = .*: allowed are finite numbers"),
        (lambda: bands.tabulate(FREE, 1e-3), "tabulate: band has no lattice: allowed is a band with d lattice vectors"),
        (lambda: bands.tabulate(bands.superlattice(1.0, 3.0, 0.1), 1e-3), r"tabulate: band has a lattice of shape \(1, 3\)"),
        (lambda: bands.tabulate(lambda k: k, 1e-3), "tabulate: band = .*: allowed is a band"),
        (lambda: bands.tabulate(WAVE), "tabulate: neither tolerance nor mesh"),
        (lambda: bands.tabulate(WAVE, -1.0), "tabulate: tolerance = -1.0: allowed is a number > 0"),
        (lambda: bands.tabulate(WAVE, mesh=2.5), "tabulate: mesh = 2.5: allowed is a whole number"),
        (lambda: bands.tabulate(WAVE, mesh=(4, 4)), r"tabulate: mesh = \(4, 4\): allowed is a whole number ≥ 1, or 1 of them"),
        (
            lambda: bands.tabulate(WAVE, 0.1, window=(1.0, 0.5)),
            r"tabulate: window = \(1.0, 0.5\): allowed are \(lowest, highest\)",
        ),
        (lambda: bands.tabulate(WAVE, 0.1, window=(5.0, 6.0)), "tabulate: window = .*: 0 of .*; the band is between .* and 1 eV"),
        (lambda: bands.tabulate(WAVE, 0.1, points=1), "tabulate: points = 1: allowed is a whole number ≥ 2"),
    ],
)
def test_bad_input_is_refused_in_one_line(call, words):
    with pytest.raises(sj.SemijaxError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)
