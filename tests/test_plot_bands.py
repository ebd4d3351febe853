"""Pictures of bands and their occupation: what is on the axes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from pictures import MINIBAND, PERIOD, TIME, WIDTH, legend, line, styled_and_closed

from semijax import bands, plot, units
from semijax._types import SemijaxError

__all__ = ["styled_and_closed"]


def test_band_of_a_superlattice_in_zone_units():
    ax = plot.band(MINIBAND, label="miniband")
    x, y = line(ax, "miniband").get_data()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$k_z$ ($\\pi/d$)", "energy $E$ (meV)")
    assert ax.get_xlim() == (-1.0, 1.0)
    np.testing.assert_allclose(y, 9 * (1 - np.cos(np.pi * x)), atol=1e-9)


def test_band_without_a_lattice_in_inverse_nanometres():
    ax = plot.band(bands.kane(0.067, 0.64), direction=[1, 1, 0], span=(0.0, 0.05))
    assert ax.get_xlabel() == "$k$ along [110] (nm⁻¹)"
    gamma = units.HBAR2_M0 / 2 * 0.05**2 / 0.067
    x, y = ax.lines[0].get_data()
    assert x[-1] == pytest.approx(0.5)
    assert y[-1] == pytest.approx(1e3 * (np.sqrt(1 + 4 * 0.64 * gamma) - 1) / (2 * 0.64))


def test_band_beyond_one_zone_marks_its_edges():
    ax = plot.band(MINIBAND, span=(-2.2 * np.pi / PERIOD, 2.2 * np.pi / PERIOD))
    edges = sorted(float(one.get_xdata()[0]) for one in ax.lines if len(one.get_xdata()) == 2)
    np.testing.assert_allclose(edges, [-1.0, 1.0])


def test_band_along_named_points():
    k, m = 4 * np.pi / (3 * np.sqrt(3) * 1.42), 2 * np.pi / (3 * 1.42)
    points = [("Γ", [0.0, 0.0]), ("K", [k, 0.0]), ("M", [k * 0.75, k * np.sqrt(3) / 4]), ("Γ", [0.0, 0.0])]
    ax = plot.band(bands.graphene(), points, label="π*")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["Γ", "K", "M", "Γ"]
    np.testing.assert_allclose(ax.get_xticks(), 10 * np.array([0, k, 1.5 * k, 1.5 * k + m]), rtol=1e-9)
    x, y = line(ax, "π*").get_data()
    # E = 3t at Γ, 0 at K, t at M
    np.testing.assert_allclose(np.interp(ax.get_xticks(), x, y), [8.1, 0, 2.7, 8.1], atol=1e-6)


@pytest.mark.parametrize("as_function", [True, False])
def test_occupation_stands_on_the_band(as_function):
    edges = np.linspace(-np.pi / PERIOD, np.pi / PERIOD, 81)
    middle = (edges[1:] + edges[:-1]) / 2
    occupation = (
        (lambda E: np.exp(-E / 2e-3)) if as_function else (edges, np.exp(-(WIDTH / 2) * (1 - np.cos(middle * PERIOD)) / 2e-3))
    )
    ax = plot.band(MINIBAND, occupation=occupation)
    top = ax.collections[0].get_paths()[0].vertices
    # highest where the band is lowest: 30 % of the bandwidth above k = 0; the histogram's mesh flattens its top by 2 %
    assert top[np.abs(top[:, 0]) < 1e-9, 1].max() == pytest.approx(0.3 * 18, rel=0.03)


def test_bands_and_mass():
    top, middle, bottom = plot.bands_and_mass(MINIBAND, label="electron")
    x, velocity = line(middle, "electron").get_data()
    inverse = line(bottom, "electron").get_ydata()
    assert [ax.get_ylabel() for ax in (top, middle, bottom)] == [
        "energy $E$ (meV)",
        "velocity $v$ (km/s)",
        "inverse mass $m_0/m$",
    ]
    assert bottom.get_xlabel() == "$k_z$ ($\\pi/d$)"
    # v_max = Δd/2ħ; 1/m = Δd²/2ħ² at the bottom; 1 Å/fs = 100 km/s
    assert velocity.max() == pytest.approx(100 * WIDTH * PERIOD / (2 * units.HBAR), rel=1e-6)
    assert inverse.max() == pytest.approx(WIDTH * PERIOD**2 / (2 * units.HBAR**2) * units.M0, rel=1e-6)
    # the shaded part is |k| > π/2d, up to one point of the cut
    shaded = sorted(tuple(patch.get_bbox().intervalx) for patch in bottom.patches)
    np.testing.assert_allclose(shaded, [(-1, -0.5), (0.5, 1)], atol=0.006)
    assert x[0] == -1


def test_bands_and_mass_into_given_axes():
    _, axes = plt.subplots(3, 1)
    assert plot.bands_and_mass(MINIBAND, ax=axes)[2] is axes[2]
    with pytest.raises(SemijaxError, match="three Axes"):
        plot.bands_and_mass(MINIBAND, ax=axes[:2])


def test_occupation_map_counts_in_even_fillings():
    edges, counts = np.linspace(-np.pi / PERIOD, np.pi / PERIOD, 11), np.full((401, 10), 7)
    counts[-1] = np.arange(10)
    ax = plot.occupation_map(TIME, edges, counts, period=PERIOD)
    image = ax.collections[0].get_array()
    np.testing.assert_allclose(image[:, 0], 1.0)
    np.testing.assert_allclose(image[:, -1], np.arange(10) / 4.5)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time $t$ (ps)", "$k_z$ ($\\pi/d$)")
    np.testing.assert_allclose(ax.get_ylim(), (-1, 1))
    np.testing.assert_allclose(ax.get_xlim(), (0, 4))
    assert "even filling" in ax.figure.axes[-1].get_ylabel()


def test_miniband_beside_its_occupation():
    edges = np.linspace(-np.pi / PERIOD, np.pi / PERIOD, 41)
    left, right = plot.miniband_with_occupation(MINIBAND, TIME, edges, np.ones((401, 40)), snapshots=(0, 120))
    assert (left.get_xlabel(), left.get_ylabel()) == ("energy $E$ (meV)", "$k_z$ ($\\pi/d$)")
    assert right.get_xlabel() == "time $t$ (ps)"
    assert left.get_ylim() == right.get_ylim() == (-1.0, 1.0)
    assert legend(right) == ["$t$ = 0", "$t$ = 120 fs"]
    assert [float(one.get_xdata()[0]) for one in right.lines] == [0.0, 0.12]


def test_occupation_map_refuses_other_shapes():
    with pytest.raises(SemijaxError) as error:
        plot.occupation_map(TIME, np.arange(5.0), np.ones((401, 5)))
    assert "edges (5,)" in str(error.value)
