"""Pictures of clouds, orbits and patches of phase space: what is on the axes."""

import jax.numpy as jnp
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from pictures import MINIBAND, PERIOD, TIME, WIDTH, legend, line, styled_and_closed

from semijax import bands, plot, units
from semijax._types import SemijaxError
from semijax.plot import zone
from semijax.plot.orbits import enclosed

__all__ = ["styled_and_closed"]


def test_zone_cloud_of_a_superlattice_between_its_edges():
    k = np.random.default_rng(0).normal(size=(6000, 3)) * [0.005, 0.005, 0.03]
    ax = plot.zone_cloud(jnp.asarray(k, jnp.float32), MINIBAND, label="electrons")
    x, z = line(ax, "electrons").get_data()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$k_x$ (nm⁻¹)", "$k_z$ (nm⁻¹)")
    assert len(x) == 5000
    edge = 10 * np.pi / PERIOD
    assert np.abs(z).max() <= edge * (1 + 1e-6)
    np.testing.assert_allclose(x, 10 * k[:5000, 0], rtol=1e-5, atol=1e-7)
    corners = next(a for a in ax.get_children() if isinstance(a, mpl.patches.Polygon)).get_xy()
    np.testing.assert_allclose(np.unique(np.abs(corners[:, 1]).round(9)), [edge], rtol=1e-6)
    assert np.abs(corners[:, 0]).min() > ax.get_xlim()[1]
    assert {text.get_text() for text in ax.texts} == {"$k_z = +\\pi/d$", "$k_z = -\\pi/d$"}


def test_zone_cloud_in_graphene_is_inside_the_hexagon():
    k = np.random.default_rng(1).normal(size=(300, 2)) * 3
    ax = plot.zone_cloud(k, bands.graphene())
    hexagon = zone.outline(np.asarray(bands.graphene().lattice), (0, 1))
    assert len(hexagon) == 6
    # corners are the Dirac points, 4π/(3√3 bond) from Γ
    np.testing.assert_allclose(np.hypot(*hexagon.T), 4 * np.pi / (3 * np.sqrt(3) * 1.42))
    found = np.stack(ax.lines[0].get_data(), 1) / 10
    assert mpl.path.Path(hexagon * (1 + 1e-9)).contains_points(found).all()
    assert ax.get_aspect() == 1


def test_outline_of_the_fcc_zone_seen_along_an_axis_is_an_octagon():
    a = 5.43
    corners = zone.outline(a / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]), (0, 2))
    # the square X faces end at (2π/a)(1, ±1/2)
    assert {tuple(sorted(x)) for x in np.abs(corners * a / (2 * np.pi)).round(9).tolist()} == {(0.5, 1.0)}
    assert len(corners) == 8


def test_clouds_in_one_dimension_are_histograms():
    x = np.random.default_rng(2).normal(size=(4000, 1))
    ax = plot.zone_cloud(x / PERIOD, bands.cosine(WIDTH, PERIOD), label="k")
    at, height = line(ax, "k").get_data()
    assert np.sum(height) * (at[1] - at[0]) == pytest.approx(1.0)
    assert ax.get_xlabel() == "$k$ ($\\pi/d$)"
    ax = plot.real_space_cloud(100 * x, label="x")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("position (nm)", "probability density (nm⁻¹)")


def test_real_space_cloud_with_the_given_covariance():
    r = np.random.default_rng(3).normal(size=(200, 3)) * 30
    covariance = np.diag([400.0, 1.0, 2500.0])
    ax = plot.real_space_cloud(r, mean=[0.0, 0.0, 100.0], covariance=covariance, label="electrons")
    one, two = ax.patches
    assert (one.width, one.height) == (pytest.approx(10.0), pytest.approx(4.0))  # along the longer axis, z: 2σ = 100 Å
    assert two.width == pytest.approx(20.0)
    assert abs(one.angle) == pytest.approx(90)
    np.testing.assert_allclose(one.center, (0, 10))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("position $x$ (nm)", "position $z$ (nm)")


@pytest.mark.parametrize("axes", [(0, 3), (1, 1), (0,), "xy"])
def test_a_plane_that_does_not_exist_is_named(axes):
    with pytest.raises(SemijaxError, match="axes ="):
        plot.real_space_cloud(np.zeros((5, 3)), axes=axes)


def test_a_lattice_of_another_dimension_is_named():
    with pytest.raises(SemijaxError, match="rows of length 3"):
        plot.zone_cloud(np.zeros((5, 3)), bands.graphene())


