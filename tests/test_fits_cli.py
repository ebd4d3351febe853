"""`semijax fit`: what it writes for germanium's masses, other kinds of data, and every mistake in one line with exit code 2."""

import json

import matplotlib as mpl
import numpy as np
import pytest
from library import CASES
from test_cli import called

from semijax import bands, cli, fits
from semijax._types import SemijaxError
from semijax.fitting import case as cases
from semijax.fitting import command, models
from semijax.fitting import data as data_of

GERMANIUM = """
title = "Masses of germanium"
[model]
kind = "ellipsoidal"
masses = ["mt", "mt", "ml"]
[parameters]
ml = { start = 1.0, low = 0 }
mt = { start = 0.2, low = 0, high = 1 }
[data.ge]
kind = "cyclotron_masses"
file = "ge.csv"
angle = { column = "angle", unit = "degree" }
plane = [[0, 0, 1], [1, 1, 0]]
mass = { column = [2, 3, 4, 5], unit = "electron_mass" }
valleys = [[1, 1, 1], [1, -1, 1], [-1, 1, 1], [-1, -1, 1]]
sigma = 0.005
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory with ge.toml and its data in it."""
    monkeypatch.chdir(tmp_path)
    given = CASES["FT1"]["inputs_SI"]
    rows = [",".join(map(repr, [angle, *row])) for angle, row in zip(given["theta_deg"], given["y"])]
    (tmp_path / "ge.csv").write_text("\n".join(["# angle,one,two,three,four", *rows]))
    (tmp_path / "ge.toml").write_text(GERMANIUM)
    monkeypatch.setattr(cli, "configure", lambda **settings: None)
    with mpl.rc_context():
        yield tmp_path


def test_germaniums_masses_by_the_command_line(here, capsys):
    code, out, err = called(capsys, "fit", "ge.toml", "--out", "ge", "--bootstrap", "400")
    assert (code, err) == (0, "")
    assert "mt" in out
    assert "0.081312 ± 0.000085" in out
    assert "χ² = 25.7248, dof = 38" in out
    expected = CASES["FT1"]["expected"]
    assert {path.name for path in (here / "ge").iterdir()} == {"fit.json", "fit.txt", "ge.png", "convergence.png"}
    found = json.loads((here / "ge/fit.json").read_text())
    for name in ("ml", "mt"):
        one = found["parameters"][name]
        assert one["value"] == pytest.approx(expected[name], rel=1e-5)
        assert one["unit"] == "electron_mass"
        low, high = one["bootstrap_68"]
        assert low < one["value"] < high
        # what 40 data scatter tells an error to 11 %, 400 samples tell it to 4 %; the scatter is 0.82 of the errors stated
        assert (high - low) / 2 == pytest.approx(0.82 * one["error"], rel=0.35)
    assert found["parameters"]["ml"]["error"] == pytest.approx(expected["sigma"][0], rel=1e-5)
    assert found["chi2"] == pytest.approx(expected["chi2"], rel=1e-5)
    assert np.shape(found["bootstrap"]) == (400, 2)
    assert np.shape(found["data"]["ge"]["predicted"]) == (10, 4)
    assert found["case"]["parameters"]["ml"] == {"start": 1.0, "low": 0}
    assert list(found["files"]) == ["ge.csv"]
    assert found["converged"]
    assert "jax" in found["versions"]
    # what was written is enough to do it again
    again, references = cases.check(found["case"], "fit.json", here)
    assert again.fit.bootstrap == 400
    assert {reference.name for reference in references} == {"mt", "ml"}


def test_a_fit_that_stops_early_is_saved_and_exits_76(here, capsys):
    code, out, err = called(capsys, "fit", "ge.toml", "--out", "ge", "--set", "fit.steps=2")
    assert code == 76
    assert err == "stopped: stopped after 2 evaluations before it converged; what was computed is saved\n"
    assert "stopped after 2 evaluations" in out
    assert not json.loads((here / "ge/fit.json").read_text())["converged"]


