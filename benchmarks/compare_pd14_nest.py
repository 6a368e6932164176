"""Compare full-scale PD14 with the packaged NEST runs: KS distances of rates, CVs, correlations as a Markdown table.

    python benchmarks/compare_pd14_nest.py --arithmetic fixed --delay-convention nest

Both simulations are compared over 9.6 s after a start-up of 500 ms. Bounds are in parentheses: for rates and CVs the
two-sample critical value at 1 %, for correlations (mean over five choices of 200 active neurons, 2 ms bins) twice the
distance between the two NEST seeds.
"""

from __future__ import annotations

import argparse

import numpy as np

from emulator.engine.simulate import simulate
from models.networks.pd14 import pd14
from models.published import NEST_PD14_SEEDS, nest_pd14_spikes
from neuromap.measures.statistics import ks_critical
from neuromap.studies.accuracy.measure import RunSamples, distances, run_samples

WARMUP_STEPS, LAST_STEP = 5_000, 101_000
ALPHA = 0.01


def print_table(own: RunSamples, references: list[RunSamples]) -> bool:
    """Print distance / bound of every population; return whether every distance is below its bound."""
    own_tables = [distances(own, reference)[0] for reference in references]
    seeds = distances(*references)[0]
    names = list(own.populations)
    print("| | " + " | ".join(names) + " |\n|---" + "|---" * len(names) + "|")
    is_below = True
    for statistic in ("rate_hz", "cv_isi", "correlation"):
        cells = []
        for name in names:
            distance = float(np.mean([table[statistic][name] for table in own_tables]))
            if statistic == "correlation":
                bound = 2 * float(seeds[statistic][name] or 0.0)
            else:
                sizes = [getattr(run.populations[name], statistic).size for run in (own, references[0])]
                bound = ks_critical(*sizes, alpha=ALPHA)
            is_below &= distance < bound
            cells.append(f"{distance:.3f} ({bound:.3f}){'' if distance < bound else ' **above**'}")
        print(f"| {statistic} | " + " | ".join(cells) + " |")
    return is_below


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--arithmetic", choices=("fixed", "float"), default="fixed")
    parser.add_argument("--delay-convention", choices=("nest", "device"), default="nest")
    parser.add_argument("--seed", type=int, default=1234)
    options = parser.parse_args()
    network = pd14()
    sizes = {population.name: population.n_neurons for population in network.populations}
    span = (WARMUP_STEPS, LAST_STEP)
    references = []
    for seed in NEST_PD14_SEEDS:
        run = nest_pd14_spikes(seed)
        references.append(run_samples(sizes, (run.step, run.neuron), span, run.dt_ms))
    result = simulate(
        network,
        n_steps=LAST_STEP,
        seed=options.seed,
        arithmetic=options.arithmetic,
        delay_convention=options.delay_convention,
    )
    own = run_samples(sizes, (result.spike_step, result.spike_neuron), span, network.dt_ms)
    print(f"{options.arithmetic}, {options.delay_convention} convention, factor {result.emulation_factor:.2f}")
    is_below = print_table(own, references)
    print("every distance below its bound" if is_below else "some distances above their bounds")


if __name__ == "__main__":
    main()
