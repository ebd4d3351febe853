"""How JAX starts: each case in a process of its own, as JAX starts once."""

import os
import subprocess
import sys

import pytest

START = "import os, warnings; warnings.simplefilter('error'); import semijax as sj; from semijax import bands\n"
CARRIERS = "sj.thermal(0, sj.electron(bands.parabolic(0.1)), 8, 300.0)\n"
SAY = "import jax; print(jax.device_count(), os.environ['XLA_FLAGS'])\n"
WIDTH, EXTRA = "--xla_cpu_prefer_vector_width=512", "--xla_backend_extra_options="


def ran(code, **environment):
    """(exit status, what was printed, what was complained about)."""
    cleared = {name: value for name, value in os.environ.items() if name not in ("XLA_FLAGS", "SEMIJAX_ENGINE")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**cleared, "JAX_PLATFORMS": "cpu", **environment},
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "first", [CARRIERS, "sj.at_k([0.0, 0.0, 0.1])\n", "sj.configure()\n"], ids=["thermal", "at_k", "configure"]
)
def test_the_first_use_gives_one_device_per_core_and_no_flags(first):
    status, out, complaints = ran(START + first + SAY)
    assert (status, complaints) == (0, "")
    devices, flags = out.split(maxsplit=1)
    assert int(devices) == len(os.sched_getaffinity(0))
    assert WIDTH not in flags
    assert EXTRA not in flags


def test_lanes_come_with_the_compilers_flags_and_leave_the_users_alone():
    status, out, complaints = ran(START + CARRIERS + SAY, SEMIJAX_ENGINE="lanes")
    assert (status, complaints) == (0, "")
    assert WIDTH in out
    assert EXTRA in out
    _, out, _ = ran(START + CARRIERS + SAY, SEMIJAX_ENGINE="lanes", XLA_FLAGS="--xla_cpu_prefer_vector_width=256")
    assert WIDTH not in out
    assert "--xla_cpu_prefer_vector_width=256" in out


def test_lanes_say_once_that_the_flags_came_too_late():
    late = "import os, jax; jax.devices(); import semijax as sj; from semijax import bands\n" + CARRIERS + CARRIERS
    status, _, complaints = ran(late, SEMIJAX_ENGINE="lanes")
    assert status == 0
    assert complaints.count("make sj.configure() the first line of the script") == 1
    assert ran(late)[2] == ""
