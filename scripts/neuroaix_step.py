"""Print the step time of neuroAIx by the static model (docs/neuroaix.md); every option defaults to the published value.

    python scripts/neuroaix_step.py --rate-hz 4 --height 7
    step_ns: 5220.15

``--phases`` adds the load of each resource of a node, and its time. The options are those of the authors' model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emulator.timing.pipeline_step import PipelineStep, pipeline_step
from models.errors import NeuromapError
from models.machine.file import load_machine

#: Option, path in the machine file, factor from the option's unit to the file's.
_MACHINE_OPTIONS = (
    ("pipelines", "core.n_per_chip", 1.0),
    ("neuron-clock-mhz", "core.clock_hz", 1e6),
    ("system-clock-mhz", "router.clock_hz", 1e6),
    ("link-gbit", "link.packets_per_s", 1e9 / 128),  # of a 128-bit flit a spike
    ("transceiver-ns", "pipeline.transceiver_ns", 1.0),
    ("dram-gbytes", "pipeline.dram_bytes_per_s", 1e9),
    ("bytes-per-synapse", "memory.synapse_bytes", 1.0),
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--neurons", type=float, default=77169, help="on the whole machine [77169]")
    made.add_argument("--rate-hz", type=float, default=3.2, help="mean rate of a neuron, Hz of model time [3.2]")
    made.add_argument("--synapses-per-neuron", type=float, default=3880, help="on the whole machine [3880]")
    made.add_argument("--height", type=int, default=5, help="nodes of a column [5]")
    made.add_argument("--width", type=int, default=7, help="nodes of a row [7]")
    for name, path, _ in _MACHINE_OPTIONS:
        made.add_argument(f"--{name}", type=float, help=f"[{path} of neuroaix]")
    made.add_argument("--phases", action="store_true", help="print every phase of the step too")
    return made


def step(options: argparse.Namespace) -> PipelineStep:
    """Compute the step."""
    settings: dict[str, object] = {"topology.shape": [options.height, options.width]}
    for name, path, factor in _MACHINE_OPTIONS:
        value = getattr(options, name.replace("-", "_"))
        if value is not None:
            settings[path] = value * factor
    machine = load_machine("neuroaix", settings)
    return pipeline_step(
        machine, n_neurons=options.neurons, rate_hz=options.rate_hz, n_synapses_per_neuron=options.synapses_per_neuron
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the script; return 0, or 2 for wrong input."""
    options = parser().parse_args(arguments)
    try:
        done = step(options)
    except NeuromapError as err:
        print(f"neuroaix_step.py: error: {err}", file=sys.stderr)
        return 2
    print(f"step_ns: {done.step_ns:.2f}")
    if options.phases:
        print(f"{'phase':<8} {'hops':>4} {'nodes':>5} {'start_ns':>9} {'end_ns':>9} {'work_ns':>9} {'late_ns':>9}")
        for one in done.phases:
            print(
                f"{one.name:<8} {one.n_hops:>4} {one.n_nodes:>5} {one.start_ns:>9.2f} {one.end_ns:>9.2f} "
                f"{one.work_ns:>9.2f} {one.late_ns:>9.2f}"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
