"""How JAX starts: each case in a process of its own, as JAX starts once."""

import os
import subprocess
import sys

import pytest

START = "import os, warnings; warnings.simplefilter('error'); import semijax as sj; from semijax import bands\n"
CARRIERS = "sj.thermal(0, sj.electron(bands.parabolic(0.1)), 8, 300.0)\n"
SAY = "import jax; print(jax.device_count(), os.environ['XLA_FLAGS'])\n"


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
def test_the_first_use_gives_one_device_per_core_and_no_other_flag(first):
    status, out, complaints = ran(START + first + SAY)
    assert (status, complaints) == (0, "")
    devices, flags = out.split(maxsplit=1)
    assert int(devices) == len(os.sched_getaffinity(0))
    assert flags.split() == [f"--xla_force_host_platform_device_count={devices}"]


def test_the_first_use_keeps_what_configure_was_told():
    status, out, complaints = ran(START + "sj.configure(devices=3)\n" + CARRIERS + SAY)
    assert (status, complaints) == (0, "")
    assert out.split()[0] == "3"


def test_other_flags_of_the_user_are_left_alone():
    _, out, _ = ran(START + CARRIERS + SAY, XLA_FLAGS="--xla_cpu_enable_fast_math=false")
    assert "--xla_cpu_enable_fast_math=false" in out
    assert "--xla_force_host_platform_device_count" in out


@pytest.mark.skipif(len(os.sched_getaffinity(0)) == 1, reason="one core: nothing is lost")
def test_a_late_start_costs_lanes_cores_and_says_so_once():
    late = "import os, jax; jax.devices(); import semijax as sj; from semijax import bands\nelectron = sj.electron(bands.parabolic(0.1))\n"
    run = "sj.simulate(sj.Dynamics(electron), sj.at_k([0.0, 0.0, 0.1], 8), duration=2.0, dt=1.0)\n"
    status, _, complaints = ran(late + run + run, SEMIJAX_ENGINE="lanes")
    assert status == 0
    assert complaints.count("steps run on one of") == 1
    assert "make sj.configure() the first line of the script" in complaints
    assert ran(late + run)[2] == "", "kernels have threads of their own"
    early = "import semijax as sj; sj.configure(devices=1); import jax; jax.devices(); from semijax import bands\n"
    assert ran(early + late.partition("\n")[2] + run, SEMIJAX_ENGINE="lanes")[2] == ""


def test_an_option_that_the_compiler_does_not_know_costs_a_notice_and_no_more():
    code = (
        "import semijax.engine.wide as wide; wide._OPTIONS = {'xla_cpu_no_such_option': 1}\n"
        "import jax.numpy as jnp\n"
        "print(wide.wide_jit(lambda x: x + 1)(jnp.ones(())), wide.wide_jit(lambda x: x + 1)(jnp.ones(())))"
    )
    status, out, complaints = ran(code)
    assert (status, out) == (0, "2.0 2.0\n")
    assert complaints.count("this compiler takes no vector width") == 1