def loaded(here, document, **files):
    """(model, data, case) of a document, its files written."""
    for name, content in files.items():
        (here / name.replace("_", ".")).write_text(content)
    case, references = cases.check(document, "my.toml", here)
    return models.model(case, references), data_of.data(case), case


def test_energies_in_fractions_of_a_lattice_from_npz(here):
    k = np.random.default_rng(0).uniform(-0.4, 0.4, (12, 2))
    lattice = np.array([[3.0, 0.0], [0.0, 4.0]])
    rows = k @ (2 * np.pi * np.linalg.inv(lattice).T)
    energies = 1e3 * np.stack([np.full(12, 9.0), -0.4 * np.cos(3 * rows[:, 0]) + 0.2], axis=1)
    np.savez(here / "dft.npz", k=k, e=energies)
    hops = [{"vector": [3.0, 0.0], "energy": "t"}, {"vector": ["0.3 nm", 4.0], "energy": 0.0}]
    document = {
        "model": {"kind": "tight_binding", "hopping": hops, "negate": True},
        "parameters": {"t": {"start": "300 meV", "prior": ["0.4 eV", "1 eV"], "high": "1 eV"}},
        "data": {
            "dft": {
                "kind": "energies",
                "file": "dft.npz",
                "k": {"column": "k", "unit": "fraction"},
                "energy": {"column": "e", "unit": "meV"},
                "bands": [1],
                "lattice": lattice.tolist(),
                "zero": "0.1 eV",
                "offset": "free",
                "window": ["-1 eV", "0.95 eV"],
                "sigma": "10 meV",
            }
        },
    }
    model, data, _ = loaded(here, document)
    assert isinstance(model, fits.Model)
    assert model.params == {"t": 0.3}
    np.testing.assert_allclose(data["dft"].predict.k, rows)
    assert data["dft"].predict.bands == (0,)  # the model's only band, the file's second
    np.testing.assert_allclose(data["dft"].values[:, 0], energies[:, 1] * 1e-3 - 0.1)
    assert (data["dft"].sigma == 0.01).all()
    # E = −t cos(kx a) by the sign of `negate`
    found = np.asarray(data["dft"].predicted(fits.Model(model.build, {"t": 0.4})))[:, 0]
    np.testing.assert_allclose(found, energies[:, 1] * 1e-3 - 0.2, atol=1e-12)


def test_several_models_and_motion(here):
    table = "time field drift\n" + "\n".join(f"{t} {0.1 * t} {1e6 * t}" for t in range(0, 500, 50))
    document = {
        "models": {
            "one": {"kind": "cosine", "bandwidth": "18 meV", "period": "d"},
            "two": {"kind": "cosine", "bandwidth": "20 meV", "period": "d"},
        },
        "parameters": {"d": "11.4 nm", "drift.tau": {"low": "10 fs", "frozen": True}},
        "data": {
            "drift": {
                "kind": "drift",
                "file": "d.dat",
                "time": {"column": "time", "unit": "fs"},
                "velocity": {"column": "drift", "unit": "cm/s"},
                "field": [{"kind": "uniform", "electric": ["10 kV/cm"]}],
                "mesh": 16,
                "temperature": "100 K",
                "tau": "0.3 ps",
                "part": "one",
            },
            "bloch": {
                "kind": "bloch_frequencies",
                "file": "d.dat",
                "electric": {"column": 2, "unit": "kV/cm"},
                "frequency": {"column": 1, "unit": "GHz"},
                "part": "two",
                "sigma": "1 GHz",
            },
        },
    }
    model, data, case = loaded(here, document, d_dat=table)
    assert sorted(model.built) == ["one", "two"]
    np.testing.assert_allclose(data["drift"].at, np.arange(0, 500, 50))
    np.testing.assert_allclose(data["drift"].values, 0.1 * np.arange(0, 500, 50))
    np.testing.assert_allclose(data["bloch"].predict.electric, 1e-6 * np.arange(0, 500, 50))
    assert data["drift"].extra == {"tau": 300.0}
    assert models.units_of(case, [cases.Reference("one", ("period",), "d")], ("d", "drift.tau")) == ["angstrom", "fs"]
    # bands by their own parameters where no name is used
    document["models"] = {
        "one": document["models"]["one"] | {"period": 114.0},
        "two": document["models"]["two"] | {"period": 1.0},
    }
    document["parameters"] = {"two.period": {"start": 100.0}}
    model, data, _ = loaded(here, document)
    assert set(model) == {"one", "two"}
    again, _ = fits.restarted(model, data, {"two.period": 100.0})
    assert again["two"].params["period"] == 100.0
    np.testing.assert_allclose(again["two"].lattice, [[100.0]])
    assert isinstance(again["two"], type(bands.cosine(1.0, 1.0)))


