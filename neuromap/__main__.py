"""Runs the command line: ``python -m neuromap``."""

from neuromap.cli.app import main

if __name__ == "__main__":
    raise SystemExit(main())
