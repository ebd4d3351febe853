"""The time step: suggested from the fastest rate of the motion, and refused where it cannot resolve it."""

import hashlib
import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer, eval_context

from semijax._types import Phase, SemijaxError, cast
from semijax.engine.host import jit_together
from semijax.stepping import nested

STEPS_PER_PERIOD = 40  # RK4 then errs by (2π/40)⁴/2880 = 2e-7 per period of a harmonic motion
LEAST_STEPS = 4  # fewer cannot tell the motion from a slower one (Nyquist, with a factor two for the harmonics of a band)
_LOOKED_AT = 256  # carriers and _TIMES instants whose rates are evaluated
_TIMES = 33
_EXACTLY, _DOUBLINGS = 16, 8  # of so many Jacobians, those whose powers grow fastest, the eigenvalues are computed
_MESH = {1: 64, 2: 32, 3: 16}  # points of the zone along each of p reciprocal vectors: hoppings up to 31, 15, 7 cells away
_SMALLEST = 1e-3  # of the largest hopping: what is smaller may be rounding in float32
_BANDS = 8  # of which the hoppings are remembered
_remembered: dict = {}


def suggest_dt(dynamics, carriers, *, start: float = 0.0, duration: float = 0.0, step=None) -> float:
    """A time step [fs]: 1/40 of the shortest period among Bloch oscillation, natural motion, drive and relaxation.

    A Bloch oscillation is as fast as the harmonics of its band make it, see `harmonic_rate`. Natural motion is cyclotron motion,
    and oscillation in a potential. Looks at up to 256 carriers, at 33 times from `start` over `duration`. math.inf where nothing
    sets a scale (a parabolic band in a uniform field is integrated exactly). Raises SemijaxError under jit or grad: it needs
    concrete values.
    """
    return 2 * math.pi / (STEPS_PER_PERIOD * fastest(dynamics, carriers, start, duration, step)[0] or math.inf) or math.inf


def check_times(duration, dt, start) -> None:
    """Raises SemijaxError for times that no run can have."""
    for key, value in (("duration", duration), ("dt", dt)):
        if value is not None and not (isinstance(value, (int, float)) and 0 < value < math.inf):
            raise SemijaxError(f"simulate: {key} = {value!r}: allowed is a finite number of femtoseconds > 0")
    if not (isinstance(start, (int, float)) and math.isfinite(start)):
        raise SemijaxError(f"simulate: start = {start!r}: allowed is a finite number of femtoseconds")


def fitted(duration: float, dt: float | None, every: int) -> tuple[float, int]:
    """(dt, frames): the step lowered so that frames × every of them fill the duration."""
    if dt is None:
        raise SemijaxError(
            "simulate: dt = None under jit, grad or vmap: allowed is a number there, e.g. from sj.suggest_dt outside"
        )
    frames = max(1, math.ceil(duration / (dt * every) * (1 - 1e-12)))
    return duration / (frames * every), frames


def checked_dt(dynamics, carriers, dt: float | None, *, start: float, duration: float, step) -> float:
    """The suggested time step [fs]; raises SemijaxError where `dt` is given and cannot resolve the motion."""
    rate, cause = fastest(dynamics, carriers, start, duration, step)
    best = 2 * math.pi / (STEPS_PER_PERIOD * rate) if rate else math.inf
    if dt is not None and dt * rate * LEAST_STEPS > 2 * math.pi:
        raise SemijaxError(
            f"simulate: dt = {dt:g} fs: allowed is at most {2 * math.pi / (LEAST_STEPS * rate):.3g} fs "
            f"(a quarter of the {cause}, {2 * math.pi / rate:.4g} fs); suggested {best:.3g} fs"
        )
    return best


def fastest(dynamics, carriers, start: float = 0.0, duration: float = 0.0, step=None) -> tuple[float, str]:
    """The highest angular frequency [1/fs] of the motion and what it belongs to; (0, "nothing") where nothing sets a scale."""
    if isinstance(dynamics, dict):
        return max(fastest(dynamics[name], carriers[name], start, duration, step) for name in dynamics)
    if not is_concrete((dynamics, carriers)):
        raise SemijaxError("suggest_dt: the values are traced: allowed outside jit, grad and vmap")
    with eval_context():  # under a jit that closes over them, these are numbers all the same
        return _fastest(dynamics, carriers, start, duration, step)


