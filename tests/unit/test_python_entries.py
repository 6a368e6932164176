"""Numbers that Python entries take: numpy's whole numbers count as Python's, what is none is an error that names it."""

import numpy as np
import pytest

from emulator.engine.options import SimulationOptions
from emulator.engine.simulate import simulate
from emulator.engine.source import SpikeSources
from emulator.loop.open_loop import replay
from emulator.numbers.number_format import NumberFormat
from emulator.numbers.weight_scale import RingBufferBound
from emulator.packets.adaptor import PacketOptions
from emulator.packets.drawn_spikes import random_spikes
from emulator.runtime.random_stream import Stream, host_rng, stream_key
from emulator.timing import TimedSpikes, time_run
from machines import machine
from mapping.files.resume import Resume
from mapping.flow import map_network
from mapping.minimise import MINIMISERS
from mapping.partition import combined, ensemble, spread
from mapping.recipe import Recipe
from models.errors import ParameterError
from models.network import Network, PoissonDrive, PoissonSource, Population

DRIVE = PoissonDrive(n_inputs=1000, rate_hz=8.0, weight_pa=87.8, delay_ms=1.5)
NET = Network(
    name="x",
    populations=(Population(name="N", n_neurons=20, poisson=DRIVE),),
    sources=(PoissonSource(name="S", n_neurons=2, rate_hz=100.0),),
)
WHOLE = [1.5, 2.0, np.float64(2.0), "2", True, [2], float("nan"), -1]


def run(**options):
    return simulate(NET, **{"n_steps": 300, "seed": 1} | options)


def mapped(seed=0, **choices):
    return map_network(NET, machine(n_boards=1), Recipe(**{"neurons_per_core": 10} | choices), seed=seed)


def timed(**options):
    mapping = mapped(name="combined")
    lengths = np.zeros((NET.n_sources, len(mapping.partition.slices)), np.uint16)
    empty = np.zeros(0, np.int32)
    return time_run(mapping, NET, TimedSpikes(empty, empty, options.pop("n_steps", 2), lengths), **options)


ENTRIES = {
    "simulate seed": ("seed", run),
    "simulate n_steps": ("n_steps", run),
    "simulate n_threads": ("n_threads", run),
    "simulate max_memory_bytes": ("max_memory_bytes", run),
    "map_network seed": ("seed", mapped),
    "map_network neurons_per_core": ("neurons_per_core", mapped),
    "map_network n_synapse_cores": ("n_synapse_cores", mapped),
    "combined": ("neurons_per_core", lambda **o: combined.partition(NET, machine(n_boards=1), **o)),
    "ensemble": ("neurons_per_core", lambda **o: ensemble.partition(NET, machine(n_boards=1), **o)),
    "spread": ("neurons_per_core", lambda **o: spread.partition(NET, machine(n_boards=1), **o)),
    "minimise": ("n_threads", lambda **o: MINIMISERS["layered"](mapped().tables, **o)),
    "stream_key": ("seed", lambda seed: stream_key(seed, Stream.COUNT)),
    "host_rng": ("seed", lambda seed: host_rng(seed, Stream.COUNT)),
    "SpikeSources": ("seed", lambda seed: SpikeSources(NET, seed).spikes(0, 3)),
    "PacketOptions": ("seed", lambda **o: PacketOptions(**o)),
    "random_spikes seed": ("seed", lambda seed: random_spikes(NET, {"N": 8.0, "S": 8.0}, 5, seed)),
    "random_spikes n_steps": ("n_steps", lambda n_steps: random_spikes(NET, {"N": 8.0, "S": 8.0}, n_steps, 1)),
    "replay n_steps": ("n_steps", lambda n_steps: replay(run(), run(), SimulationOptions(n_steps=n_steps, seed=1))),
    "time_run n_steps": ("n_steps", timed),
    "weight_bits": ("weight_bits", lambda weight_bits: NumberFormat.parse("S16.15", weight_bits=weight_bits)),
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("value", WHOLE, ids=repr)
def test_what_is_no_whole_number_is_refused(entry, value):
    name, call = ENTRIES[entry]
    with pytest.raises(ParameterError, match=rf"^{name}: needs .*, has "):
        call(**{name: value})


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.uint64])
def test_whole_numbers_of_numpy_are_taken(entry, kind):
    name, call = ENTRIES[entry]
    call(**{name: kind(2)})


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.uint32, np.int64, np.uint64])
def test_a_seed_of_numpy_gives_the_spikes_of_an_int(kind):
    own, plain, other = run(seed=kind(7)), run(seed=7), run(seed=8)
    np.testing.assert_array_equal(own.spike_step, plain.spike_step)
    np.testing.assert_array_equal(own.spike_neuron, plain.spike_neuron)
    assert not np.array_equal(plain.spike_step, other.spike_step)
    assert mapped(seed=kind(7)).seed == 7
    assert type(mapped(seed=kind(7)).seed) is int


