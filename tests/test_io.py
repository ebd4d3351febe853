"""Files: units on every variable, what was saved comes back bit for bit, damage is seen, a write is whole or not at all."""

import hashlib
import json
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st

from semijax import bands, certify, fields, observables
from semijax._pytree import replace
from semijax._types import Phase, SemijaxError
from semijax.carriers import Carriers, at_k
from semijax.dynamics import Dynamics, electron
from semijax.io import load, save, to_dataset, write_netcdf
from semijax.io.atomic import replacing
from semijax.simulate import Result, simulate

RECORD = {
    "drift": observables.mean(observables.velocity),
    "spread": observables.covariance(observables.position),
    "energies": observables.histogram(observables.energy, [0.0, 0.01, 0.02, 0.03]),
    "paths": observables.sample(observables.position, 3),
    "current": observables.mean(observables.current),
}


def result(d, n=4, **frames):
    """A result as simulate returns it, of made-up numbers that no two elements share."""
    numbers = np.random.default_rng(d)

    def carriers():
        return Carriers(Phase(numbers.normal(size=(n, d)), numbers.normal(size=(n, d))), log_volume=numbers.normal(size=n))

    def drift():
        return certify.Drift(jnp.asarray(1e-9), jnp.asarray(0.1), jnp.asarray(2), jnp.asarray(3))

    none = jnp.asarray(0)
    final = {"electron": carriers(), "hole": carriers()} if frames else carriers()
    status = certify.Status(none, none, none, {"energy": drift()}, 6, 10.0)
    frames = {name: {key: numbers.normal(size=(4, *shape)) for key in final} for name, shape in frames.items()}
    frames = frames or {"drift": numbers.normal(size=(4, d))}
    return Result(jnp.arange(4.0) * 20, frames, final, status, observables.described(RECORD))


@pytest.fixture
def pair():
    """A result of four electron-hole pairs in two dimensions."""
    made = result(2, drift=(2,), spread=(2, 2), energies=(3,), paths=(3, 2))
    return replace(made, frames={**made.frames, "current": np.ones((4, 2))})


@pytest.fixture
def single():
    """A result of four electrons in two dimensions."""
    return result(2)


def same(left, right):
    """Whether two trees have the same structure and the same bits."""
    assert jax.tree.structure(left) == jax.tree.structure(right)
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        assert np.asarray(a).dtype == np.asarray(b).dtype
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()
    return True


def test_every_variable_has_a_unit_and_named_axes(pair):
    dataset = to_dataset(pair)
    assert all(variable.attrs.get("units") for variable in dataset.variables.values())
    assert "unstated" not in {variable.attrs["units"] for variable in dataset.variables.values()}
    assert dataset["drift_electron"].dims == ("time", "axis")
    assert dataset["drift_electron"].attrs["units"] == "angstrom/fs"
    assert dataset["spread_hole"].dims == ("time", "axis", "axis_2")
    assert dataset["spread_hole"].attrs["units"] == "(angstrom)^2"
    assert dataset["energies_electron"].dims == ("time", "energies_electron_bin")
    assert dataset["energies_electron_bin"].attrs["units"] == "eV"
    np.testing.assert_allclose(dataset["energies_electron_bin"], [0.005, 0.015, 0.025])
    assert dataset["paths_electron"].dims == ("time", "paths_electron_carrier", "axis")
    assert dataset["current"].dims == ("time", "axis")
    assert dataset["final_log_volume_hole"].dims == ("carrier",)
    assert list(dataset["axis"].values) == ["x", "y"]
    assert json.loads(dataset.attrs["certificate"])["steps"] == 6
    np.testing.assert_array_equal(dataset["final_position_electron"], pair.final["electron"].phase.position)


def test_one_species_has_no_suffix_and_units_can_be_said(single):
    dataset = to_dataset(single, carriers=2, units={"drift": "1e5 m/s"}, attributes={"note": "x"})
    assert dataset["drift"].attrs["units"] == "1e5 m/s"
    assert dataset.sizes["carrier"] == 2
    assert dataset.attrs["note"] == "x"
    assert to_dataset(single)["drift"].attrs["units"] == "angstrom/fs"


def squared(dynamics, t, carrier):
    """A user's own observable."""
    return observables.energy(dynamics, t, carrier) ** 2