GRAPHENE = {
    "kind": "slater_koster",
    "lattice": [["2.46 angstrom", 0.0], ["-1.23 angstrom", "2.1304225 angstrom"]],
    "atoms": [{"symbol": "C", "place": [1 / 3, 2 / 3]}, {"symbol": "C", "place": [2 / 3, 1 / 3]}],
    "orbitals": {"C": {"pz": 0.0}},
    "dimension": 2,
}


def test_tight_binding_of_a_crystal_has_parameters_of_its_own(here):
    k = np.array([[0.0, 0.0, 0.0], [0.0, 2 * np.pi / (3 * 1.42), 0.0]])  # Γ and M
    np.savez(here / "dft.npz", k=k, e=np.array([[-8.1, 8.1], [-2.7, 2.7]]))
    columns = {"k": {"column": "k", "unit": "1/angstrom"}, "energy": {"column": "e", "unit": "eV"}}
    document = {
        "model": GRAPHENE,
        "parameters": {"hopping.C-C-1.pp_pi": {"start": "-2700 meV", "high": 0.0}},
        "data": {"dft": {"kind": "energies", "file": "dft.npz", "sigma": "1 meV", **columns}},
    }
    model, data, case = loaded(here, document)
    (name,) = document["parameters"]
    assert models.units_of(case, [], ("onsite.C.pz", name)) == ["eV", "eV"]
    _, _, frozen, starts = command.known(case, [])
    assert (frozen, starts) == ((), {name: -2.7})
    model, parts = fits.restarted(model, data, starts)
    # the levels are ± three hoppings at Γ, ± one at M
    np.testing.assert_allclose(parts["dft"].predicted(model), parts["dft"].values, atol=1e-5)


def test_numbers_of_a_crystal_are_no_names(here):
    orbitals = {"C": {"pz": "e"}}
    document = {"model": GRAPHENE | {"orbitals": orbitals}, "parameters": {"e": "0 eV"}, "data": {}}
    np.savez(here / "dft.npz", k=np.zeros((1, 2)), e=np.zeros((1, 2)))
    columns = {"k": {"column": "k", "unit": "1/angstrom"}, "energy": {"column": "e", "unit": "eV"}}
    document["data"] = {"dft": {"kind": "energies", "file": "dft.npz", **columns}}
    with pytest.raises(SemijaxError, match=r'my.toml: model.orbitals.C.pz = "e": allowed are numbers; its parameters have names'):
        cases.check(document, "my.toml", here)
    wrong = document | {"model": GRAPHENE | {"orbitals": {"Si": {"s": 0.0}}}, "parameters": {}}
    with pytest.raises(SemijaxError, match="my.toml: model: slater_koster: orbitals of Si: allowed are those of C") as error:
        loaded(here, wrong)
    assert "\n" not in str(error.value)