@pytest.mark.parametrize("seed", [-1, 2**64, 1 << 100])
@pytest.mark.parametrize("call", [run, mapped, PacketOptions], ids=["simulate", "map_network", "PacketOptions"])
def test_seeds_beyond_64_bits_are_no_aliases(call, seed):
    with pytest.raises(ParameterError, match=rf"^seed: needs a whole number >= 0 and < 2\*\*64, has {seed}$"):
        call(seed=seed)
    assert not np.array_equal(run(seed=2**64 - 1).spike_step, run(seed=2**64 - 2).spike_step)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), "1", True])
@pytest.mark.parametrize("call", [mapped, timed, PacketOptions], ids=["map_network", "time_run", "PacketOptions"])
def test_a_time_scale_factor_is_a_number_above_zero(call, value):
    with pytest.raises(ParameterError, match=r"^time_scale_factor: needs .*, has "):
        call(time_scale_factor=value)


@pytest.mark.parametrize("probes", [[0.5], [-1], [20], ["0"], [True], [[0]], [float("nan")]])
def test_probes_are_ids_of_neurons(probes):
    with pytest.raises(ParameterError, match=r"^probes: needs .*, has "):
        run(probes=probes)


@pytest.mark.parametrize("probes", [range(3), (0, 2), np.arange(3, dtype=np.uint8), [0.0, 1.0], []])
def test_probes_may_be_any_list_of_whole_numbers(probes):
    assert run(n_steps=2, probes=probes).v_mv.shape == (2, len(probes))


@pytest.mark.parametrize("option", ["arithmetic", "delay_convention", "poisson", "weight_rounding"])
@pytest.mark.parametrize("value", ["x", 1, float("nan")])
def test_choices_are_named_with_the_known_ones(option, value):
    with pytest.raises(ParameterError, match=rf"^{option}: needs one of .*, has "):
        run(**{option: value})


@pytest.mark.parametrize("name", ["sigma", "rate_hz"])
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "5", True])
def test_the_bound_of_a_ring_buffer_is_made_of_numbers(name, value):
    with pytest.raises(ParameterError, match=rf"^ring_buffer_{name}: needs .*, has "):
        RingBufferBound(**{name: value})


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: simulate(None, n_steps=1, seed=1), "network"),
        (lambda: simulate(NET, n_steps=1, seed=1, ring_buffer=5.0), "ring_buffer"),
        (lambda: map_network("chain", machine(n_boards=1)), "network"),
        (lambda: map_network(NET, "spinnaker1"), "machine"),
        (lambda: map_network(NET, machine(n_boards=1), "combined"), "recipe"),
        (lambda: Resume("mapping", "route"), "resume.mapping"),
    ],
)
def test_what_is_of_another_kind_is_refused(call, name):
    with pytest.raises(ParameterError, match=rf"^{name}: needs a "):
        call()


@pytest.mark.parametrize("n_neurons", [2**31, 2**40, np.uint64(2**63)])
@pytest.mark.parametrize("kind", [Population, PoissonSource])
def test_more_neurons_than_ids_are_said_to_be_too_many(kind, n_neurons):
    options = {} if kind is Population else {"rate_hz": 1.0}
    with pytest.raises(
        ParameterError, match=r"^\w+\('N'\)\.n_neurons: needs a whole number of at most 2,147,483,647 neurons"
    ):
        kind(name="N", n_neurons=n_neurons, **options)
