"""Finds the benchmark suite: the folder of a checkout, or the package that a wheel brings along."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from semijax._types import SemijaxError

NAME = "semijax_benchmarks"


def load() -> ModuleType:
    """The suite as the package `semijax_benchmarks`; raises SemijaxError where there is none.

    A checkout comes first: an editable installation may hold a copy of the suite from the day it was made.
    """
    if NAME in sys.modules:
        return sys.modules[NAME]
    root = Path(__file__).resolve().parents[1]
    folder = root / "benchmarks"
    if (root / "pyproject.toml").is_file() and (folder / "__init__.py").is_file():
        spec = importlib.util.spec_from_file_location(NAME, folder / "__init__.py", submodule_search_locations=[str(folder)])
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        sys.modules[NAME] = module
        spec.loader.exec_module(module)
        return module
    if importlib.util.find_spec(NAME) is None:
        raise SemijaxError(
            "bench: the benchmark suite is not installed: allowed in a checkout or with pip install 'semijax[bench]'"
        )
    return importlib.import_module(NAME)


def part(name: str) -> Any:
    """A module of the suite; raises SemijaxError as `load`."""
    load()
    return importlib.import_module(f"{NAME}.{name}")
