"""Pictures of zones, Fermi surfaces and band lines: what is drawn lies where it should, and mistakes are one line."""

import importlib.util
import sys

import numpy as np
import pytest
from pictures import styled_and_closed  # noqa: F401
from test_survey import square

from semijax import bands, lattice, plot, survey, units
from semijax._types import SemijaxError
from semijax.plot import surfaces

FCC = 1.805 * np.array([[-1.0, 0, 1], [0, 1, 1], [-1, 1, 0]])
needs_skimage = pytest.mark.skipif(importlib.util.find_spec("skimage") is None, reason="scikit-image is missing")


def cubic(period=3.0):
    """−(cos kx a + cos ky a + cos kz a), eV."""
    return bands.tight_binding({(period, 0, 0): -1.0, (0, period, 0): -1.0, (0, 0, period): -1.0}, lattice=period * np.eye(3))


def test_a_zone_has_its_faces():
    faces = lattice.zone_faces(FCC)
    assert sorted(len(corners) for _, corners in faces) == [4] * 6 + [6] * 8  # a truncated octahedron
    for normal, corners in faces:
        np.testing.assert_allclose(corners @ normal, normal @ normal / 2, rtol=1e-9)
    with pytest.raises(SemijaxError, match="zone_faces: lattice has shape"):
        lattice.zone_faces(np.eye(2))


def test_a_zone_shows_its_path_and_names():
    a = 3.61
    ax = plot.brillouin_zone(FCC, {"Γ": [0, 0, 0], "X": [2 * np.pi / a, 0, 0], "L": np.full(3, np.pi / a)})
    assert [text.get_text() for text in ax.texts] == ["Γ", "X", "L"]
    front, back = (len(edges._segments3d) for edges in ax.collections)
    assert front + back == 36  # the edges of a truncated octahedron
    flat = plot.brillouin_zone(square(), {"Γ": [0, 0], "X": [np.pi / 3, 0]})
    assert [text.get_text() for text in flat.texts] == ["Γ", "X"]
    np.testing.assert_allclose(np.abs(flat.patches[0].get_xy()).max(), np.pi / 3 * units.NM)
    for wrong in (np.eye(1), np.zeros((2, 2)), None, bands.parabolic(1.0)):
        with pytest.raises(SemijaxError, match=r"plot.brillouin_zone: lattice has shape"):
            plot.brillouin_zone(wrong)
    with pytest.raises(SemijaxError, match=r"plot.brillouin_zone: path"):
        plot.brillouin_zone(FCC, {"Γ": [0, 0], "X": [1, 0]})


def test_a_fermi_line_lies_at_its_level():
    model, level = square(), -2.0
    ax = plot.fermi_surface(model, level, mesh=100)
    lines = ax.collections[0]
    k = np.concatenate(lines.get_segments()) / units.NM
    assert len(k) > 100
    energies = survey.Matrices(model).energies(k * 3.0 / (2 * np.pi))[:, 0]
    # linear between points h = 2π/100a apart: off by h²E''/8 at the most, twice for two directions
    np.testing.assert_allclose(energies, level, atol=2 * (2 * np.pi / 100) ** 2 * 2 / 8)
    assert np.abs(k).max() <= np.pi / 3 + 1e-9
    assert "speed" in ax.figure.axes[1].get_ylabel()


@needs_skimage
def test_a_fermi_surface_lies_at_its_level_within_the_zone():
    band, level = cubic(), 0.0  # open necks at the zone's faces
    ax = plot.fermi_surface(band, level, mesh=24)
    k = np.asarray(ax.collections[0]._faces).reshape(-1, 3) / units.NM  # there is no public word for the triangles
    energies = -np.cos(3.0 * k).sum(axis=1)
    # as above, and where a cut leaves the zone on the chord of a triangle, once more
    np.testing.assert_allclose(energies, level, atol=3 * 2 * (2 * np.pi / 24) ** 2 / 8)
    assert np.abs(k).max() <= np.pi / 3 * (1 + 1e-9)
    assert np.isclose(np.abs(k).max(), np.pi / 3)


def test_triangles_are_cut_at_planes_without_losing_area():
    """Of a triangle of area ½ the plane x = ½ leaves 3/8, whichever corner comes first; values go along."""
    corners = np.array([[0.0, 0, 0, 0], [1, 0, 0, 1], [0, 1, 0, 0]])
    for order in ([0, 1, 2], [1, 2, 0], [2, 0, 1]):
        kept = surfaces.within(corners[order][None], [np.array([1.0, 0, 0])])
        sides = kept[:, 1:, :3] - kept[:, :1, :3]
        assert np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1).sum() / 2 == pytest.approx(3 / 8)
        assert kept[..., 0].max() == pytest.approx(0.5)
        np.testing.assert_allclose(kept[..., 3], kept[..., 0])
    assert len(surfaces.within(corners[None] + [5, 0, 0, 0], [np.array([1.0, 0, 0])])) == 0


def test_a_fermi_surface_that_cannot_be_drawn_is_one_line(monkeypatch):
    with pytest.raises(SemijaxError, match=r"level = 9 eV: allowed is one that a band crosses: -4 to 4"):
        plot.fermi_surface(square(), 9.0)
    with pytest.raises(SemijaxError, match=r"mesh = 2: allowed is a whole number from 4 to 400"):
        plot.fermi_surface(square(), 0.0, mesh=2)
    with pytest.raises(SemijaxError, match=r"plot.fermi_surface: lattice has shape"):
        plot.fermi_surface(bands.cosine(1.0, 3.0), 0.5)
    monkeypatch.setitem(sys.modules, "skimage.measure", None)
    with pytest.raises(SemijaxError, match=r"needs scikit-image: allowed is with it, pip install \"semijax\[viz\]\""):
        plot.fermi_surface(cubic(), 1.0, mesh=8)


def test_band_lines_show_bands_points_and_density():
    matrices = survey.Matrices(square())
    legs = [survey.Leg(("Γ", "X"), (0.0, 0.0), (0.5, 0.0)), survey.Leg(("M", "Γ"), (0.5, 0.5), (0.0, 0.0))]
    line = survey.line(legs, matrices.reciprocal, 60)
    energies = matrices.energies(line.k)
    density = survey.density_of_states(matrices.mesh(12), np.linspace(-5, 5, 41))
    left, right = plot.band_lines(line, energies, points=[(line.distance, energies, "theirs")], density=density, level=0.5)
    assert [text.get_text() for text in left.get_xticklabels()] == ["Γ", "X|M", "Γ"]
    drawn = left.collections[0].get_segments()
    assert len(drawn) == 2  # one band, two legs
    np.testing.assert_allclose(np.concatenate(drawn)[:, 1], energies[:, 0])
    circles = next(one for one in left.lines if one.get_label() == "theirs")
    np.testing.assert_allclose(circles.get_ydata(), energies[:, 0])
    assert right is not None
    assert right.get_ylim() == left.get_ylim()
    assert plot.band_lines(line, energies)[1] is None
    with pytest.raises(SemijaxError, match="one row for each of"):
        plot.band_lines(line, energies[:-1])