BAD = {
    "no file": (["--set", "data.ge.file=no.csv"], "allowed is an existing file"),
    "no unit": (["--set", "data.ge.mass={ column = 2 }"], "data.ge.mass.unit is missing: allowed is the unit of the column"),
    "another unit": (["--set", "data.ge.mass.unit=eV"], "allowed is the unit of a mass"),
    "degrees": (["--set", "data.ge.angle.unit=grad"], "allowed are degree, radian"),
    "a column that is not there": (
        ["--set", "data.ge.mass.column=[2, 9]"],
        "allowed are 1 to 5, or angle, one, two, three, four",
    ),
    "an unknown kind": (["--set", "data.ge.kind=masss"], "nearest is masses"),
    "an unknown key": (["--set", "fit.stepz=3"], "unknown key, allowed is steps"),
    "a word for a number": (["--set", "model.minimum=gap"], "or a name under [parameters] (ml, mt)"),
    "a name nobody uses": (["--set", "parameters.gap=0.5"], "parameters.gap: allowed are names that a model uses"),
    "no start": (["--set", "parameters.ml={ low = 0 }"], "model.masses.2"),
    "a bound with a wrong unit": (["--set", "parameters.ml.low=3 eV"], "parameters.ml.low"),
    "outside its bounds": (["--set", "parameters.ml.start=-1"], "model.masses.2"),
    "below its bound": (["--set", "parameters.ml.low=2"], "ml starts at 1: allowed is a start between its bounds"),
    "sigma ≤ 0": (["--set", "data.ge.sigma=0"], "sigma = 0: allowed are numbers > 0"),
    "an unknown part": (["--set", "data.ge.part=heavy"], "allowed with [models.NAME]"),
    "everything frozen": (["--set", 'fit.frozen=["ml", "mt"]'], "allowed is to leave a parameter free"),
    "angle and direction": (
        ["--set", "data.ge.direction={ column = 1, unit = '1' }"],
        "allowed is direction, or angle and plane",
    ),
    "no plane": (["--set", "data.ge.plane=[[0, 0, 1], [0, 0, 2]]"], "allowed are two vectors that span a plane"),
    "no model": (["--set", "models={}"], "model is missing"),
    "no number of fits": (["--bootstrap", "-1"], "fit.bootstrap"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_line_and_exit_code_2(here, capsys, arguments, says):
    code, _, err = called(capsys, "fit", "ge.toml", "--out", "ge", *arguments)
    assert code == 2
    assert err.count("\n") == 1
    assert err.startswith(("ge.toml: ", "ge.csv"))
    assert says in err
    assert not (here / "ge/fit.json").exists()


ROWS = {
    "empty": ("", "empty: allowed are rows of numbers"),
    "words": ("a b\n", "no rows of numbers"),
    "a hole": ("1 2 3 4 5\n1 2 3 4\n", ":2: 4 columns: allowed are 5 numbers"),
    "a word": ("1 2 3 4 5\n1 2 x 4 5\n", ':2: "x": allowed are 5 numbers'),
    "nan": ("0 .1 nan .1 .1\n5 .1 .1 .1 .1\n", "allowed are finite numbers"),
    "no text": ("\0", "a byte 0"),
}


@pytest.mark.parametrize(("text", "says"), ROWS.values(), ids=ROWS)
def test_damaged_files_are_one_line(here, capsys, text, says):
    (here / "ge.csv").write_text(text)
    code, _, err = called(capsys, "fit", "ge.toml", "--out", "ge", "--set", "data.ge.angle.column=1")
    assert code == 2
    assert err.count("\n") == 1
    assert says in err


def test_a_damaged_npz_is_one_line(here):
    (here / "ge.npz").write_bytes(b"PK\3\4 no archive")
    document = {
        "model": {"kind": "cosine", "bandwidth": 1.0, "period": 1.0},
        "data": {
            "a": {
                "kind": "bloch_frequencies",
                "file": "ge.npz",
                "electric": {"column": "e", "unit": "V/m"},
                "frequency": {"column": "f", "unit": "THz"},
            }
        },
    }
    with pytest.raises(SemijaxError, match=r"my.toml: data.a: ge.npz: cannot be read") as error:
        loaded(here, document)
    assert "\n" not in str(error.value)
