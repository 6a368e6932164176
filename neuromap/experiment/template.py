"""The commented experiment file that ``neuromap template`` prints."""

from __future__ import annotations

from neuromap.experiment.schema import schema_path

_BODY = """\
# An experiment: a network on a machine. Check it with `neuromap check FILE`, run it with `neuromap run FILE`.
# The values below are the defaults; every key may be left out. Units are in the names. `--set path=value` replaces
# any value by its path in this file, for example --set network.scale=0.1 or --set machine.core.clock_hz=150e6.

network:
  name: pd14           # a built-in network; `network: pd14` is short for this
  scale: 1.0           # factor of the numbers of neurons and synapses; n_scale and k_scale set one of them
  drive: poisson       # poisson or dc
  v_init: optimised    # initial potentials: optimised (for each population) or original
  thalamus: false      # whether the 902 thalamic sources are added

machine:
  name: spinnaker1     # a built-in machine (`neuromap machines`) or a YAML file
  # core:              # replaces this value of the machine; any other key of a machine file can be set in this way
  #   clock_hz: 200e6

recipe:
  name: ensemble           # ensemble, combined, spread or hypergraph: how populations are divided among cores
  neurons_per_core: null   # null: default of the recipe; auto: as many as memory and the tick allow
  n_synapse_cores: null    # synapse cores of an ensemble; null: as many as the expected load needs
  place: connected         # algorithm that assigns slices to chips (docs/place_route.md)
  route: shared_tree       # algorithm that chooses the paths of packets
  keys: zoned              # zoned or dense: how packet keys are numbered (docs/tables.md)
  minimise: auto           # algorithm that shortens routing tables; auto: only tables that are too long
  fixed_chips: []          # slices that are fixed to a chip (x and y): [[L6I, [2, 1]], [L4E:64, [0, 3]]]
  same_chip: []            # groups of slices that must share a chip: [[L4E:0, L4E:64]]
  reserved_cores: 0        # number of cores left free on every chip
  reserved_chips: []       # chips left free: [[0, 0]]

seconds: 1.0             # model time that the results cover, in seconds
warmup_ms: 500.0         # model time simulated first and left out of the results, in milliseconds
seed: 1234               # seed of all random numbers
arithmetic: fixed        # fixed (the S16.15 fixed point of the machine) or float (double precision, exact integration)
delay_convention: nest   # step in which a spike acts. nest: as in NEST; device: one step earlier, as in SpiNNaker code
poisson: counter         # counter (counter-based generator, exact counts) or kiss (generator and methods of SpiNNaker)
weight_rounding: nearest # nearest or stochastic: how weights are rounded to multiples of the smallest weight
ring_buffer_sigma: 5.0   # weights are scaled so that ring buffers hold input up to this many deviations above its mean
ring_buffer_rate_hz: 30.0  # firing rate in Hz that this scaling assumes for every neuron
time_scale_factor: 1.0   # factor by which the machine is slowed down: a tick lasts one time step times this
# n_threads: 2           # number of threads of the emulator; it does not affect results
memory_gib: null         # memory limit of the emulator in GiB; does not affect results. null: most of the free memory
"""


def experiment_template() -> str:
    """Return an experiment file that explains every key and gives its default; the first line names the schema."""
    return f"# yaml-language-server: $schema={schema_path('experiment')}\n{_BODY}"
