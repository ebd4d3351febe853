"""Quantities as text: units and numbers against SI, and everything that is no quantity refused in one line."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from semijax import units
from semijax.quantities import KINDS, any_kind, internal


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("10 kV/cm", "electric", 10 * units.KV_PER_CM),
        ("10 kV cm^-1", "electric", 1e-4),
        ("1e6 V/m", "electric", 1e6 * units.V_PER_M),
        ("18 meV", "energy", 18 * units.MEV),
        ("11.4 nm", "length", 11.4 * units.NM),
        ("9.7Å", "length", 9.7),
        ("2 \u212b", "length", 2.0),
        ("1 µm", "length", units.UM),
        ("1 μm", "length", units.UM),
        ("1 ps", "time", units.PS),
        ("-3 fs", "time", -3.0),
        ("10 K", "temperature", 10.0),
        ("300 mK", "temperature", 0.3),
        ("5 T", "magnetic", 5.0),
        ("2 THz", "frequency", 2.0),
        ("500 GHz", "frequency", 0.5),
        ("1 / ps", "rate", 1e-3),
        ("1 ps^-1", "rate", 1e-3),
        ("0.1 / nm", "wavevector", 0.01),
        ("1e15 cm^-3", "density in 3D", 1e15 * units.PER_CM3),
        ("1e15 cm-3", "density in 3D", 1e15 * units.PER_CM3),
        ("1e15 cm**-3", "density in 3D", 1e15 * units.PER_CM3),
        ("1e15 cm⁻³", "density in 3D", 1e15 * units.PER_CM3),
        ("2e11 / cm^2", "density in 2D", 2e11 * units.PER_CM2),
        ("20 mV", "potential", 0.02),
        ("1 mV/nm^2", "stiffness", 1e-5),
        ("0.067 m_e", "mass", 0.067),
        ("0.64 / eV", "nonparabolicity", 0.64),
        ("3.5 eV angstrom", "dirac velocity", 3.5),
        ("0.35 eV·nm", "dirac velocity", 3.5),
        ("0.5", "energy", 0.5),
        (" 1_000 fs ", "time", 1000.0),
        (18e-3, "energy", 0.018),
        (2, "time", 2.0),
    ],
)
def test_text_becomes_the_float_inside(text, kind, expected):
    # the text is exact until its last rounding; the expectation is a product of at most three floats, each rounded once
    assert internal(text, kind) == pytest.approx(expected, rel=4 * 2.2e-16, abs=0)


def test_text_with_a_unit_is_the_same_float_as_the_number_in_the_unit_inside():
    assert [internal(text, "energy") for text in ("18 meV", "1.6 meV", "0.018 eV")] == [0.018, 0.0016, 0.018]
    assert internal("11.4 nm", "length") == 114.0
    assert internal("10 kV/cm", "electric") == 1e-4


@pytest.mark.parametrize(
    "bad",
    [
        "5 V",
        "5 meVV",
        "5 kg",
        "meV",
        "",
        "nan",
        "inf meV",
        "1e999 eV",
        math.nan,
        math.inf,
        True,
        None,
        [1],
        "1 eV/eV^9",
        "1 eV^^2",
    ]
    + ["9**9**9 eV", "1 eV**1e9", "1" * 70 + " eV", "1 (eV)", "1 eV; import os", "1 eV//m", "1e15 cm^-3^2", 10**400],
)
def test_what_is_no_energy_is_refused_with_an_example(bad):
    with pytest.raises(ValueError, match=r'^allowed is an energy such as "18 meV"$'):
        internal(bad, "energy")


def test_bounds_are_said():
    with pytest.raises(ValueError, match=r'^allowed is a time > 0 such as "1 ps"$'):
        internal("0 ps", "time", above=0)
    with pytest.raises(ValueError, match=r'^allowed is a temperature ≥ 0 such as "10 K"$'):
        internal("-1 K", "temperature", least=0)
    assert internal("0 K", "temperature", least=0) == 0


def test_several_kinds_are_tried_in_turn():
    dimensions = [f"density in {d}D" for d in (1, 2, 3)]
    assert internal("1 nm^-2", *dimensions) == pytest.approx(1e-2)
    with pytest.raises(ValueError, match="per length or a density per area or a density per volume such as"):
        internal("1 nm", *dimensions)


def test_a_free_quantity_finds_its_own_kind():
    assert any_kind("1e15 cm^-3") == pytest.approx(1e-9)
    assert any_kind("2 THz") == pytest.approx(2.0)
    assert any_kind("2 / ps") == pytest.approx(2.0)  # 1/time is a frequency, THz
    assert any_kind("GaAs") is None
    assert any_kind("3 kg") is None


def test_every_example_is_a_quantity_of_its_kind():
    for name, kind in KINDS.items():
        assert math.isfinite(internal(kind.example.split(" (")[0].strip('"'), name))


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e200, max_value=1e200))
def test_the_unit_inside_changes_nothing(x):
    assert internal(f"{x!r} eV", "energy") == x


@given(st.text(max_size=80))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    try:
        assert math.isfinite(internal(text, "electric"))
    except ValueError as error:
        assert str(error).startswith("allowed is an electric field")