def test_a_run_knows_the_units_of_what_it_recorded_under_any_name():
    dynamics = Dynamics(electron(bands.parabolic(0.067, dimension=2)), fields.uniform([1e-4, 0.0]))
    record = {
        "how fast": observables.mean(observables.velocity),
        "rows": observables.histogram(observables.energy, [0.0, 0.5, 1.0]),
        "some": observables.sample(observables.wavevector, 2),
        "mine": observables.mean(squared),
        "pushed": observables.mean(lambda dynamics, t, carrier: dynamics.species.charge * 1.0),
    }
    result = simulate(dynamics, at_k([0.01, 0.005], 4), duration=20.0, dt=10.0, record=record)
    dataset = to_dataset(result, units={"mine": "eV^2"})
    assert all(variable.attrs.get("units") for variable in dataset.variables.values())
    units = {name: dataset[name].attrs["units"] for name in record}
    assert units == {"how fast": "angstrom/fs", "rows": "1", "some": "1/angstrom", "mine": "eV^2", "pushed": "unstated"}
    assert dataset["rows_bin"].attrs["units"] == "eV"
    np.testing.assert_allclose(dataset["rows_bin"], [0.25, 0.75])
    assert dataset["some"].dims == ("time", "some_carrier", "axis")
    # neither jit nor a file loses them
    again = jax.jit(lambda d: simulate(d, at_k([0.01, 0.005], 4), duration=20.0, dt=10.0, record=record))(dynamics)
    assert again.quantities == result.quantities


def test_netcdf_gives_back_the_dataset(pair, tmp_path):
    dataset = to_dataset(pair)
    write_netcdf(dataset, tmp_path / "a.nc")
    with xarray.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as read:
        xarray.testing.assert_identical(read.load(), dataset)
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]


def test_a_result_comes_back_bit_for_bit(pair, single, tmp_path):
    for made in (pair, single):
        save(made, tmp_path / "result.npz")
        back = load(tmp_path / "result.npz")
        assert same(made, back)
        assert type(back) is Result
        assert back.status.dt == made.status.dt
        assert back.quantities == made.quantities
        assert back.check() is back


@settings(max_examples=10)
@given(st.sampled_from(["float32", "float64"]), st.integers(1, 5), st.integers(1, 3), st.booleans())
def test_carriers_come_back_bit_for_bit(tmp_path_factory, dtype, n, d, extras):
    path = tmp_path_factory.mktemp("save") / "c.npz"
    k = 1e-30 * np.random.default_rng(n).normal(size=(n, d)).astype(dtype)
    carriers = Carriers(Phase(np.full_like(k, -0.0), k))
    if extras:
        carriers = Carriers(carriers.phase, np.ones(n, dtype), np.arange(n, dtype=np.uint32), winding=np.zeros((n, d), np.int32))
    tree = {"carriers": {"electron": carriers}, "note": "Å", "numbers": [1, 2.5, True, None], "nested": (carriers, float("inf"))}
    save(tree, path)
    back = load(path)
    assert same(tree, back)
    assert (back["note"], back["numbers"], back["nested"][1]) == ("Å", [1, 2.5, True, None], float("inf"))


def test_a_loaded_state_continues_like_the_saved_one(tmp_path):
    start = at_k([0.01, 0.005], 4)
    dynamics = Dynamics(electron(bands.parabolic(0.067, dimension=2)), fields.uniform([1e-4, 0.0]))
    save(start, tmp_path / "c.npz")
    again = [simulate(dynamics, state, duration=20.0, dt=10.0).final for state in (start, load(tmp_path / "c.npz"))]
    assert same(*again)


def test_no_flipped_bit_changes_what_is_read(tmp_path):
    path = tmp_path / "c.npz"
    carriers = at_k([0.25], 1)
    save(carriers, path)
    content = path.read_bytes()
    refused = 0
    for i in range(len(content)):
        path.write_bytes(content[:i] + bytes([content[i] ^ 1 << i % 8]) + content[i + 1 :])
        try:
            assert same(load(path), carriers)  # a bit nobody reads, such as one of the time stamp
        except SemijaxError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > len(content) / 2


def test_truncated_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "c.npz"
    save(at_k([0.25], 3), path)
    content = path.read_bytes()
    np.savez(tmp_path / "numpy.npz", a=np.zeros(3))
    foreign = [b"", b"x" * 100, content[: len(content) // 2], content[100:], (tmp_path / "numpy.npz").read_bytes()]
    for wrong in foreign:
        path.write_bytes(wrong)
        with pytest.raises(SemijaxError, match="allowed is a file that sj.io.save wrote"):
            load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.npz")


def test_a_checkpoint_never_runs_code(tmp_path):
    path = tmp_path / "c.npz"
    np.savez(tmp_path / "pickle.npz", a0=np.array([{"x": 1}], dtype=object))
    with zipfile.ZipFile(tmp_path / "pickle.npz") as file:
        data = file.read("a0.npy")
    manifest = {"format": 1, "tree": {"array": "a0"}, "sha256": {"a0": hashlib.sha256(data).hexdigest()}}
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("manifest.json", json.dumps(manifest))
        file.writestr("a0.npy", data)
    with pytest.raises(SemijaxError, match="allow_pickle"):
        load(path)


def test_what_is_no_result_is_refused(tmp_path):
    for tree in (object(), {1: 2}, electron(bands.parabolic(1.0))):
        with pytest.raises(SemijaxError, match="^save: .*: allowed are carriers, results"):
            save(tree, tmp_path / "x.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="midway"), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("midway")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    missing = tmp_path / "none" / "a.nc"
    with pytest.raises(OSError, match="none"):
        save(at_k([0.25]), missing)