def _fastest(dynamics, carriers, start, duration, step) -> tuple[float, str]:
    looked, jacobians = _rates(dynamics, float(start), float(duration), carriers.phase)
    pushes, radius, k = jax.device_get(looked)
    found = [
        harmonic_rate(dynamics.species.band, k, pushes),
        (float(radius) if radius >= 0 else _spectral_radius(jacobians), "natural period (cyclotron, or in a potential)"),
        (float(getattr(dynamics.field, "rate", 0.0)), "drive period"),
    ]
    found += [(float(one.rate), "relaxation time times 2π") for one in nested(step) if hasattr(one, "rate")]
    rate, cause = max(found)
    return (rate, cause) if rate > 1e-12 else (0.0, "nothing")


def _planar_radius(jacobians):
    """The largest |eigenvalue| of flows [times n 2d 2d] in closed form; −1 where there is none: something depends on the position,
    is not finite, or three eigenvalues differ from zero.
    """
    d = jacobians.shape[-1] // 2
    block = jacobians[..., d:, d:].reshape(-1, d, d)
    known = (jacobians[..., :d] == 0).all() & jnp.isfinite(block).all()
    if d == 1:
        return jnp.where(known, jnp.abs(block).max(), -1.0)
    trace = jnp.trace(block, axis1=1, axis2=2)
    minors = (trace**2 - jnp.sum(block * block.mT, axis=(1, 2))) / 2  # λ^d − trace λ^(d−1) + minors λ^(d−2) − ...
    square = (trace / 2) ** 2 - minors  # of half the distance between the two
    radius = jnp.where(square < 0, jnp.sqrt(jnp.abs(minors)), jnp.abs(trace / 2) + jnp.sqrt(jnp.abs(square))).max()
    if d == 3:  # a magnetic field leaves k along the field alone: one eigenvalue is zero, or moves the largest by 1e-3 at most
        known &= (jnp.abs(jnp.linalg.det(block)) <= 1e-6 * radius**3).all()
    return jnp.where(known, radius, -1.0)


def _spectral_radius(jacobians: np.ndarray) -> float:
    """The largest |eigenvalue| of the linearised flows [times n 2d 2d]: ± i ω_c in a magnetic field, ± i sqrt(q φ''/m) in a potential,
    −γ with damping.
    """
    jacobians = np.asarray(jacobians, np.float64).reshape(-1, *jacobians.shape[-2:])
    jacobians = jacobians[np.isfinite(jacobians).all((1, 2))]
    d = jacobians.shape[-1] // 2
    if not jacobians[:, :, :d].any():
        jacobians = jacobians[:, d:, d:]  # nothing depends on the position: a block of zeros, whose eigenvalues are zero
    return float(np.max(_radii(jacobians), initial=0.0))


def _radii(jacobians: np.ndarray) -> np.ndarray:
    """The largest |eigenvalue| of each matrix [n d d]; of many, at least of those where it is largest."""
    if len(jacobians) > _EXACTLY:  # |A^m|^(1/m) comes down to it from above
        powers, logs = jacobians, np.zeros(len(jacobians))
        for doubling in range(_DOUBLINGS + 1):
            sizes = np.abs(powers).sum(axis=2).max(axis=1) + np.finfo(float).tiny
            logs += np.log(sizes) / 2**doubling
            powers = (powers / sizes[:, None, None]) @ (powers / sizes[:, None, None])
        jacobians = jacobians[np.argpartition(logs, -_EXACTLY)[-_EXACTLY:]]
    return np.abs(np.linalg.eigvals(jacobians)).max(axis=1, initial=0.0)


def harmonic_rate(band, k, pushes) -> tuple[float, str]:
    """The angular frequency [1/fs] to resolve as k moves at the fastest of the rates dk/dt `pushes` [... d], and its name.

    With E = Σ_R t(R) exp(ik·R) on a mesh of the zone, the velocity is a sum of oscillations at R·dk/dt of weights |R t(R)|; a
    fourth-order step errs by the sum of their fourth powers, as one oscillation at (Σ w (R·dk/dt)⁴/Σ w)^(1/4) would. At least
    |a·dk/dt| for every lattice vector a; 0 for a band without lattice. k [d], 1/Å: where the directions without one are cut.
    """
    if band.lattice is None:
        return 0.0, "Bloch period"
    lattice = np.asarray(band.lattice, np.float64)
    pushes = np.asarray(pushes, np.float64).reshape(-1, lattice.shape[1])
    pushes = pushes[np.isfinite(pushes).all(axis=1)]
    advance = np.abs(pushes @ lattice.T)  # [pushes p]
    bloch = float(advance.max(initial=0.0))
    if not bloch > 0:
        return 0.0, "Bloch period"
    pushes = pushes[[*advance.argmax(axis=0), advance.sum(axis=1).argmax()]]
    vectors, hoppings = _hoppings(band, k, lattice)
    weights = np.linalg.norm(vectors, axis=1) * hoppings
    phases = np.abs(vectors @ pushes.T)  # [R pushes]
    moving = weights[:, None] * (phases > 1e-9 * bloch)
    powers = (moving * phases**4).sum(axis=0) / np.maximum(moving.sum(axis=0), np.finfo(float).tiny)
    rate = float(powers.max()) ** 0.25
    return (rate, "period of the band's harmonics") if rate > bloch * (1 + 1e-6) else (bloch, "Bloch period")


