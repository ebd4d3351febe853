"""Case files: what a good one becomes, and that every mistake is one line naming file, key, value and what is allowed."""

import copy
import tomllib

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semijax import build, config, units
from semijax._types import SemijaxError
from semijax.cases import shipped

CASE = """
title = "a miniband"
[run]
duration = "4 ps"
carriers = 1_000
frames = 20
[carriers]
kind = "thermal"
temperature = "10 K"
[species.electron]
band = { kind = "superlattice", bandwidth = "18 meV", period = "11.4 nm", mass = 0.067 }
[species.hole]
band = { kind = "superlattice", bandwidth = "1.6 meV", period = "11.4 nm", mass = 0.11, negate = true }
[[field]]
kind = "uniform"
electric = ["0 kV/cm", "0 kV/cm", "10 kV/cm"]
[relaxation]
tau = "1 ps"
temperature = "10 K"
[record]
drift = "mean velocity"
zone = { by = "histogram", of = "folded_wavevector", axis = 2, low = "-0.2 / nm", high = 0.02, bins = 60 }
[scan]
key = "field.0.electric.2"
first = "2 kV/cm"
last = "20 kV/cm"
points = 10
carriers = 100
[analysis]
density = "1e15 cm^-3"
material = "GaAs"
"""


def document(**changes):
    tables = tomllib.loads(CASE)
    for key, value in changes.items():
        tables = config.changed(tables, key.replace("__", "."), value)
    return tables


def test_units_become_the_floats_inside():
    case = config.check(document())
    assert case.run.duration == 4 * units.PS
    assert case.species["electron"].band.bandwidth == 0.018
    assert case.field[0].electric[2] == 10 * units.KV_PER_CM
    assert case.record["zone"].low == pytest.approx(-0.02)
    assert case.record["drift"].of == "velocity"
    assert case.analysis == {"density": pytest.approx(1e-9, rel=1e-15), "material": "GaAs"}
    assert case.run.precision == "float32"


def test_a_scan_is_the_case_again_with_one_key_changed():
    case = config.check(document())
    points = config.scan_cases(case)
    np.testing.assert_allclose(
        [config.value_at(p, "field.0.electric.2") for p in points], np.linspace(2e-5, 2e-4, 10), rtol=1e-15
    )
    assert {p.run.carriers for p in points} == {100}
    assert all(p.scan is None for p in points)
    listed = config.check(document(scan={"key": "relaxation.tau", "values": ["1 ps", 500]}))
    assert [p.relaxation.tau for p in config.scan_cases(listed)] == [1000.0, 500.0]
    assert config.scan_key(listed) == ("relaxation.tau", "fs")


