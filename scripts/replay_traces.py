"""Replay recorded single-neuron traces of SpiNNaker code through the reference and the kernels, and compare bits.

    python scripts/replay_traces.py tests/data/spinnaker_lif.npz [--constants derived|from-file]

Prints ``reference: N of M traces identical`` and the same for ``kernel``, with the first difference if there is one;
the exit code is 1 then. The kind of neuron is recognised from the arrays (``emulator.loop.trace_replay``).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emulator.loop.trace_replay import (
    derived_constants,
    differences,
    read_traces,
    recorded_constants,
    replay_kernel,
    replay_reference,
)
from models.errors import NeuromapError


def main(arguments: list[str] | None = None) -> int:
    """Replay one file; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("file", type=Path, help="npz file of traces")
    parser.add_argument(
        "--constants",
        choices=("derived", "from-file"),
        default="derived",
        help="derive the neurons' constants as the device does (default), or take those in the file",
    )
    options = parser.parse_args(arguments)
    constants_of = derived_constants if options.constants == "derived" else recorded_constants
    try:
        traces = read_traces(options.file)
        constants = [constants_of(traces, i) for i in range(traces.n_traces)]
    except (NeuromapError, OSError, ValueError) as err:
        print(f"error: {err}", file=sys.stderr)
        return 2
    all_identical = True
    for name, replay in (("reference", replay_reference), ("kernel", replay_kernel)):
        found = [next(differences(traces, i, replay(traces, i, c)), None) for i, c in enumerate(constants)]
        first = next((text for text in found if text), None)
        print(f"{name}: {found.count(None)} of {traces.n_traces} traces identical")
        if first:
            print(f"  first difference: {first}")
            all_identical = False
    return 0 if all_identical else 1


if __name__ == "__main__":
    sys.exit(main())
