"""python -m semijax is the command line."""

from semijax.cli import main

main()
