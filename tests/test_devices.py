"""The same bits on any number of devices: each case in a process of its own, as JAX starts once."""

import os
import subprocess
import sys

RUN = """
import hashlib, sys
import semijax as sj
sj.configure(devices=int(sys.argv[1]))
import jax, numpy as np
from semijax import bands, fields, observables
electron = sj.electron(bands.superlattice(0.018, 114.0, 0.067))
dynamics = sj.Dynamics(electron, fields.uniform([0.0, 0.0, 1e-4], [0.0, 1.0, 2.0]))
record = {
    "drift": observables.mean(observables.velocity),
    "spread": observables.covariance(observables.position),
    "occupation": observables.histogram(lambda d, t, c: observables.folded_wavevector(d, t, c)[2], np.linspace(-0.03, 0.03, 17)),
    "some": observables.sample(observables.energy, 700),
}
result = sj.simulate(
    dynamics, sj.thermal(0, electron, 5000, 10.0), duration=300.0, dt=10.0, every=5, record=record,
    step=sj.with_relaxation(sj.rk4, tau=200.0, temperature=10.0), tile=512,
)
step = sj.with_relaxation(sj.rk4, tau=200.0, temperature=10.0)
more = sj.simulate(dynamics, result.final, start=300.0, duration=100.0, dt=10.0, every=5, record=record, step=step, tile=512)
digest = hashlib.sha256()
for x in jax.tree.leaves((result.frames, more.frames, more.final.phase, more.final.steps)):
    digest.update(np.asarray(x).tobytes())
print(jax.device_count(), digest.hexdigest())
"""


def test_one_and_three_devices_give_the_same_bits_and_a_run_goes_on():
    environment = {name: value for name, value in os.environ.items() if name not in ("XLA_FLAGS", "SEMIJAX_ENGINE")} | {
        "JAX_PLATFORMS": "cpu"
    }
    found = {}
    for devices in ("1", "3"):  # ten tiles: dealt out to three devices, two stay empty
        done = subprocess.run([sys.executable, "-c", RUN, devices], capture_output=True, text=True, check=True, env=environment)
        count, found[devices] = done.stdout.split()
        assert count == devices
    assert found["1"] == found["3"]
