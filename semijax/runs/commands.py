"""semijax resume | verify | status: of the directory of a run."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from semijax._types import SemijaxError
from semijax.runs import owner
from semijax.runs.log import events

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="Where a run writes.")]


def finish(directory: Any, run_case: Any, console: Console) -> None:
    """Runs the case of a RunDirectory to its end and prints the hash of its results."""
    run_case(directory.case, directory.directory, console, directory)
    console.print(f"hash: {directory.end()}", highlight=False, markup=False, soft_wrap=True)


def resume(
    directory: Directory,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="checkpoint.every or title.")] = None,
    max_time: Annotated[str | None, typer.Option(metavar="TIME", help='Stop, to be resumed, after "2 h" of the clock.')] = None,
) -> None:
    """Go on with a run that was stopped or killed, to the same bits."""
    from semijax.cli import longest, override
    from semijax.configure import configure
    from semijax.runs.directory import RunDirectory, inputs_of
    from semijax.runs.manifest import NAME, verified
    from semijax.runs.stopping import Stop

    inputs_of(directory)
    with owner.owned(directory), Stop(longest(max_time)) as stop:
        if (directory / NAME).is_file():
            found, wrong = verified(directory)
            if wrong:
                raise SemijaxError("\n".join([*wrong, f"{directory}: finished, and not as it was: allowed is a new run"]))
            typer.echo(f"{directory}: finished\nhash: {found}")
            return
        made = RunDirectory.again(directory, [override(text) for text in set_ or []], stop)
        configure(precision=made.case.run.precision)
        from semijax.run import run_case

        finish(made, run_case, Console())


def verify(directory: Directory) -> None:
    """Check every file of a finished run against its hash."""
    from semijax.runs.manifest import verified

    found, wrong = verified(directory)
    if wrong:
        raise OSError(None, "\n".join(wrong[:20]), str(directory))
    typer.echo(f"{directory}: every file is as the run left it\nhash: {found}")


def status(directory: Directory) -> None:
    """Say how far a run is."""
    from semijax.runs.directory import inputs_of
    from semijax.runs.manifest import NAME

    inputs = inputs_of(directory)
    typer.echo(f"case: {inputs['case']}")
    running, said = owner.busy(directory), events(directory)
    if (directory / NAME).is_file():
        state = "finished"
    elif running:
        state = f"running: {owner.described(owner.owner(directory))}"
    else:
        state = "not finished: semijax resume goes on"
    typer.echo(f"state: {state}")
    for event in said[-5:]:
        facts = ", ".join(f"{key} {value}" for key, value in event.items() if key not in ("time", "event"))
        typer.echo(f"{event.get('time')} {event.get('event')}{': ' if facts else ''}{facts}")
