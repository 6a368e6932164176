"""The engine in any number format: bit for bit equal to plain Python integers and, in S16.15, to the fast kernel."""

from dataclasses import replace
from math import floor

import numpy as np
import pytest

from emulator.engine.initial_potential import initial_potentials_mv
from emulator.engine.options import SimulationOptions
from emulator.engine.simulate import simulate
from emulator.kernels.neuron import any_format as neuron_q
from emulator.kernels.neuron import lif as column
from emulator.loop.open_loop import replay
from emulator.numbers.fixed_point import QFormat
from emulator.numbers.number_format import (
    COUNTERS,
    NumberFormat,
    StateRounding,
    format_rows,
    input_factor,
    weight_steps,
)
from emulator.numbers.population_rows import population_rows
from emulator.numbers.weight_scale import weight_scales
from emulator.reference.network import drive_count
from emulator.reference.philox import philox_block
from emulator.reference.row import unpack_row
from emulator.runtime.random_stream import Stream, stream_key
from emulator.synapses.build import build_connectivity
from emulator.synapses.coarse_weights import coarsen_weights
from emulator.synapses.projection_table import SynapseDraw
from models.errors import ParameterError
from models.network import (
    Constant,
    CurrentDrive,
    FixedTotalNumber,
    LifCurrExp,
    Network,
    Normal,
    PoissonDrive,
    Population,
    Projection,
    Receptor,
    Uniform,
)
from models.vocabulary import Arithmetic

N_STEPS = 150
FORMATS = ("S16.15", "S8.7", "S8.23", "S10.9", "S12.4")


def network_of(seed, weight_pa=300.0):
    """Two populations with parameters drawn at random, that fire some spikes within 150 steps."""
    rng = np.random.default_rng(seed)

    def cell():
        return LifCurrExp(
            c_m_pf=float(rng.uniform(100, 300)),
            tau_mem_ms=float(rng.uniform(5, 20)),
            tau_syn_exc_ms=float(rng.uniform(0.3, 3)),
            tau_syn_inh_ms=float(rng.uniform(0.3, 3)),
            t_ref_ms=float(rng.choice([0.0, 0.5, 2.0])),
            v_rest_mv=-65.0,
            v_reset_mv=-65.0,
            v_thresh_mv=-50.0,
        )

    drive = PoissonDrive(n_inputs=3000, rate_hz=10.0, weight_pa=weight_pa / 3, delay_ms=0.1)
    exc = Population(name="E", n_neurons=23, neuron=cell(), v_init_mv=Uniform(low=-65.0, high=-50.5), poisson=drive)
    inh = Population(
        name="I", n_neurons=9, neuron=cell(), v_init_mv=Constant(value=-60.0), current=CurrentDrive(amplitude_pa=600.0)
    )
    delay_ms = Uniform(low=0.1, high=1.2)
    projections = tuple(
        Projection(
            source=source,
            target=target,
            connector=FixedTotalNumber(n_synapses=150),
            weight_pa=weight,
            delay_ms=delay_ms,
        )
        for source, weight in (
            ("E", Normal(mean=weight_pa, sd=weight_pa / 8, low=0.0)),
            ("I", Normal(mean=-weight_pa, sd=weight_pa / 8, high=0.0)),
        )
        for target in "EI"
    )
    return Network(name="random", populations=(exc, inh), projections=projections, dt_ms=0.1)