def test_overrides_are_toml_or_else_text(tmp_path):
    (tmp_path / "my.toml").write_text(CASE)
    overrides = [("run.dt", "2 fs"), ("field.0.electric.2", "5 kV/cm"), ("run.carriers", "1e4"), ("run.volume", "true")]
    case = config.load(tmp_path / "my.toml", overrides)
    assert (case.run.dt, case.field[0].electric[2], case.run.carriers, case.run.volume) == (2.0, 5e-5, 10_000, True)
    assert config.as_toml("[1, 2]") == [1, 2]
    assert config.as_toml("1\nother = 2") == "1\nother = 2"  # never a second key
    assert case.where == "my.toml"
    assert case.directory == tmp_path


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("run.carrierz", 5, "run.carrierz = 5: unknown key, allowed is carriers"),
        ("runs", {}, "runs = {}: unknown key, allowed is run"),
        ("species.electron.band.periode", 5, "species.electron.band.periode = 5: unknown key, allowed is period"),
        ("species.electron.band.kind", "superlatice", "nearest is superlattice"),
        ("species.electron.band.kind", 3, "species.electron.band.kind = 3: allowed are parabolic, "),
        ("species.electron.band", {}, "species.electron.band.kind is missing: allowed are parabolic, "),
        ("species.electron.band", [1], "allowed is a table whose kind is one of parabolic, "),
        ("field.0.kind", "unifrom", "nearest is uniform"),
        ("run.step", "rk5", "nearest is rk4"),
        ("run.precision", "float16", "allowed are float32, float64"),
        ("record.drift", "mean velocty", "nearest is velocity"),
        ("record.drift", "velocity", 'allowed is text such as "mean velocity"'),
        ("report", "superlatice", 'report = "superlatice": allowed'),
        ("run.carriers", "many", 'run.carriers = "many": allowed is a whole number from 1'),
        ("run.carriers", 1.5, "run.carriers = 1.5: allowed is a whole number from 1"),
        ("run.carriers", True, "run.carriers = true: allowed is a whole number"),
        ("run.carriers", 0, "run.carriers = 0: allowed is a whole number from 1"),
        ("run.carriers", -5, "run.carriers = -5: allowed is a whole number from 1"),
        ("run.carriers", 10**12, "allowed is a whole number from 1 to 2147483647"),
        ("run.carriers", 10**400, "a whole number of more than 50 digits: allowed is"),
        ("run.frames", 0, "run.frames = 0: allowed is a whole number from 1"),
        ("run.every", 2, "allowed is only one of frames and every"),
        ("run.dt", 0, "run.dt = 0: allowed is a time > 0"),
        ("run.dt", "-1 fs", 'run.dt = "-1 fs": allowed is a time > 0 such as "1 ps"'),
        ("run.dt", "5 ps", "allowed is at most the duration, 4000 fs"),
        ("run.dt", 1e-9, "allowed is at least 4e-06 fs"),
        ("run.duration", float("nan"), "run.duration = nan: allowed is a time > 0"),
        ("run.duration", float("inf"), "run.duration = inf: allowed is a time > 0"),
        ("run.duration", "4 parsec", 'run.duration = "4 parsec": allowed is a time > 0 such as "1 ps"'),
        ("run.duration", "4 eV", 'run.duration = "4 eV": allowed is a time > 0'),
        ("run.duration", [1], "run.duration = [1]: allowed is a time > 0"),
        ("run.volume", 1, "run.volume = 1: allowed is true or false"),
        ("run.seed", -1, "run.seed = -1: allowed is a whole number from 0"),
        ("title", 3, "title = 3: allowed is text"),
        ("species.electron.band.mass", 0, "band.mass = 0: allowed is a mass > 0 such as 0.067"),
        ("species.electron.band.mass", float("nan"), "band.mass = nan: allowed is a mass > 0"),
        ("species.electron.band.period", "0 nm", "allowed is a length > 0"),
        ("species.electron.degeneracy", 0, "allowed is a whole number from 1"),
        ("species.electron.charge", "positron", "allowed are electron, hole"),
        ("species.muon", {"band": {"kind": "kane", "mass": 1, "alpha": 0}}, "species.muon.charge is missing"),
        ("species", {}, "species = {}: allowed is a table of at least 1"),
        ("species.electron.band", {"kind": "cosine", "bandwidth": 1, "period": 3}, "allowed is 1, that of the first species"),
        ("carriers.temperature", "-10 K", 'carriers.temperature = "-10 K": allowed is a temperature > 0'),
        ("carriers.density", "1e10 cm^-2", 'allowed is a density per volume such as "1e15 cm^-3"'),
        ("carriers.position", [1, 2], "carriers.position = [1, 2]: allowed is a list of 3 in 3 dimensions"),
        ("relaxation.tau", 0, "allowed is a time > 0"),
        ("field.0.electric", "10 kV/cm", "allowed is a list of one to three: each an electric field"),
        ("field.0.electric", [1], "field.0.electric = [1]: allowed is a list of 3"),
        ("field.0.electric.2", "10 kV", 'field.0.electric.2 = "10 kV": allowed is an electric field such as "10 kV/cm"'),
        ("field.0.magnetic", ["5 T"], "allowed is three numbers in three dimensions"),
        ("field.1.electric", [1, 2, 3], "allowed after field is 0 to 0"),
        ("field.0.electric.2.3", 1, "allowed is no key below field.0.electric.2"),
        ("field.0", {"kind": "tabulated", "file": "no.txt"}, "allowed is an existing file"),
        ("record.zone.low", "1 eV", "record.zone.low"),
        ("record.zone", {"by": "histogram", "of": "energy"}, "record.zone.low is missing"),
        ("record.zone.axis", 3, "allowed is a whole number from 0 to 2"),
        ("record.v", "mean log_volume", "allowed with run.volume = true"),
        ("record.a b", "mean energy", "allowed is a name of letters, digits and _"),
        ("scan", {"key": "field.0.electrik", "values": [1]}, "field.0.electrik = 1: unknown key, allowed is electric"),
        ("scan.key", "field.0.electrik.2", "allowed with first and last is a key that takes a quantity"),
        ("scan.key", "run.carriers", "allowed is a key of species"),
        ("scan.points", 1, "allowed is a whole number from 2"),
        ("scan.last", "3 K", "allowed is an electric field"),
        ("scan.values", [1], "allowed with either values = [...], or first, last and points"),
        ("scan", {"key": "run.dt", "values": [1, 0]}, "my.toml [scan]: run.dt = 0: allowed is a time > 0"),
        ("analysis.x", float("inf"), "analysis.x = inf: allowed is a number"),
    ],
)
def test_a_mistake_is_one_line_in_the_users_words(key, value, says):
    with pytest.raises(SemijaxError) as caught:
        config.scan_cases(config.check(config.changed(document(), key, value, "my.toml"), "my.toml"))
    message = str(caught.value)
    assert says in message
    assert message.startswith("my.toml")
    assert all("allowed" in line and "Traceback" not in line for line in message.split("\n"))


