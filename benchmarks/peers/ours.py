"""semijax through its public names alone, so that whatever makes simulate faster shows here by itself."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import semijax as sj
from semijax import bands, fields, observables, units
from semijax.bands.wannier import Model

from .. import energies, metal, reference
from ..reference import STEPS, Verdict
from . import Job, lorenz_engine

TAU, TEMPERATURE = 500.0, 300.0  # of the collisions, fs and K
SPLITS = ("leapfrog", "strang", "yoshida4")


def supports(spec) -> str | None:
    """Why semijax cannot do this, or None."""
    if spec.variant in SPLITS and spec.case != "w1_split":
        return "a split step needs a case without B"
    return None


def prepare(spec, case) -> Job:
    """Carriers on the device, then one call of sj.simulate each time."""
    sj.configure(precision=spec.dtype)
    z = case.start(spec.n, spec.dtype)
    if case.name == "lorenz":
        return lorenz_engine.prepare(spec, case, z)
    d = case.dimension
    phase = sj.Phase(jnp.asarray(z[:d].T.copy()), jnp.asarray(z[d:].T.copy()))
    carriers = jax.block_until_ready(sj.Carriers(phase))
    if spec.variant == "gradient":
        return _gradient(spec, case, carriers)
    dynamics = _dynamics(case, _band(case))
    own = {"relaxation": _collided, "volume": _volume, "jacobian": _tangent}.get(spec.variant)
    verdict = None if own is None else functools.partial(own, spec, case)
    rough = {"exact": True, "allowed": np.inf} if spec.variant == "precision" else {}
    return Job(lambda: jax.block_until_ready(_simulate(spec, dynamics, carriers, case.dt)), _unpacked, verdict=verdict, **rough)


def _simulate(spec, dynamics, carriers, dt):
    record = {"velocity": observables.mean(observables.velocity)}
    shorter = max(1, round(-spec.tolerance))  # work-precision: dt/1, dt/2, ... of the case's
    return sj.simulate(
        dynamics,
        carriers,
        duration=spec.steps * dt,
        dt=dt / shorter * (1 + 1e-9),
        every=spec.every * shorter,
        record=record,
        step=_step(spec),
    )


@functools.cache
def _step(spec):
    if spec.variant in STEPS:
        return getattr(sj, spec.variant)
    if spec.variant == "precision":
        return getattr(sj, spec.option or "rk4")
    if spec.variant == "relaxation":
        return sj.with_relaxation(sj.rk4, tau=TAU, temperature=TEMPERATURE)
    lifted = {"volume": sj.with_volume, "jacobian": sj.with_jacobian}.get(spec.variant)
    return sj.rk4 if lifted is None else lifted(sj.rk4)


def _unpacked(result):
    phase = result.final.phase
    final = np.concatenate([np.asarray(phase.position).T, np.asarray(phase.wavevector).T])
    return np.asarray(result.frames["velocity"])[1:], final


def _band(case):
    p = case.params
    closed = {
        "parabolic": lambda: bands.parabolic(p["mass"]),
        "kane": lambda: bands.kane(p["mass"], p["alpha"]),
        "warped": lambda: bands.warped(p["A"], p["B"], p["C"]),
        "superlattice": lambda: bands.superlattice(p["bandwidth"], p["period"], p["mass"]),
        "miniband": lambda: bands.superlattice(p["bandwidth"], p["period"], p["mass"]),
        "graphene": lambda: bands.graphene(p["hopping"], p["bond"]),
        "dirac": lambda: bands.massive_dirac(p["gap"], p["hbar_v"]),
        "potential": lambda: bands.parabolic(p["mass"]),
        "copper": lambda: bands.sampled(metal.LATTICE, metal.energies(), metal.DEGREE, local=True, reference=metal.FERMI),
        "copper_exact": lambda: bands.wannier(_model(), metal.BAND, curvature=False, moment=False),
    }
    if case.name in closed:
        return closed[case.name]()
    if case.name == "user":
        return sj.Band(energies.user, p, dimension=3)
    return sj.Band(energies.w1, p, lattice=np.diag(p["period"]))


def _model():
    """Copper's Hamiltonian as `sj.io.read_wannier90` returns it, but from the suite's own file."""
    cells, hopping, centres = metal.hoppings()
    others = (cells != 0).any(axis=1)  # of R = 0 there is one
    cells = np.concatenate([cells, -cells[others]])
    return Model(metal.LATTICE, cells, np.concatenate([hopping, hopping[others].swapaxes(1, 2).conj()]).astype(complex), centres)


def _dynamics(case, band):
    p, d = case.params, case.dimension
    magnetic = np.array(case.magnetic) if d == 3 else case.magnetic[0]
    magnetic = None if not np.any(magnetic) else magnetic
    field = fields.uniform(np.array(case.electric) if case.electric else None, magnetic)
    if case.name == "superlattice":
        field = field + fields.pulse([0.0, 0.0, p["peak"]], p["frequency"] * units.THZ, p["duration"], p["center"])
    if case.name == "potential":
        field = field + fields.potential(functools.partial(energies.height, p))
    return sj.Dynamics((sj.hole if case.charge > 0 else sj.electron)(band), field)


def _gradient(spec, case, carriers) -> Job:
    """∂⟨|r(end)|²⟩/∂t_1 through simulate."""

    def loss(hopping, carriers):
        params = {**case.params, "hopping": hopping}
        dynamics = _dynamics(case, sj.Band(energies.w1, params, lattice=np.diag(params["period"])))
        position = _simulate(spec, dynamics, carriers, case.dt).final.phase.position
        return jnp.mean(jnp.sum(position**2, axis=-1))

    slope = jax.jit(jax.grad(loss))
    hopping = jnp.asarray(case.params["hopping"], spec.dtype)
    return Job(lambda: jax.block_until_ready(slope(hopping, carriers)), verdict=functools.partial(slope_verdict, spec, case))


def slope_verdict(spec, case, slope) -> Verdict:
    """The gradient against the complex step of the reference."""
    wanted = reference.gradient(case.name, spec.steps, spec.n)
    return Verdict(abs(float(slope[0]) - wanted) / abs(wanted), None, 10 * reference.TOLERANCE[spec.dtype])


def _collided(spec, case, result) -> Verdict:
    """Drift along z against the closed form, within six standard errors and the splitting's O(dt²)."""
    wanted = reference.relaxed(case.name, spec.steps, spec.every, spec.n, TAU, TEMPERATURE)
    top = case.params["bandwidth"] * case.params["period"] / (2 * energies.HBAR)
    off = np.abs(np.asarray(result.frames["velocity"])[1:, 2] - wanted).max() / top
    return Verdict(float(off), None, 6 / np.sqrt(spec.n) + 2e-3)


def _volume(spec, case, result) -> Verdict:
    """log|det J| of a flow that keeps the volume, up to rounding and RK4's order; and the trajectories."""
    plain = reference.judge(case, spec, *_unpacked(result))
    worst = float(np.abs(np.asarray(result.final.log_volume)).max())
    return Verdict(plain.final if worst < (2e-3 if spec.dtype == "float32" else 1e-5) else np.nan, plain.frames, plain.allowed)


def _tangent(spec, case, result) -> Verdict:
    """∂z/∂k_x(0) against the complex step of the reference."""
    wanted = reference.tangent(case.name, spec.steps, min(spec.n, 256))
    found = np.asarray(result.final.jacobian)[: wanted.shape[1], :, case.dimension].T
    error = float(np.abs(found - wanted).max() / np.abs(wanted).max())
    return Verdict(error, None, 10 * reference.TOLERANCE[spec.dtype])
