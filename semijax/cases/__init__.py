"""The cases that come with semijax: NAME.toml says what runs, NAME.py draws and judges it."""

from pathlib import Path


def shipped() -> dict[str, Path]:
    """Name -> TOML file of every case in the package, by name."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.toml"))}


def reports() -> list[str]:
    """Names of the analyses a case can ask for with `report = "..."`."""
    beside = Path(__file__).parent
    return ["general", *(name for name in shipped() if (beside / f"{name}.py").is_file())]
