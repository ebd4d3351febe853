"""The same problems through independent integrators, SciPy and diffrax, with equations of motion written out by hand."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

import semijax as sj
from semijax import bands, fields

# Constants of the independent side, from SI (CODATA 2018): eV, Å, fs; B in V fs/Å².
E_SI, H_SI, M_SI = 1.602176634e-19, 6.62607015e-34, 9.1093837015e-31
HBAR = H_SI / (2 * np.pi * E_SI) * 1e15
M0 = M_SI / E_SI * 1e10
TESLA = 1e-5


def scipy_way(velocity, field, charge, r, k, duration):
    """(r, k) at the end by DOP853; velocity(k), field(t, r) -> (E [3], B [3]) in V/Å and tesla."""
    d = len(r)

    def rates(t, z):
        v = np.zeros(3)
        v[:d] = velocity(z[d:])
        electric, magnetic = field(t, z[:d])
        force = charge * (np.asarray(electric) + np.cross(v, np.asarray(magnetic) * TESLA))
        return np.concatenate([v[:d], force[:d] / HBAR])

    end = solve_ivp(rates, (0.0, duration), np.concatenate([r, k]), method="DOP853", rtol=1e-12, atol=1e-13)
    return end.y[:d, -1], end.y[d:, -1]


def ours(dynamics, r, k, duration, steps):
    carriers = sj.Carriers(sj.Phase(jnp.asarray(r), jnp.asarray(k)))
    run = sj.simulate(dynamics, carriers, duration=duration, dt=duration / steps, every=steps, step=sj.dop8).check()
    return np.asarray(run.final.phase.position), np.asarray(run.final.phase.wavevector)


def agree(dynamics, velocity, field, r, k, duration, steps, charge=-1):
    """Both ways for each carrier; DOP853 errs by 1e-12 a step of some hundred, which the motion passes on up to tenfold."""
    found = ours(dynamics, r, k, duration, steps)
    for i in range(len(r)):
        expected = scipy_way(velocity, field, charge, r[i], k[i], duration)
        for one, other in zip(found, expected):
            np.testing.assert_allclose(one[i], other, rtol=1e-9, atol=1e-9 * np.abs(other).max())


def starts(n, d, spread_r, spread_k, seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) * spread_r, rng.normal(size=(n, d)) * spread_k


def test_superlattice_in_a_pulse_and_a_magnetic_field():
    width, period, mass = 0.018, 114.0, 0.067
    peak, f, duration, center, phase, chirp = np.array([1e-4, 0.0, 3e-4]), 2.0e-3, 250.0, 500.0, 0.7, 2e-6
    magnetic = np.array([1.0, -0.5, 2.0])

    def velocity(k):
        across = HBAR * k / (mass * M0)
        return np.array([across[0], across[1], width * period / (2 * HBAR) * np.sin(k[2] * period)])

    def field(t, r):
        s = t - center
        wave = np.exp(-2 * np.log(2) * (s / duration) ** 2) * np.cos(2 * np.pi * f * s + chirp * s**2 + phase)
        return peak * wave, magnetic

    pulse = fields.pulse(peak, 1e3 * f, duration, center, phase, chirp)
    dynamics = sj.Dynamics(sj.electron(bands.superlattice(width, period, mass)), pulse + fields.uniform(magnetic=magnetic))
    agree(dynamics, velocity, field, *starts(3, 3, 10.0, 0.01, 1), duration=1000.0, steps=1000)


def test_warped_holes_in_crossed_fields():
    A, B, C = 13.38, 8.48, 13.14
    electric, magnetic = np.array([1e-4, -2e-4, 5e-5]), np.array([2.0, 1.0, -3.0])

    def velocity(k):
        # E_h = (ħ²/2m0)[A k² − sqrt(B²k⁴ + C²(kx²ky² + ky²kz² + kz²kx²))]
        square = k @ k
        root = np.sqrt(B**2 * square**2 + C**2 * (k[0] ** 2 * k[1] ** 2 + k[1] ** 2 * k[2] ** 2 + k[2] ** 2 * k[0] ** 2))
        inner = 4 * B**2 * square * k + 2 * C**2 * k * (square - k**2)
        return HBAR / (2 * M0) * (2 * A * k - inner / (2 * root))

    dynamics = sj.Dynamics(sj.hole(bands.warped(A, B, C, "heavy")), fields.uniform(electric, magnetic))
    r, k = starts(3, 3, 10.0, 0.03, 2)
    agree(dynamics, velocity, lambda t, r: (electric, magnetic), r, k, duration=600.0, steps=1200, charge=1)


def test_warped_holes_through_diffrax():
    A, B, C = 13.38, 8.48, 13.14
    electric, magnetic = jnp.array([1e-4, -2e-4, 5e-5]), jnp.array([2.0, 1.0, -3.0]) * TESLA

    def energy(k):  # of the hole, by the textbook's formula: here diffrax and the derivative are what is independent
        x, y, z = k * k
        square = x + y + z
        return HBAR**2 / (2 * M0) * (A * square - jnp.sqrt(B**2 * square**2 + C**2 * (x * y + y * z + z * x)))

    def rates(t, z, args):
        v = jax.jvp(jax.vmap(energy), (jnp.tile(z[3:], (3, 1)),), (jnp.eye(3),))[1] / HBAR
        return jnp.concatenate([v, (electric + jnp.cross(v, magnetic)) / HBAR])

    def diffrax_way(r, k):
        # atol of 1e-14 suits k of 0.01; positions, thousands of Å, are held by rtol
        return diffrax.diffeqsolve(
            diffrax.ODETerm(rates),
            diffrax.Dopri8(),
            0.0,
            600.0,
            0.1,
            jnp.concatenate([r, k]),
            stepsize_controller=diffrax.PIDController(rtol=1e-12, atol=1e-14),
            max_steps=20_000,
        ).ys[0]

    r, k = starts(16, 3, 10.0, 0.03, 2)
    dynamics = sj.Dynamics(sj.hole(bands.warped(A, B, C, "heavy")), fields.uniform(electric, magnetic / TESLA))
    position, wavevector = ours(dynamics, r, k, 600.0, 1200)
    # diffrax itself is not written for strict promotion
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        expected = np.asarray(jax.vmap(diffrax_way)(jnp.asarray(r), jnp.asarray(k)))
    for one, other in zip((position, wavevector), (expected[:, :3], expected[:, 3:])):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9 * np.abs(other).max())


def lenses(r):
    return 0.05 * jnp.sin(r[0] / 30.0) * jnp.cos(r[1] / 40.0)


def test_electrons_in_a_potential_landscape_and_a_magnetic_field():
    mass, alpha = 0.063, 0.61

    def velocity(k):
        # dE/dk of E(1 + αE) = ħ²k²/2m: ħ²k/m/(1 + 2αE), 1 + 2αE = sqrt(1 + 4α ħ²k²/2m)
        return HBAR * k / (mass * M0) / np.sqrt(1 + 2 * alpha * HBAR**2 * (k @ k) / (mass * M0))

    def field(t, r):
        (sx, cx), (sy, cy) = ((np.sin(u), np.cos(u)) for u in (r[0] / 30.0, r[1] / 40.0))
        return [-0.05 / 30.0 * cx * cy, 0.05 / 40.0 * sx * sy, 0.0], [0.0, 0.0, 5.0]

    dynamics = sj.Dynamics(
        sj.electron(bands.kane(mass, alpha, dimension=2)), fields.potential(lenses) + fields.uniform(magnetic=5.0)
    )
    agree(dynamics, velocity, field, *starts(3, 2, 20.0, 0.02, 3), duration=200.0, steps=800)


def test_massive_dirac_electrons_with_curvature_and_moment():
    gap, hbar_v = 0.2, 3.5
    electric, magnetic = np.array([1e-4, 2e-4]), 10.0
    b = -magnetic * TESLA / HBAR  # (q/ħ) B

    def rates(t, z):
        k = z[2:]
        eps = np.sqrt((gap / 2) ** 2 + hbar_v**2 * (k @ k))
        omega = -(hbar_v**2) * gap / (4 * eps**3)
        # E = eps − m B with m = eps Ω/ħ = −(ħv)² gap/(4 ħ eps²), so dE/dk = (deps/dk)(1 − (ħv)² gap B/(2 ħ eps³))
        slope = hbar_v**2 * k / eps
        v = slope * (1 - hbar_v**2 * gap * magnetic * TESLA / (2 * HBAR * eps**3)) / HBAR
        # dr/dt = v − dk/dt × Ω, dk/dt = (q/ħ)E + dr/dt × b: four linear equations
        matrix = np.eye(4)
        matrix[0, 3], matrix[1, 2] = omega, -omega
        matrix[2, 1], matrix[3, 0] = -b, b
        return np.linalg.solve(matrix, np.concatenate([v, -electric / HBAR]))

    r, k = starts(3, 2, 10.0, 0.03, 4)
    dynamics = sj.Dynamics(sj.electron(bands.massive_dirac(gap, hbar_v)), fields.uniform(electric, magnetic))
    found = ours(dynamics, r, k, 400.0, 400)
    for i in range(3):
        end = solve_ivp(rates, (0.0, 400.0), np.concatenate([r[i], k[i]]), method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
        for one, other in zip(found, (end[:2], end[2:])):
            np.testing.assert_allclose(one[i], other, rtol=1e-9, atol=1e-9 * np.abs(other).max())