def test_a_missing_key_says_what_it_would_take():
    tables = document()
    del tables["run"]["duration"]
    with pytest.raises(SemijaxError, match=r'^my.toml: run.duration is missing: allowed is a time > 0 such as "1 ps"$'):
        config.check(tables, "my.toml")


def test_several_mistakes_are_several_lines():
    tables = document(run__dt=-1, relaxation__tau="x")
    with pytest.raises(SemijaxError, match=r"(?s)^case: run.dt = -1: .*\ncase: relaxation.tau = \"x\": .*"):
        config.check(tables)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[run\n", "not TOML"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"x = " + b"[" * 10_000, "nested too deeply"),
        (b"a" + b".a" * 20_000 + b" = 1", "a key of more than 16 parts"),
        (b"x = " + b"9" * 5_000, "not TOML"),
        (b"# " + b"x" * 1_000_001, "allowed are at most 1000000"),
        (b"", "run is missing"),
    ],
)
def test_files_that_are_no_cases(tmp_path, content, says):
    path = tmp_path / "my.toml"
    path.write_bytes(content)
    with pytest.raises(SemijaxError, match=says):
        config.load(path)


def test_a_missing_file_and_a_directory_are_named(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(SemijaxError, match="no such file: allowed is a TOML case file"):
            config.load(path)


def test_shipped_cases_are_valid():
    for path in shipped().values():
        assert config.load(path).title


def test_every_key_of_a_case_has_a_schema():
    schema = config.Case.model_json_schema()
    assert set(schema["properties"]) == set(config.Case.model_fields)
    assert schema["additionalProperties"] is False


# -- what a case builds -----------------------------------------------------------------------------------------------------


def test_species_field_and_carriers_follow_the_tables():
    case = config.check(document())
    dynamics = build.dynamics(case)
    assert {name: one.species.charge for name, one in dynamics.items()} == {"electron": -1, "hole": 1}
    k = np.array([0.0, 0.0, np.pi / 114.0])
    # the hole's band is the negated valence band reflected: −(−E(−k)) = E(k), at its zone edge the whole bandwidth
    np.testing.assert_allclose([one.species.band(k) for one in dynamics.values()], [0.018, 0.0016], rtol=1e-12)
    carriers = build.carriers(case, {name: one.species for name, one in dynamics.items()})
    assert {c.count for c in carriers.values()} == {1000}
    assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(carriers) if np.issubdtype(leaf.dtype, np.floating))
    assert not np.array_equal(carriers["electron"].phase.wavevector[:, :2], carriers["hole"].phase.wavevector[:, :2])


def test_pairs_start_at_opposite_wavevectors():
    start = {"kind": "at_k", "wavevector": [0.01, 0.0, 0.02], "pairs": True}
    case = config.check(document(carriers=start, run__precision="float64"))
    made = build.carriers(case, build.species(case))
    np.testing.assert_array_equal(made["electron"].phase.wavevector, -made["hole"].phase.wavevector)


BANDS = [
    {"kind": "parabolic", "mass": 0.067},
    {"kind": "ellipsoidal", "masses": [0.19, 0.19, 0.98], "center": [0, 0, "1 / nm"]},
    {"kind": "kane", "mass": 0.067, "alpha": "0.64 / eV"},
    {"kind": "warped", "A": 13.4, "B": 8.5, "C": 13.1},
    {"kind": "cosine", "bandwidth": "20 meV", "period": "10 nm", "dimension": 2},
    {"kind": "superlattice", "bandwidth": "18 meV", "period": "11.4 nm", "mass": 0.067},
    {"kind": "tight_binding", "hopping": [{"vector": ["3 Å"], "energy": "0.1 eV"}, {"vector": ["-3 Å"], "energy": "0.1 eV"}]},
    {"kind": "graphene"},
    {"kind": "massive_dirac", "gap": "1.6 eV", "hbar_v": "3.5 eV angstrom"},
]


@pytest.mark.parametrize("band", BANDS, ids=lambda band: band["kind"])
def test_every_kind_of_band_is_built_and_negated(band):
    case = config.check(
        {
            "run": {"duration": 1},
            "carriers": {"kind": "at_k", "wavevector": [0.0]},
            "species": {"electron": {"band": band}},
        }
        | _start(band)
    )
    up, down = (build.band(table) for table in (case.species["electron"].band, _negated(case)))
    k = np.full(case.dimension, 0.013)
    assert float(up(k)) == -float(down(k))
    assert up.dimension == case.dimension


