"""Tables: the facts about a material as text, and as a document for JSON."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from semijax import provenance
from semijax.materials_report.facts import Deviation, Edge, Facts
from semijax.materials_report.given import Given

METHOD = "linear interpolation in simplices of the mesh (tetrahedra, in a plane triangles), no broadening; spin not counted"


def notes(given: Given, found: Facts) -> list[str]:
    """What was read, how many bands are filled, the gaps, and what to know about them; lines."""
    matrices, level = given.matrices, given.level
    said = [
        f"{given.prefix.name}: {matrices.count} bands in {matrices.dimension} dimensions, {len(given.model.translations)} R, "
        f"{len(found.symmetry.operations)} symmetry operations of the bands; mesh {found.points}",
        f"path {given.line.words} (from {given.line_from})",
    ]
    if level is None or found.filling is None:
        said.append("no Fermi level: --fermi LEVEL tells which bands are filled")
    else:
        said.append(f"Fermi level {level:.4f} eV (from {given.level_from}): {found.filling.bands:.4g} bands filled")
        said.append(f"{found.at_level:.4g} states per eV and cell there, spin not counted")
    return [*said, *_gaps(found), *map(_deviation, found.deviations), f"density of states: {METHOD}", *given.notes]


def tables(found: Facts) -> list[Table]:
    """Extrema with masses, and velocities at named points."""
    return [*([_extrema(found)] if found.edges else []), _velocities(found)]


def document(given: Given, found: Facts) -> dict[str, Any]:
    """All facts as numbers and text, units in the names of the keys."""
    return {
        "prefix": given.prefix.name,
        "sha256": given.files,
        "versions": {name: provenance.version(name) for name in ("semijax", "numpy", "scipy")},
        "dimension": given.matrices.dimension,
        "bands": given.matrices.count,
        "lattice_A": given.matrices.lattice.tolist(),
        "mesh": found.points,
        "symmetry_operations": len(found.symmetry.operations),
        "path": {"from": given.line_from, "words": given.line.words, "legs": [leg._asdict() for leg in given.line.legs]},
        "fermi_level_eV": given.level,
        "fermi_level_from": given.level_from or None,
        "filled_bands": None if found.filling is None else found.filling.bands,
        "gap": _gap_document(found),
        "states_at_fermi_level_per_eV_cell": found.at_level,
        "band_ranges_eV": found.ranges.tolist(),
        "extrema": [_edge_document(edge) for edge in found.edges],
        "named_points": [
            {
                "label": one.label,
                "k_fractional": one.k.tolist(),
                "energy_eV": one.energies.tolist(),
                "velocity_A_per_fs": one.velocities.tolist(),
            }
            for one in found.named
        ],
        "density_of_states": {
            "method": METHOD,
            "edges_eV": found.density.edges.tolist(),
            "states_per_eV_cell": found.density.states.tolist(),
        },
        "deviations": [_deviation_document(one) for one in found.deviations],
        "notes": list(given.notes),
    }


def _gaps(found: Facts) -> list[str]:
    if found.direct is None or found.indirect is None:
        return [] if found.filling is None else ["a metal: the level lies in a band, there is no gap"]
    low, high = (next(edge for edge in found.edges if edge.kind == kind) for kind in ("maximum", "minimum"))
    places = f"{low.place} to {high.place}" if low.place != high.place else f"at {low.place}"
    said = f"gap {found.indirect:.4f} eV, {'direct' if low.place == high.place else 'indirect'}, {places}"
    if found.indirect <= 1e-3:
        said = f"no gap: bands {low.band} and {high.band} {'overlap' if found.indirect < -1e-3 else 'touch'}, {places}"
    refined = "" if found.direct.refined else ", on the mesh"
    return [f"{said}; smallest direct gap {found.direct.energy:.4f} eV at {found.direct_place}{refined}"]


def _extrema(found: Facts) -> Table:
    table = Table("band", "", "at", "×", "E (eV)", "masses (m0) along axes (x, y, z)", title="extrema", title_justify="left")
    for edge in found.edges:
        one = edge.found
        where = edge.place + ("" if one.refined else " *")
        table.add_row(str(edge.band), edge.kind, where, str(one.count), f"{one.energy:.5f}", _masses(edge))
    if any(not edge.found.refined for edge in found.edges):
        table.caption = "* on the mesh: Newton's method found no end near"
    return table


def _masses(edge: Edge) -> str:
    one = edge.found
    if one.masses is not None and one.axes is not None:
        return "\n".join(
            f"{mass:9.4f}  ({', '.join(f'{x:.3f}' for x in _tidy(axis))})" for mass, axis in zip(one.masses, one.axes)
        )
    what = f"bands {', '.join(map(str, one.bands))} touch"
    unit = "ħv (eV Å)" if one.cone else "masses"
    rows = [f"{unit} along [{' '.join(map(str, way))}]: {', '.join(f'{x:.4f}' for x in values)}" for way, values in one.along]
    return "\n".join([what + (" in a cone" if one.cone else ""), *rows])


def _tidy(axis: np.ndarray) -> np.ndarray:
    """An axis with its largest component positive, and no −0."""
    axis = axis * np.sign(axis[np.abs(axis).argmax()])
    return np.where(np.abs(axis) < 5e-4, 0.0, axis)


def _velocities(found: Facts) -> Table:
    table = Table(
        "point", "band", "E (eV)", "velocity (Å/fs)", "speed", title="group velocities at named points", title_justify="left"
    )
    for one in found.named:
        for i in found.shown:
            v = one.velocities[i]
            parts = ", ".join(f"{x:.4f}" for x in np.where(np.abs(v) < 5e-5, 0.0, v))
            table.add_row(one.label, str(i), f"{one.energies[i]:.5f}", parts, f"{np.linalg.norm(v):.4f}")
    table.caption = "where bands touch, the average of those that do"
    return table


def _deviation(one: Deviation) -> str:
    """One line: how far H(R) is from another program's bands."""
    window = "" if one.frozen is None else " below the frozen window's top"
    each = ", ".join("–" if np.isnan(x) else f"{1e3 * x:.3g}" for x in one.rms)
    total = one.all if one.frozen is None else one.frozen
    bands = f"bands {one.first} to {one.first + len(one.rms) - 1}"
    return f"{Path(one.name).name}, {bands} at {one.k} k: rms deviation{window} {1e3 * total:.3g} meV, band by band {each}"


