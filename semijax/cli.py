"""The command line: semijax run | resume | verify | status | cases | bands | fit | bench | schema | doctor."""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from semijax import config
from semijax._types import BrokenInvariant, SemijaxError
from semijax.cases import shipped
from semijax.configure import configure, memory
from semijax.quantities import internal
from semijax.runs import commands, owner
from semijax.runs.stopping import Stop, Stopped
from semijax.schema import words

BAD_INPUT, BUG, NO_MEMORY, IN_USE, INPUT_OUTPUT, STOPPED, NUMERICAL, INTERRUPTED = 2, 70, 71, 73, 74, 75, 76, 130

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)

Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Another value for a key; repeatable.")]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]


@app.command()
def run(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A TOML file, or one of `semijax cases`.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where results go (default: the case's name).")] = None,
    force: Force = False,
    set_: Set = None,
    precision: Annotated[str | None, typer.Option(help="float32 or float64.")] = None,
    carriers: Annotated[str | None, typer.Option(help="Carriers of each species, the scan's at most as many.")] = None,
    seed: Annotated[str | None, typer.Option(help="Seed of all random numbers.")] = None,
    max_time: Annotated[str | None, typer.Option(metavar="TIME", help='Stop, to be resumed, after "2 h" of the clock.')] = None,
) -> None:
    """Run a case: simulate, compare with theory, write results.nc and figures. `semijax resume` goes on with one that was stopped."""
    path = find(case)
    overrides = [override(text) for text in set_ or []]
    shortcuts = {"run.precision": precision, "run.carriers": carriers, "run.seed": seed}
    overrides += [(key, value) for key, value in shortcuts.items() if value is not None]
    checked = config.load(path, overrides)
    if carriers is not None and checked.scan is not None and (checked.scan.carriers or 0) > checked.run.carriers:
        checked = config.load(path, [*overrides, ("scan.carriers", str(checked.run.carriers))])
    out, limit = out or Path(path.stem), longest(max_time)
    if not owner.busy(out):  # else the owner is named
        check_output(out, force)
    with owner.owned(out), Stop(limit) as stop:
        configure(precision=checked.run.precision)
        from semijax.run import run_case  # after configure: what it imports may ask JAX for its devices
        from semijax.runs.directory import RunDirectory

        commands.finish(RunDirectory.begin(out, path, overrides, checked, stop), run_case, Console())


app.command()(commands.resume)
app.command()(commands.verify)
app.command()(commands.status)


@app.command()
def cases(
    name: Annotated[str | None, typer.Argument(help="The case to write here as NAME.toml.")] = None, force: Force = False
) -> None:
    """List the shipped cases, or write one here to change it."""
    if name is None:
        table = Table("case", "what it shows", box=None)
        for key, path in shipped().items():
            table.add_row(key, str(config.read(path).get("title", "")))
        Console().print(table)
        return
    source, target = _shipped(name), Path(f"{name}.toml")
    if target.exists() and not force:
        raise SemijaxError(f"{target}: exists: allowed is a new file, or --force to write over it")
    target.write_bytes(source.read_bytes())
    typer.echo(f"written: {target}")


@app.command()
def bands(
    band: Annotated[str, typer.Argument(metavar="KIND|PREFIX", help="superlattice, kane, ..., a TOML case, or Wannier90 files.")],
    set_: Set = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="PLACE", help="FILE.png; of a PREFIX a directory.")] = None,
    force: Force = False,
    dft: Annotated[
        Path | None, typer.Option(metavar="FILE.npz", help="k_frac and energy_eV to draw over a PREFIX's bands.")
    ] = None,
    fermi: Annotated[float | None, typer.Option(metavar="EV", help="Fermi level of a PREFIX.")] = None,
    mesh: Annotated[int | None, typer.Option(help="Points along each reciprocal vector of a PREFIX.")] = None,
    path: Annotated[str | None, typer.Option(help="Path of a PREFIX: auto, seekpath, win or labelinfo.")] = None,
    window: Annotated[str | None, typer.Option(metavar="LOW:HIGH", help="Energies drawn of a PREFIX, eV.")] = None,
) -> None:
    """Draw a closed-form band and print its mass tensors, or report on the bands of Wannier90 files."""
    from semijax import bandsheet
    from semijax.io.beside import hamiltonian

    options = {"--dft": dft, "--fermi": fermi, "--mesh": mesh, "--path": path, "--window": window}
    if hamiltonian(band) is not None and not set_:
        from semijax.materials_report import command

        out = out or Path(f"{Path(band).name}_bands")
        check_output(out, force)
        choices = {"dft": dft, "fermi": fermi, "mesh": mesh, "path": path or "auto", "window": command.window_of(window)}
        command.report(band, out, Console(), **choices)
        return
    for option, value in options.items():
        if value is not None:
            raise SemijaxError(f"{option}: {words.shown(band)}: allowed is with the prefix of a Wannier90 _tb.dat or _hr.dat")
    out = out or Path(f"{Path(band).stem}.png")
    if out.exists() and not force:
        raise SemijaxError(f"--out {out}: exists: allowed is a new file, or --force to write over it")
    tables = bandsheet.tables(band, [override(text) for text in set_ or []])
    configure(precision="float64")
    for table in bandsheet.draw(tables, out, Path(band).parent if band.endswith(".toml") else Path()):
        Console().print(table)
    typer.echo(f"written: {out}")


