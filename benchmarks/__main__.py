"""python -m benchmarks [quick|full|gpu|fits]: the suite without the command line of semijax."""

import sys

from semijax import suite

suite.load()

from semijax_benchmarks import command  # noqa: E402  the package has this one name everywhere

if __name__ == "__main__":
    mode = sys.argv[1] if len(sys.argv) > 1 else "full"
    if mode == "fits":
        suite.part("fits").main()
    else:
        command.bench(mode)