def test_pair_tracks():
    electron, hole = np.zeros((401, 3)), np.zeros((401, 3))
    electron[:, 2], hole[:, 2] = 0.05 * TIME, -0.01 * TIME
    ax = plot.pair_tracks(TIME, electron, hole)
    np.testing.assert_allclose(line(ax, "electron").get_ydata(), 0.005 * TIME)
    np.testing.assert_allclose(line(ax, "hole").get_ydata(), -0.001 * TIME)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time $t$ (ps)", "position $z$ (nm)")


def _circle(radius, corners=400):
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return radius * np.stack([np.cos(turn), np.sin(turn)], 1)


def test_fermi_orbit_gives_its_area_and_frequency():
    ax = plot.fermi_orbit(_circle(0.2), band=bands.parabolic(0.2, dimension=2))
    # A = π 0.04 Å⁻² = 12.57 nm⁻²; F = 10475.77 T Å² × A
    assert ax.texts[-1].get_text() == "$A_k$ = 12.57 nm⁻²\n$F$ = 1316 T"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$k_x$ (nm⁻¹)", "$k_y$ (nm⁻¹)")
    assert ax.figure.axes[-1].get_ylabel() == "energy $E$ (eV)"


def test_signed_area_of_a_polygon():
    square = np.array([[1.0, 1], [3, 1], [3, 2], [1, 2]])
    assert enclosed(square) == 2
    assert enclosed(square[::-1]) == -2


def test_folded_orbits_are_broken_at_the_zone_edge():
    lattice = np.eye(2) * 3.0
    k = np.stack([np.linspace(0, 3, 301), np.full(301, 0.2)], 1)
    folded = (k + np.pi / 3) % (2 * np.pi / 3) - np.pi / 3
    ax = plot.k_orbits(folded, lattice=lattice, label="orbit")
    x = np.asarray(line(ax, "orbit").get_xdata())
    assert np.isnan(x).sum() == 1
    assert np.nanmax(np.abs(np.diff(x))) < 0.2
    outline = ax.lines[-1].get_xydata()
    np.testing.assert_allclose(np.abs(outline), 10 * np.pi / 3)


def test_several_orbits_show_where_they_start_and_turn():
    tracks = np.stack([_circle(r) for r in (0.1, 0.2)], 1)
    ax = plot.k_orbits(tracks)
    starts = [one.get_xydata()[0] for one in ax.lines if one.get_marker() == "o"]
    np.testing.assert_allclose(starts, [(1, 0), (2, 0)], atol=1e-12)
    assert len(ax.texts) == 2  # one arrow each


def test_orbit_on_its_ellipsoid():
    band = bands.ellipsoidal([0.19, 0.19, 0.92], center=[0.0, 0.0, 1.0])
    centre, axes = plot.energy_ellipsoid(band, 0.05)
    np.testing.assert_allclose(centre, [0, 0, 1])
    # half axes sqrt(2 m E)/ħ
    lengths = np.sqrt(2 * 0.05 * np.array([0.19, 0.19, 0.92]) / units.HBAR2_M0)
    np.testing.assert_allclose(np.sort(np.linalg.norm(axes, axis=1)), lengths, rtol=1e-9)
    for row in axes:
        assert float(band(centre + row)) == pytest.approx(0.05)
    ax = plot.orbit_3d(centre + _circle(1.0) @ axes[:2], [(centre, axes)], magnetic=[0, 0, 1], label="orbit")
    assert ax.get_zlabel() == "$k_z$ (nm⁻¹)"
    np.testing.assert_allclose(np.stack(line(ax, "orbit").get_data_3d(), 1), 10 * (centre + _circle(1.0) @ axes[:2]))
    assert ax.texts[0].get_text() == "$B$"


def test_ellipsoids_that_do_not_exist_are_named():
    with pytest.raises(SemijaxError, match="above a minimum"):
        plot.energy_ellipsoid(bands.parabolic(0.2, minimum=1.0), 0.5)
    with pytest.raises(SemijaxError, match="three-dimensional"):
        plot.orbit_3d(np.zeros((5, 3)), ax=plt.subplots()[1])


def test_phase_space_patch_gives_areas():
    k = np.array([[0.0, 0.01, 0.01, 0.0]] * 3)
    r = np.array([[0.0, 0, 50, 50], [0.0, 40, 90, 50], [0.0, 0, 25, 25]])
    ax = plot.phase_space_patch([0.0, 100.0, 200.0], k, r, snapshots=3, name="z")
    assert legend(ax) == [
        "$t$ = 0,  $A/A_0$ = 1.0000",
        "$t$ = 100 fs,  $A/A_0$ = 1.0000",  # a shear keeps the area
        "$t$ = 200 fs,  $A/A_0$ = 0.5000",
    ]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("position $z$ (nm)", "wavevector $k_z$ (nm⁻¹)")
    np.testing.assert_allclose(ax.patches[1].get_xy()[:4], np.stack([r[1] / 10, k[1] * 10], 1))