@app.command()
def fit(
    file: Annotated[Path, typer.Argument(metavar="FIT.toml", help="Model, parameters and data of a fit.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where results go (default: the file's name).")] = None,
    force: Force = False,
    set_: Set = None,
    bootstrap: Annotated[int | None, typer.Option(metavar="N", help="Fits to so many resampled data, for their scatter.")] = None,
) -> None:
    """Fit a model to data: values with errors, fit.json and figures."""
    from semijax.fitting import case as cases_of_fits

    overrides = [override(text) for text in set_ or []]
    overrides += [("fit.bootstrap", str(bootstrap))] if bootstrap is not None else []
    checked, references = cases_of_fits.load(file, overrides)
    out = out or Path(file.stem)
    check_output(out, force)
    configure(precision=checked.fit.precision)
    from semijax.fitting import command  # after configure: what it imports may ask JAX for its devices

    command.run(checked, references, out, Console())


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Three minutes on two cores.")] = False,
    gpu: Annotated[bool, typer.Option("--gpu", help="On the first GPU, in twenty minutes.")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where results go.")] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="FILE", help="A result file, or `last`: the last committed of this machine kind.")
    ] = None,
    only: Annotated[str | None, typer.Option(metavar="CASE", help="One case alone, such as w1.")] = None,
) -> None:
    """Measure semijax beside its peers and hand-written C or CUDA; exit code 1 where --compare finds a regression."""
    from semijax import suite

    if quick and gpu:
        raise SemijaxError("--quick --gpu: allowed is one of them")
    command = suite.part("command")
    try:
        holds = command.bench("quick" if quick else "gpu" if gpu else "full", out, compare, only)
    except command.BadInput as error:
        raise SemijaxError(str(error)) from None
    if not holds:
        raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON schema of a case file."""
    typer.echo(json.dumps(config.Case.model_json_schema(), indent=2, ensure_ascii=False))


@app.command()
def doctor() -> None:
    """Print versions, devices, precision and memory."""
    configure()
    from semijax import provenance

    total, free = memory()
    sizes = {"memory": total, "free memory": free}
    facts = provenance.facts() | {key: f"{size / 2**30:.1f} GiB" for key, size in sizes.items() if size is not None}
    for key, value in facts.items():
        typer.echo(f"{key.replace('_', ' '):18}{value}")


def find(case: str) -> Path:
    """The TOML file that a user means: a path, or the name of a shipped case."""
    return Path(case) if case.endswith(".toml") or os.sep in case else _shipped(case)


def _shipped(name: str) -> Path:
    known = shipped()
    if name not in known:
        raise SemijaxError(f"CASE = {words.shown(name)}: {words.one_of(known, name)}, or a file ending in .toml")
    return known[name]


def override(text: str) -> tuple[str, str]:
    """`key=value` -> (key, value)."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise SemijaxError(f"--set {words.shown(text)}: allowed is key=value, such as run.carriers=1000")
    return key.strip(), value.strip()


def longest(text: str | None) -> float | None:
    """Seconds of --max-time."""
    try:
        return None if text is None else internal(as_number(text), "clock", above=0.0)
    except ValueError as error:
        raise SemijaxError(f"--max-time {words.shown(text)}: {error}") from None


def as_number(text: str) -> float | str:
    """The number a text is, else the text."""
    found = config.as_toml(text)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else text


def check_output(out: Path, force: bool) -> None:
    """Refuses a place that is a file, or a directory with something in it unless forced."""
    if out.exists() and not out.is_dir():
        raise SemijaxError(f"--out {words.clean(str(out))}: is a file: allowed is a directory")
    if out.is_dir() and any(path.name != owner.LOCK for path in out.iterdir()) and not force:
        begun = (out / "inputs.json").is_file() and not (out / "manifest.json").is_file()
        also = f", or semijax resume {words.clean(str(out))} to go on" if begun else ""
        raise SemijaxError(f"--out {words.clean(str(out))}: is not empty: allowed is a new directory, or --force{also}")


def main() -> None:
    """Runs the command line; a mistake is one line and an exit code, a bug a traceback and 70."""
    try:
        exit_code = code()
    finally:
        sys.excepthook = _bug  # typer puts its own there
    sys.exit(exit_code)


def code(arguments: list[str] | None = None) -> int:
    """What the process exits with: 0 done, 2 bad input, 71 memory, 73 a directory in use, 74 input or output, 75 stopped to be
    resumed, 76 a run that does not hold.
    """
    import jax

    try:
        done = app(args=arguments, standalone_mode=False) or 0
        return _say("interrupted", done) if done == INTERRUPTED else done
    except typer.TyperException as error:
        return _say(error.format_message(), BAD_INPUT)
    except owner.InUse as error:
        return _say(str(error), IN_USE)
    except Stopped as stopped:
        return _say(str(stopped), STOPPED)
    except SemijaxError as error:
        return _say(str(error), BAD_INPUT)
    except BrokenInvariant as error:
        return _say(f"stopped: {error}; what was computed is saved", NUMERICAL)
    except MemoryError as error:
        return _say(f"out of memory: {error or 'take fewer carriers'}", NO_MEMORY)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return _say(f"out of memory: {str(error).splitlines()[0][:200]}: take fewer carriers", NO_MEMORY)
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads: no second complaint at exit
        return INPUT_OUTPUT
    except OSError as error:
        return _say(f"{error.filename or 'input or output'}: {error.strerror or error}", INPUT_OUTPUT)


def _say(message: str, exit_code: int) -> int:
    typer.echo(message, err=True)
    return exit_code


def _bug(kind: type[BaseException], error: BaseException, traceback: Any) -> None:
    sys.__excepthook__(kind, error, traceback)
    print("semijax: this is a bug, please report it with the lines above", file=sys.stderr, flush=True)
    sys.stdout.flush()
    os._exit(BUG)
