"""Imports point down, and importing semijax does nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import semijax

PACKAGE = Path(semijax.__file__).parent

# The layer of every module or package directly under semijax/. A new one belongs into this table.
LAYERS = {
    0: ["_circle", "_hermitian", "_primitive", "_pytree", "_tridiagonal", "_types", "configure", "random", "units"],
    1: ["_dop853", "bands", "fields", "lattice", "potentials", "steppers"],
    2: ["carriers", "dynamics", "sampling", "scattering", "stepping", "tangent"]
    + ["cells", "domain", "filling", "occupation", "quadrature", "rejection", "states"],  # what sampling is made of
    3: ["certify", "engine", "fits", "interband", "limits", "observables", "probes", "simulate", "spectra", "survey", "timestep"],
    4: ["io", "plot", "provenance"],
    5: ["__main__", "bandsheet", "build", "cases", "cli", "config", "fitting", "materials_report", "progress", "quantities"]
    + ["report", "run", "runs", "schema", "suite"],
}
LAYER = {name: layer for layer, names in LAYERS.items() for name in names}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def part(path):
    """The module or package directly under semijax/ that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path):
    """Parts of semijax that a file imports, inside functions too, but not those for type checkers alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return {name.split(".")[1] for name in found if name.startswith("semijax.")}


def test_every_module_has_a_layer():
    assert {part(path) for path in MODULES} <= set(LAYER)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path):
    own = part(path)
    for other in imported(path) & set(LAYER):
        assert other == own or LAYER[other] <= LAYER[own], f"{own} (layer {LAYER[own]}) imports {other} (layer {LAYER[other]})"


def test_words_import_only_words_and_matter_ignores_its_neighbours():
    for path in MODULES:
        others = (imported(path) & set(LAYER)) - {part(path)}
        if LAYER[part(path)] == 1:
            assert all(LAYER[other] == 0 for other in others - {"_dop853"}), path


@pytest.mark.parametrize("outer", ["plot", "io", "cli", "config", "run"])
def test_nothing_below_imports_the_outside(outer):
    importers = {part(path) for path in MODULES if outer in imported(path)} - {outer}
    assert all(LAYER[name] > LAYER[outer] or LAYER[name] == 5 for name in importers)


def test_there_is_no_cycle_among_modules():
    names = {path: ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__") for path in MODULES}
    needs = {names[path]: set() for path in MODULES}
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:  # inside functions an import may look back
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("semijax"):
                base = (node.module or "").removeprefix("semijax").removeprefix(".")
                needs[names[path]] |= {
                    f"{base}.{name.name}".strip(".") if f"{base}.{name.name}".strip(".") in needs else base for name in node.names
                }
    ordered = []
    while len(ordered) < len(needs):
        ready = [name for name in needs if name not in ordered and needs[name] & set(needs) <= {*ordered, name}]
        assert ready, f"a cycle among {sorted(set(needs) - set(ordered))}"
        ordered += ready


def test_files_and_functions_stay_small():
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 300, path
        tree = ast.parse(text)
        assert ast.get_docstring(tree), f"{path}: the first line says what the file does"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                lines = (ast.get_docstring(node, clean=False) or "").count("\n") + 1 if ast.get_docstring(node) else 0
                assert (node.end_lineno or 0) - node.body[0].lineno + 1 - lines <= 40, f"{path}: {node.name}"


IMPORTING = """
import sys
import semijax, semijax.cli, semijax.config, semijax.io, semijax.run
import jax
from jax._src import xla_bridge
assert not xla_bridge.backends_are_initialized(), "a backend was started"
assert not jax.config.read("jax_enable_x64"), "x64 was turned on"
loaded = [name for name in ("matplotlib", "xarray", "pint") if name in sys.modules]
assert not loaded, loaded
"""


def test_importing_does_nothing():
    done = subprocess.run([sys.executable, "-W", "error", "-c", IMPORTING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