def shortened(x, n_bits, rounding, word):
    """``x / 2**n_bits`` as an integer, by the definition of each rounding."""
    if rounding is StateRounding.FLOOR:
        return x // 2**n_bits
    if rounding is StateRounding.NEAREST:
        return (2 * x + 2**n_bits) // 2 ** (n_bits + 1)
    return (x + word * 2**n_bits // 2**32) // 2**n_bits


class PlainNeuron:
    """One neuron in Python integers; ``lif`` holds the constants of its population."""

    def __init__(self, neuron_id, lif, number_format, v, key):
        self.id, self.c, self.f, self.key = neuron_id, [int(x) for x in lif], number_format, key
        self.v, self.i_exc, self.i_inh, self.rest = v, 0, 0, 0
        self.counts = dict.fromkeys(COUNTERS, 0)

    def clip(self, x, counter=None):
        inside = min(max(x, self.f.state.min_raw), self.f.state.max_raw)
        if counter:
            self.counts[counter] += x != inside
        return inside

    def add(self, current, word, init, n_bits, dither):
        self.counts["ring_saturated"] += word > 65535
        product = min(word, 65535) * init
        increment = shortened(product, n_bits, self.f.rounding, dither)
        self.counts["input_lost"] += bool(product) and not increment
        return self.clip(current + increment, "current_overflow")

    def step(self, step, word_exc, word_inh):
        c, rounding, y = self.c, self.f.rounding, self.f.state.frac_bits
        dither = [
            w for block in (0, 1) for w in philox_block((self.id, step, block, neuron_q.STREAM_ROUNDING), self.key)
        ]
        self.i_exc = self.add(self.i_exc, word_exc, c[column.L_INIT_EXC], c[neuron_q.Q_INPUT_SHIFT_EXC], dither[0])
        self.i_inh = self.add(self.i_inh, word_inh, c[column.L_INIT_INH], c[neuron_q.Q_INPUT_SHIFT_INH], dither[1])
        has_fired = False
        if self.rest > 0:
            self.rest -= 1
        else:
            current = self.clip(self.i_exc - self.i_inh + c[column.L_I_OFFSET])
            alpha = self.clip(shortened(current * c[column.L_R], y, rounding, dither[2]) + c[column.L_V_REST])
            distance = self.clip(alpha - self.v)
            n_bits = max(y, 15)
            self.v = self.clip(alpha - shortened(c[column.L_EXP_TC] * distance, n_bits, rounding, dither[3]))
            has_fired = self.v >= c[column.L_V_THRESH]
        if has_fired:
            self.v, self.rest = c[column.L_V_RESET], c[column.L_T_REFRACT]
        self.i_exc = shortened(self.i_exc * c[column.L_DECAY_EXC], 32, rounding, dither[4])
        self.i_inh = shortened(self.i_inh * c[column.L_DECAY_INH], 32, rounding, dither[5])
        return has_fired


def plain_run(network, simulation, number_format, seed):
    """Spikes and potentials (raw) of a network in plain Python, on the synapses of a simulation."""
    base = np.zeros((len(network.populations), column.N_LIF_INT), np.int64)
    base[:, column.L_T_REFRACT] = [-(-round(p.neuron.t_ref_ms * 1e3) // 100) for p in network.populations]
    if str(number_format.state) == "S16.15":  # derived as on the device; compared with the fast kernel elsewhere
        base = population_rows(network, simulation.scales)
    for row, p in zip(base, network.populations, strict=True):
        weight_pa = p.poisson.weight_pa if p.poisson else 0.0
        row[column.L_POISSON_WEIGHT] = round(weight_pa * simulation.scales[p.name, Receptor.EXC].raw_per_pa)
    rows = format_rows(network, number_format, base, simulation.scales, seed)
    population_of = [i for i, p in enumerate(network.populations) for _ in range(p.n_neurons)]
    key = tuple(stream_key(seed, Stream.ROUNDING).tolist())
    v_init = initial_potentials_mv(network, seed)
    scale = 2.0**number_format.state.frac_bits
    cells = [
        PlainNeuron(i, rows[population_of[i]], number_format, round(float(v_init[i]) * scale), key)
        for i in range(network.n_neurons)
    ]
    synapses = [unpack_row(simulation.connectivity, i) for i in range(network.n_neurons)]
    ring = {}
    spikes, v = [], []
    for step in range(N_STEPS):
        due = ring.pop(step, {})
        fired = []
        for i, cell in enumerate(cells):
            drive = drive_count(network, i, step, seed) * cell.c[column.L_POISSON_WEIGHT]
            words = due.get((i, Receptor.EXC), 0) + drive, due.get((i, Receptor.INH), 0)
            if cell.step(step, *words):
                fired.append(i)
        for i in fired:
            for synapse in synapses[i]:
                slot = ring.setdefault(step + synapse.delay_steps + 1, {})
                place = synapse.target, synapse.receptor
                slot[place] = slot.get(place, 0) + int(synapse.magnitude)
        spikes += [(step, i) for i in fired]
        v.append([cell.v for cell in cells])
    return spikes, np.array(v), cells


def run(network, arithmetic, seed=5, **options):
    probes = tuple(range(network.n_neurons))
    return simulate(network, n_steps=N_STEPS, seed=seed, arithmetic=arithmetic, probes=probes, **options)


def spikes_of(run):
    return list(zip(run.spikes.step.tolist(), run.spikes.neuron.tolist(), strict=True))


@pytest.mark.parametrize("rounding", StateRounding)
@pytest.mark.parametrize("name", FORMATS)
def test_engine_equals_plain_python(name, rounding):
    seed = FORMATS.index(name)
    network = network_of(seed)
    number_format = NumberFormat.parse(name, rounding, 16 if seed % 2 else 5)
    simulation = run(network, number_format, seed)
    spikes, v, cells = plain_run(network, simulation, number_format, seed)
    assert spikes_of(simulation) == spikes
    assert len(spikes) > 20
    np.testing.assert_array_equal(simulation.v_mv * 2.0**number_format.state.frac_bits, v)
    exc = cells[: network.populations[0].n_neurons]
    for counter in ("ring_saturated", "input_lost"):
        assert simulation.population_counters["E"][counter] == sum(cell.counts[counter] for cell in exc)
    assert simulation.population_counters["E"]["n_updates"] == 23 * N_STEPS


@pytest.mark.parametrize("rounding", StateRounding)
def test_saturating_engine_equals_plain_python(rounding):
    """Weights so strong that currents, potentials and ring words leave their range."""
    network = network_of(3, weight_pa=40_000.0)
    number_format = NumberFormat.parse("S7.8", rounding)
    simulation = run(network, number_format, 3)
    spikes, v, _ = plain_run(network, simulation, number_format, 3)
    assert spikes_of(simulation) == spikes
    np.testing.assert_array_equal(simulation.v_mv * 256, v)
    counts = simulation.population_counters["E"]
    assert counts["current_overflow"] > 0
    assert counts["v_overflow"] > 0


@pytest.mark.parametrize("convention", ["nest", "device"])
@pytest.mark.parametrize("seed", range(4))
def test_s1615_with_floor_equals_the_fast_kernel(seed, convention):
    network = network_of(seed)
    fast = run(network, Arithmetic.FIXED, seed, delay_convention=convention)
    general = run(network, NumberFormat.parse("S16.15", "floor"), seed, delay_convention=convention)
    assert spikes_of(general) == spikes_of(fast)
    assert fast.spike_step.size > 20
    np.testing.assert_array_equal(general.v_mv, fast.v_mv)


def test_stochastic_rounding_does_not_depend_on_threads():
    network, number_format = network_of(1), NumberFormat.parse("S8.7", "stochastic")
    one, three = (run(network, number_format, n_threads=n) for n in (1, 3))
    assert spikes_of(one) == spikes_of(three)
    np.testing.assert_array_equal(one.v_mv, three.v_mv)
    assert one.population_counters == three.population_counters


def test_stochastic_rounding_is_right_on_average():
    """A membrane far below one unit a step moves as it should on average, and stands still with floor upwards."""
    cell = LifCurrExp(c_m_pf=25000.0, tau_mem_ms=1000.0, v_rest_mv=-60.0, v_reset_mv=-65.0, v_thresh_mv=-50.0)
    network = Network(
        name="still", populations=(Population(name="A", n_neurons=400, neuron=cell, v_init_mv=Constant(value=-62.0)),)
    )
    end_mv = {
        rounding: simulate(
            network, n_steps=1000, seed=2, arithmetic=NumberFormat.parse("S8.7", rounding), probes=tuple(range(400))
        ).v_mv[-1]
        for rounding in StateRounding
    }
    exact_mv = -60.0 - 2.0 * np.exp(-100.0 / 1000.0)
    assert np.all(end_mv[StateRounding.NEAREST] == -62.0)
    assert np.mean(end_mv[StateRounding.STOCHASTIC]) == pytest.approx(exact_mv, abs=0.02)
    assert np.abs(np.mean(end_mv[StateRounding.FLOOR]) - exact_mv) > 0.1


def test_float32_stays_near_float64():
    network = network_of(2)
    double, single = run(network, Arithmetic.FLOAT), run(network, NumberFormat.parse("float32"))
    assert single.connectivity.weight.dtype == np.float32
    np.testing.assert_array_equal(single.connectivity.weight, double.connectivity.weight.astype(np.float32))
    error_mv = np.abs(single.v_mv - double.v_mv)[:20]
    assert 0 < error_mv.max() < 1e-4
    assert single.population_counters == {}


@pytest.mark.parametrize("weight_bits", [8, 4, 1])
def test_coarse_weights_are_the_nearest_multiples(weight_bits):
    network = network_of(4)
    scales = weight_scales(network)
    raw_per_pa = {key: scale.raw_per_pa for key, scale in scales.items()}
    built = build_connectivity(network, SynapseDraw(seed=4, raw_per_pa=raw_per_pa), n_shards=2, n_threads=1)
    before = [unpack_row(built, i) for i in range(network.n_neurons)]
    steps = weight_steps(network, scales, weight_bits)
    n_clipped, n_zero = coarsen_weights(network, built, steps, weight_bits)
    after = [unpack_row(built, i) for i in range(network.n_neurons)]
    n_levels, found_clipped, found_zero = 2**weight_bits - 1, 0, 0
    for old_row, new_row in zip(before, after, strict=True):
        for old, new in zip(old_row, new_row, strict=True):
            step = steps["E" if old.target < 23 else "I", old.receptor]
            wanted = floor(old.magnitude / step + 0.5)
            found_clipped += wanted > n_levels
            found_zero += wanted == 0 and old.magnitude > 0
            assert replace(new, magnitude=min(wanted, n_levels) * step) == new
            assert replace(old, magnitude=new.magnitude) == new
    assert (n_clipped, n_zero) == (found_clipped, found_zero)
    for (_, receptor), step in steps.items():
        largest = 300.0 * (1 + 5 / 8) * max(raw_per_pa[name, receptor] for name in "EI")
        assert (step - 1) * n_levels < largest
        assert step * n_levels <= 65535


def test_sixteen_bit_weights_have_steps_of_one():
    network = network_of(0)
    assert set(weight_steps(network, weight_scales(network), 16).values()) == {1}


@pytest.mark.parametrize(
    "arithmetic", [Arithmetic.FLOAT, Arithmetic.FIXED, NumberFormat.parse("S8.7", "stochastic")], ids=str
)
def test_replay_of_its_own_spikes_is_the_run(arithmetic):
    network = network_of(0)
    simulation = run(network, arithmetic)
    probes = tuple(range(0, network.n_neurons, 3))
    again = replay(
        simulation, simulation, SimulationOptions(n_steps=N_STEPS, seed=5, arithmetic=arithmetic, probes=probes)
    )
    np.testing.assert_array_equal(again.v_mv, simulation.v_mv[:, list(probes)])
    assert spikes_of(again) == spikes_of(simulation)


def test_replayed_currents_are_comparable():
    """The fixed-point engine keeps step averages; the currents of the replay are those of the float engine."""
    network = network_of(0)
    double, fine = run(network, Arithmetic.FLOAT), run(network, NumberFormat.parse("S8.23", "nearest"))
    currents = [
        replay(
            simulation, double, SimulationOptions(n_steps=N_STEPS, seed=5, arithmetic=arithmetic, probes=(0, 25))
        ).i_exc_pa
        for simulation, arithmetic in ((double, Arithmetic.FLOAT), (fine, NumberFormat.parse("S8.23", "nearest")))
    ]
    assert np.max(currents[0]) > 100
    np.testing.assert_allclose(currents[1], currents[0], atol=0.5)  # weights are rounded too
    assert input_factor(network).shape == (32, 2)


def test_format_names():
    assert NumberFormat.parse("S16.15").label == "S16.15 floor"
    assert NumberFormat.parse("S8.7", "nearest", 4).label == "S8.7 nearest, 4-bit weights"
    assert NumberFormat.parse("float32", "nearest", 4) == NumberFormat(None)
    assert [NumberFormat.parse(name).decay_bits for name in ("S8.7", "S16.15", "S8.23")] == [15, 15, 23]
    assert NumberFormat(None).state_bits == NumberFormat.parse("S16.15").state_bits == 32


def test_format_of_too_many_bits():
    with pytest.raises(
        ParameterError, match=r"^number format: needs a signed format of at most 32 bits, such as S16.15, has 'S16.16'$"
    ):
        NumberFormat.parse("S16.16")
    with pytest.raises(ParameterError, match=r"^number format: needs a signed format of at most 32 bits"):
        NumberFormat(QFormat(False, 0, 16))


@pytest.mark.parametrize("weight_bits", [0, 17])
def test_wrong_weight_bits(weight_bits):
    with pytest.raises(ParameterError, match=rf"^weight_bits: needs a whole number >= 1 and <= 16, has {weight_bits}$"):
        NumberFormat.parse("S8.7", "floor", weight_bits)


def test_potential_outside_the_format():
    pattern = (
        r"^Population\('E'\)\.v_rest_mv in S5\.10: needs a value from -32 to 31\.999 mV; "
        r"choose a format with more integer bits, has -65\.0$"
    )
    neuron = LifCurrExp(c_m_pf=500.0, tau_mem_ms=10.0, v_rest_mv=-65.0, v_reset_mv=-65.0, v_thresh_mv=-50.0)
    network = Network(name="n", populations=(Population(name="E", n_neurons=1, neuron=neuron),))
    base = np.zeros((1, column.N_LIF_INT), np.int64)
    with pytest.raises(ParameterError, match=pattern):
        format_rows(network, NumberFormat.parse("S5.10"), base, weight_scales(network), 0)


def test_initial_potential_outside_the_format():
    with pytest.raises(
        ParameterError, match=r"^v_init_mv in S5\.10: needs a value from -32 to 31\.999 mV; .*, has -40\.0$"
    ):
        NumberFormat.parse("S5.10").to_state(np.array([-20.0, -40.0]))


def test_input_beyond_the_ring_words():
    network = network_of(0, weight_pa=1e11)
    message = (
        r"^Population\('E'\): weights onto LifCurrExp: needs sums below 2\^16 \(nA\) in one step; lower the weights, "
        r"the in-degree or the drive, has 'a sum of up to 2\^29'$"
    )
    with pytest.raises(ParameterError, match=message):
        run(network, NumberFormat.parse("S8.23"))
