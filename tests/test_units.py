"""Every constant and factor, derived again from SI (CODATA 2018)."""

import math

import pytest

from semijax import units

E, H, KB, M0 = 1.602176634e-19, 6.62607015e-34, 1.380649e-23, 9.1093837015e-31


def test_constants_are_codata_2018():
    assert pytest.approx(0.6582119569509066, rel=1e-14) == units.HBAR  # eV fs
    assert pytest.approx(0.05685630103565723, rel=1e-14) == units.M0  # eV fs²/Å²
    assert pytest.approx(8.617333262e-5, rel=1e-9) == units.KB  # eV/K, printed to 10 digits
    assert pytest.approx(7.6199642, rel=1e-7) == units.HBAR2_M0  # eV Å², printed to 8 digits
    assert pytest.approx(2 * math.pi * units.HBAR, rel=1e-15) == units.PLANCK


def test_constants_follow_from_si():
    hbar = H / (2 * math.pi)
    assert pytest.approx(hbar / E * 1e15, rel=1e-15) == units.HBAR
    assert pytest.approx(M0 * (1e-10 / 1e-15) ** 2 / E, rel=1e-15) == units.M0
    assert pytest.approx(KB / E, rel=1e-15) == units.KB
    assert pytest.approx(hbar**2 / M0 / E * 1e20, rel=1e-14) == units.HBAR2_M0


def test_factors_at_the_border():
    assert pytest.approx(1e-4) == 10 * units.KV_PER_CM  # V/Å
    assert pytest.approx(1e5 * units.M_PER_S) == 1.0  # 1 Å/fs = 1e5 m/s
    assert pytest.approx(114.0) == 11.4 * units.NM
    assert pytest.approx(1e-9) == 1e15 * units.PER_CM3  # Å⁻³
    # q v B of one electron at 1 Å/fs in 1 T: 1.6e-19 × 1e5 N = 1e-5 eV/Å
    assert pytest.approx(E * 1e5 * 1.0 / E * 1e-10) == units.TESLA_INTERNAL
    # one elementary charge per fs through one Å², in A/cm²
    assert pytest.approx(E / 1e-15 / 1e-16) == 1 / units.A_PER_CM2
    assert pytest.approx(1e12 * 1e-15) == units.THZ_INTERNAL


def test_they_are_plain_floats():
    values = [getattr(units, name) for name in dir(units) if name.isupper() and not name.startswith("_")]
    assert values
    assert all(type(value) is float for value in values)