def _start(band):
    d = {"cosine": 2, "tight_binding": 1, "graphene": 2, "massive_dirac": 2}.get(band["kind"], 3)
    return {"carriers": {"kind": "at_k", "wavevector": [0.0] * d}}


def _negated(case):
    return case.species["electron"].band.model_copy(update={"negate": True})


@pytest.mark.parametrize(
    ("field", "t", "r", "electric"),
    [
        ({"kind": "uniform", "electric": [0, 0, "1 V/angstrom"]}, 0.0, [0, 0, 0], [0, 0, 1]),
        ({"kind": "ac", "electric": [1, 0, 0], "frequency": "1 THz"}, 500.0, [0, 0, 0], [-1, 0, 0]),
        ({"kind": "ac", "electric": [1, 0, 0], "quadrature": [0, 1, 0], "frequency": "1 THz"}, 250.0, [0, 0, 0], [0, -1, 0]),
        ({"kind": "pulse", "electric": [0, 2, 0], "frequency": 1, "duration": "1 ps", "center": 70}, 70.0, [0, 0, 0], [0, 2, 0]),
        ({"kind": "harmonic", "stiffness": [1, 2, 3], "center": [0, 1, 0]}, 0.0, [1, 1, 1], [-1, 0, -3]),
        # −d/dy cos(2π y/4) at y = 1 is 2π/4
        ({"kind": "cosine", "amplitude": 1, "period": 4, "axis": 1}, 0.0, [0, 1, 0], [0, np.pi / 2, 0]),
        # −d/dx exp(−x²/2) at x = 1 is exp(−1/2)
        ({"kind": "gaussian", "amplitude": 1, "width": 1}, 0.0, [1, 0, 0], [np.exp(-0.5), 0, 0]),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_every_kind_of_field_is_built(field, t, r, electric):
    made = build.field(config.check(document(field=[field], scan={"key": "run.dt", "values": [1]})))
    # at most a dozen operations in float64, arguments of order one
    np.testing.assert_allclose(made(t, np.array(r, float)).electric, electric, atol=1e-12)


def test_a_table_of_the_field_is_read_with_its_units(tmp_path):
    times = np.arange(8.0)
    (tmp_path / "e.csv").write_text("# ps, kV/cm\n" + "\n".join(f"{t}, 0, 0, {2 * t}" for t in times))
    table = {"kind": "tabulated", "file": "e.csv", "time_unit": "1 ps", "electric_unit": "1 kV/cm"}
    case = config.check(document(field=[table], scan={"key": "run.dt", "values": [1]}), "my.toml", tmp_path)
    np.testing.assert_allclose(build.field(case)(2500.0, np.zeros(3)).electric, [0, 0, 5e-5], atol=1e-15)
    potential = config.check({**case.document, "field": [table | {"of": "vector_potential"}]}, "my.toml", tmp_path)
    # A = 2 kV/cm ps (t/ps), E = −dA/dt
    np.testing.assert_allclose(build.field(potential)(2500.0, np.zeros(3)).electric, [0, 0, -2e-5], atol=1e-15)
    for content in ("1 2\n", "a b c d\n", "1 2 3 nan\n" * 5):
        (tmp_path / "e.csv").write_text(content)
        with pytest.raises(SemijaxError, match=r"^my.toml: field.0.file = 'e.csv': .*allowed are"):
            build.field(case)


# -- anything at all --------------------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["1 ps", "10 K", "rk4", "nan"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "run",
        "run.dt",
        "run.duration",
        "run.carriers",
        "carriers",
        "carriers.kind",
        "species",
        "species.electron",
        "species.hole.band",
    ]
    + [
        "species.electron.band.kind",
        "species.electron.band.mass",
        "field",
        "field.0",
        "field.0.electric",
        "field.0.kind",
        "record",
    ]
    + ["record.zone", "record.zone.low", "scan", "scan.key", "scan.values", "scan.first", "analysis", "title", "report", "x y"]
)


@given(KEYS, VALUES)
def test_any_value_anywhere_is_taken_or_refused_in_lines(key, value):
    tables = document()
    before = copy.deepcopy(tables)
    try:
        config.scan_cases(config.check(config.changed(tables, key, value), "my.toml"))
    except SemijaxError as error:
        for line in str(error).split("\n"):
            assert line.startswith("my.toml")
            assert line.isprintable()
    assert repr(tables) == repr(before)


@given(st.text(max_size=200))
def test_any_text_is_a_document_or_refused(text):
    try:
        config.check(config.parse(text, "my.toml"), "my.toml")
    except SemijaxError as error:
        message = str(error)
        assert message.startswith("my.toml: ")