def _gap_document(found: Facts) -> dict[str, Any] | None:
    if found.direct is None:
        return None
    return {
        "gap_eV": found.indirect,
        "direct_eV": found.direct.energy,
        "direct_at": found.direct_place,
        "direct_k_fractional": found.direct.k.tolist(),
        "direct_refined": found.direct.refined,
    }


def _edge_document(edge: Edge) -> dict[str, Any]:
    one = edge.found
    return {
        "band": edge.band,
        "kind": edge.kind,
        "at": edge.place,
        "k_fractional": one.k.tolist(),
        "energy_eV": one.energy,
        "places": one.count,
        "touching_bands": list(one.bands),
        "masses_m0": None if one.masses is None else one.masses.tolist(),
        "axes": None if one.axes is None else one.axes.tolist(),
        "cone": one.cone,
        ("hbar_v_eV_A" if one.cone else "masses_along_m0"): [
            {"direction": list(way), "values": values.tolist()} for way, values in one.along
        ],
        "refined": one.refined,
    }


def _deviation_document(one: Deviation) -> dict[str, Any]:
    return {
        "file": Path(one.name).name,
        "first_band": one.first,
        "rms_eV": one.all,
        "rms_frozen_eV": one.frozen,
        "rms_of_bands_eV": [None if np.isnan(x) else float(x) for x in one.rms],
    }