def _hoppings(band, k, lattice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors R [m d], Å, and |t(R)| [m] of E in the zone through k; none where E is constant or not finite somewhere.

    Remembered for the bands of the last runs: runs that are repeated, with other fields or more carriers, ask again and again.
    """
    known = _fingerprint((band, k))
    if known not in _remembered:
        found = np.abs(np.fft.fftn(np.asarray(_on_mesh(band, k), np.float64)))
        found.flat[0] = 0.0  # a constant energy moves nothing
        at = np.nonzero(found > _SMALLEST * found.max())  # none where that is NaN
        counts = [np.fft.fftfreq(found.shape[0], 1 / found.shape[0])[i] for i in at]
        while len(_remembered) >= _BANDS:
            _remembered.pop(next(iter(_remembered)))
        _remembered[known] = np.stack(counts, axis=1) @ lattice, found[at]
    return _remembered[known]


def _fingerprint(tree) -> tuple:
    """What tells one tree of numbers from others, and holds none of them: a band may be a table of many megabytes."""
    leaves, structure = jax.tree.flatten(tree)
    digest = hashlib.blake2b(digest_size=32)
    for x in map(np.asarray, leaves):
        digest.update(repr((x.dtype.str, x.shape)).encode())
        digest.update(np.ascontiguousarray(x).data)
    return structure, digest.digest()


@jax.jit
def _on_mesh(band, k):
    """E on a mesh of the zone through k [d], as many points along each of the p reciprocal vectors."""
    p = band.lattice.shape[0]
    n = _MESH[p]
    parts = jnp.stack(jnp.meshgrid(*[jnp.arange(n, dtype=k.dtype) / n] * p, indexing="ij"), axis=-1).reshape(-1, p)
    points = k[None, :] + jnp.dot(parts, jnp.asarray(band.reciprocal, k.dtype), precision="highest")
    return jax.vmap(band)(points).reshape((n,) * p)


@jit_together
def _rates(dynamics, start, duration, phase: Phase):
    """((dk/dt [times n d], largest |eigenvalue| of the Jacobians where `_planar_radius` knows it, k [d] of the first carrier),
    Jacobians [times n 2d 2d] of the flow), for some of the carriers; one time where nothing depends on it.
    """
    dtype, d = phase.wavevector.dtype, phase.wavevector.shape[-1]
    phase = jax.tree.map(lambda x: x[:: -(-x.shape[0] // _LOOKED_AT)], phase)
    dynamics, start, duration = cast((dynamics, start, duration), dtype)
    times = start + duration * jnp.linspace(0.0, 1.0, _TIMES, dtype=dtype)

    def flow(t, z):
        rates = dynamics(t, Phase(z[:d], z[d:]))
        return jnp.concatenate([rates.position, rates.wavevector])

    def at_all_times(function):
        carriers = jax.vmap(function, in_axes=(None, 0))
        if dynamics.species.band.gap is not None:  # XLA's CPU compiler aborts on matrix products of many batches
            carriers = lambda t, z: jax.lax.map(lambda one: function(t, one), z)  # noqa: E731
        together = jnp.concatenate([phase.position, phase.wavevector], axis=1)
        try:
            return jax.vmap(lambda t: carriers(t, together), out_axes=None)(times)[None]
        except ValueError:  # it does depend on the time
            return jax.vmap(lambda t: carriers(t, together))(times)

    pushes, jacobians = at_all_times(lambda t, z: flow(t, z)[d:]), at_all_times(jax.jacfwd(flow, argnums=1))
    return (pushes, _planar_radius(jacobians), phase.wavevector[0]), jacobians


def is_concrete(tree) -> bool:
    """Whether no leaf is a JAX tracer."""
    return not any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(tree))
