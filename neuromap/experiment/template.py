"""The commented experiment file that ``neuromap template`` prints."""

from __future__ import annotations

from neuromap.experiment.schema import schema_path

_BODY = """\
# An experiment: a network on a machine. Check it with `neuromap check FILE`, run it with `neuromap run FILE`.
# Every key may be left out; its default stands here. Units are in the names. `--set path=value` replaces any value
# by its path in this file, for example --set network.scale=0.1 or --set machine.core.clock_hz=150e6.

network:
  name: pd14           # a built-in network; `network: pd14` is short for this
  scale: 1.0           # factor of neuron numbers and in-degrees; n_scale and k_scale set them one by one
  drive: poisson       # poisson or dc
  v_init: optimised    # optimised (per population) or original
  thalamus: false      # the 902 thalamic sources

machine:
  name: spinnaker1     # a built-in machine (`neuromap machines`) or a YAML file
  # core:              # whatever else stands in a machine file, to replace it
  #   clock_hz: 200e6

recipe:
  name: ensemble           # ensemble (neuron, synapse, Poisson cores on a chip), combined (one core does all) or spread
  neurons_per_core: null   # null: the recipe's own default; auto: as many as memory and the tick allow
  n_synapse_cores: null    # of an ensemble; null: from the expected load
  place: connected         # placer: how slices get their chips (docs/place_route.md)
  route: shared_tree       # router: how packets get to their targets
  keys: zoned              # zoned or dense: how packet keys are numbered
  minimise: auto           # how routing tables are shortened; auto: only if too long (docs/tables.md)
  fixed_chips: []          # slices that must be on a chip (x and y): [[L6I, [2, 1]], [L4E:64, [0, 3]]]
  same_chip: []            # groups of slices that must share a chip: [[L4E:0, L4E:64]]
  reserved_cores: 0        # cores left free on every chip
  reserved_chips: []       # chips left free: [[0, 0]]

seconds: 1.0             # model time that is kept, s
warmup_ms: 500.0         # simulated before that and dropped, ms
seed: 1234               # the one seed of all random numbers
arithmetic: fixed        # fixed (the machine's S16.15) or float (double precision, exact integration)
delay_convention: nest   # nest or device: how a delay is counted
poisson: counter         # counter (exact Poisson counts) or kiss (SpiNNaker's generator and methods)
weight_rounding: nearest # nearest or stochastic: how weights become units of the machine
ring_buffer_sigma: 5.0   # scale of the weights: summed input fits up to so many standard deviations above its mean
ring_buffer_rate_hz: 30.0  # rate that the scale assumes for neurons, Hz
time_scale_factor: 1.0   # slow-down that the machine is given: a tick lasts dt times this
# n_threads: 2           # threads of the emulator; they do not change the result
memory_gib: null         # memory that the emulator may take, GiB; with less it is slower. null: most of what is free
"""


def experiment_template() -> str:
    """Return an experiment file with every key, its default and what it means; the first line names the schema."""
    return f"# yaml-language-server: $schema={schema_path('experiment')}\n{_BODY}"
