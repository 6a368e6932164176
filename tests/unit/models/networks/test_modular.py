"""The networks of areas, groups and layers: what projects where, with how many synapses."""

import numpy as np
import pytest

from models.errors import CapacityError, ParameterError
from models.network import Explicit
from models.networks import layered_conv, modular, pd14, small_world, vogels_abbott
from models.networks.layered_conv import NEURON as CONV_NEURON
from models.networks.layered_conv import band_synapses, kernel_values, most_synapses
from models.networks.modular import LONG_RANGE, area_positions_mm, shares
from models.networks.small_world import ring_graph


def received(network):
    """Return {(source kind, target): synapses}, the area or group of the source left out."""
    counts = {}
    for p in network.projections:
        key = p.source.split("_")[-1], p.target
        counts[key] = counts.get(key, 0) + p.connector.n_synapses
    return counts


def area(name):
    return name.split("_")[0]


# areas of PD14


def test_ten_areas_are_ten_pd14():
    network = modular()
    assert network.n_neurons == 771_690
    assert network.expected_n_synapses() == 2_988_809_680


def test_every_in_degree_of_an_area_is_that_of_pd14():
    column, network = pd14(scale=0.1), modular(n_areas=5, scale=0.1)
    counts = received(network)
    wanted = {(p.source, p.target): p.connector.n_synapses for p in column.projections}
    for k in range(5):
        assert {(s, t.split("_")[1]): n for (s, t), n in counts.items() if area(t) == f"A{k}"} == wanted


def test_only_excitatory_cells_of_three_layers_leave_their_area():
    network = modular(n_areas=4, scale=0.1)
    leaving = [p for p in network.projections if area(p.source) != area(p.target)]
    assert {p.source.split("_")[1] for p in leaving} == set(LONG_RANGE)
    assert sum(p.connector.n_synapses for p in leaving) == pytest.approx(0.2 * network.expected_n_synapses(), rel=1e-4)


def test_far_areas_send_less_and_later():
    network = modular(n_areas=9, scale=0.1)
    to_corner = {area(p.source): p for p in network.projections if p.target == "A0_L4E" and p.source.endswith("L5E")}
    near, far = to_corner["A1"], to_corner["A8"]
    # 3 mm and 6 sqrt(2) mm at 0.19 per mm and 3.5 mm/ms
    ratio = far.connector.n_synapses / near.connector.n_synapses
    assert ratio == pytest.approx(np.exp(-0.19 * (6 * np.sqrt(2) - 3)), rel=0.02)
    assert near.delay_ms.mean == pytest.approx(3 / 3.5)
    assert far.delay_ms.mean == pytest.approx(6 * np.sqrt(2) / 3.5)
    assert (far.delay_ms.sd, far.delay_ms.high) == (0.5 * far.delay_ms.mean, 2 * far.delay_ms.mean)


def test_one_area_is_pd14():
    column, network = pd14(scale=0.1), modular(n_areas=1, scale=0.1)
    assert [p.connector for p in network.projections] == [p.connector for p in column.projections]
    assert [p.delay_ms for p in network.projections] == [p.delay_ms for p in column.projections]


def test_areas_without_exchange_are_alone():
    assert {area(p.source) == area(p.target) for p in modular(n_areas=3, inter_area=0.0).projections} == {True}


def test_areas_lie_on_a_square_grid():
    assert area_positions_mm(3, 2.0).tolist() == [[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]]


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [(10, [1, 1, 1], [4, 3, 3]), (5, [1, 0, 1], [3, 0, 2]), (0, [1, 2], [0, 0]), (7, [0.1, 0.2, 0.7], [1, 1, 5])],
)
def test_shares_sum_to_the_total(total, weights, parts):
    assert shares(total, np.array(weights, float)).tolist() == parts


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_areas": 0}, r"^modular\(n_areas\): needs a whole number from 1 to [\d,]+( \w+)?, has 0$"),
        ({"distance_mm": 0.0}, r"^modular\(distance_mm\): needs a number from [^,]+ mm, has 0\.0$"),
        ({"inter_area": 1.5}, r"^modular\(inter_area\): needs a number from 0 to 1, has 1\.5$"),
        ({"inter_area": 0.6}, r"^modular\(inter_area\): needs a number in \[0, 0\.487\], has 0\.6$"),
        ({"scale": -1.0}, r"^modular\(scale\): needs a number from [^,]+, has -1\.0$"),
        ({"k_scale": 0.0}, r"^modular\(k_scale\): needs a number from [^,]+, has 0\.0$"),
        ({"dt_ms": 0.0}, r"^modular\(dt_ms\): needs a number from [^,]+ ms, has 0\.0$"),
    ],
)
def test_modular_refuses(given, message):
    with pytest.raises(ParameterError, match=message):
        modular(**given)


# small world


def test_ring_without_rewiring_has_the_nearest_neighbours():
    assert ring_graph(6, 4, 0.0, seed=1)[0] == (1, 2, 4, 5)
    assert ring_graph(6, 2, 0.0, seed=1)[5] == (0, 4)


@pytest.mark.parametrize("rewire_probability", [0.1, 1.0])
def test_rewiring_keeps_the_number_of_sources(rewire_probability):
    graph = ring_graph(40, 6, rewire_probability, seed=2)
    assert {len(sources) for sources in graph} == {6}
    assert all(len(set(sources)) == 6 and target not in sources for target, sources in enumerate(graph))
    lattice = ring_graph(40, 6, 0.0, seed=2)
    n_kept = sum(len(set(a) & set(b)) for a, b in zip(graph, lattice, strict=True))
    # every one of 240 is replaced with this probability, by one that does not send yet
    assert n_kept == pytest.approx(240 * (1 - rewire_probability), abs=25)
    assert graph != ring_graph(40, 6, rewire_probability, seed=3)


def test_small_world_in_degrees_do_not_depend_on_the_graph():
    for rewire_probability in (0.0, 0.5):
        network = small_world(n_groups=10, neurons_per_group=100, rewire_probability=rewire_probability)
        counts = received(network)
        for k in range(10):
            assert counts["E", f"G{k}_E"] == 200 * 80
            assert counts["E", f"G{k}_I"] == 200 * 20
            assert counts["I", f"G{k}_E"] == 50 * 80


def test_small_world_inhibits_within_groups_only():
    network = small_world(n_groups=6)
    inhibiting = [p for p in network.projections if p.weight_pa.value < 0]
    assert all(area(p.source) == area(p.target) and p.source.endswith("I") for p in inhibiting)
    # 0.2 mV * 250 pF / 0.5 ms, times g = 6
    assert {p.weight_pa.value for p in network.projections} == {100.0, -600.0}


def test_one_group_is_alone():
    network = small_world(n_groups=1, n_neighbours=0)
    assert received(network)["E", "G0_E"] == 200 * 800


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"n_groups": 0}, r"^small_world\(n_groups\): needs a whole number from 1 to [\d,]+( \w+)?, has 0$"),
        ({"n_neighbours": 3}, r"^small_world\(n_neighbours\): needs an even number below n_groups = 32, has 3$"),
        ({"n_groups": 4}, r"^small_world\(n_neighbours\): needs an even number below n_groups = 4, has 4$"),
        (
            {"neurons_per_group": 4},
            r"^small_world\(neurons_per_group\): needs a whole number from 5 to .*, has 4$",
        ),
        ({"rewire_probability": -0.1}, r"^small_world\(rewire_probability\): needs a number from 0 to 1, has -0\.1$"),
        ({"outside": True}, r"^small_world\(outside\): needs a number from 0 to 1, has True$"),
        ({"g": 0.0}, r"^small_world\(g\): needs a number from [^,]+, has 0\.0$"),
        ({"delay_ms": 0.25}, r"^small_world\(delay_ms\): needs a multiple of dt_ms = 0\.1 ms .*, has 0\.25$"),
    ],
)
def test_small_world_refuses(given, message):
    with pytest.raises(ParameterError, match=message):
        small_world(**given)


# layers of kernels


def test_band_synapses_join_the_pixels_under_the_kernel():
    kernels = np.arange(9.0).reshape(1, 1, 3, 3) + 1
    sources, targets, weights_pa = band_synapses(kernels, (0, 3), (0, 3), 3)
    middle = targets == 4
    assert sources[middle].tolist() == list(range(9))
    assert weights_pa[middle].tolist() == list(range(1, 10))
    corner = targets == 0
    assert sources[corner].tolist() == [0, 1, 3, 4]
    assert weights_pa[corner].tolist() == [5, 6, 8, 9]


def test_bands_together_hold_the_synapses_of_the_whole_image():
    whole = layered_conv(width=6, height=7, n_layers=2, n_channels=2, kernel_size=3, n_bands=1)
    cut = layered_conv(width=6, height=7, n_layers=2, n_channels=2, kernel_size=3, n_bands=3)
    assert cut.n_neurons == whole.n_neurons == 2 * 2 * 42
    assert cut.expected_n_synapses() == whole.expected_n_synapses()
    # one channel in, two out; pixels under the kernel: 6 * 3 - 2 across, 7 * 3 - 2 down
    assert whole.expected_n_synapses() == (1 * 2 + 2 * 2) * 16 * 19


def test_bands_far_apart_do_not_project():
    network = layered_conv(height=16, n_bands=8, kernel_size=3)
    assert {p.source for p in network.projections if p.target == "conv1_4"} == {"input_3", "input_4", "input_5"}


def test_mean_input_of_a_middle_neuron_is_the_gain_times_threshold():
    network = layered_conv(width=9, height=9, n_channels=64, n_layers=1, n_bands=1, gain=2.0)
    total_pa = np.zeros(64 * 81)
    for p in network.projections:
        assert isinstance(p.connector, Explicit)
        np.add.at(total_pa, p.connector.targets, p.connector.weights_pa)
    middle = total_pa.reshape(64, 9, 9)[:, 4, 4] * 20.0 * 1e-3 * CONV_NEURON.tau_syn_exc_ms
    # 15 mV * 250 pF / 20 ms = 187.5 pA; kernels of 25 values scatter by 2 / 5 about it, 64 of them by 1 / 20
    assert middle.mean() == pytest.approx(2 * 187.5, rel=0.2)


def test_kernels_come_from_their_seed():
    first, again, other = kernel_values(1, 2, 3, 5), kernel_values(1, 2, 3, 5), kernel_values(1, 2, 3, 6)
    assert first.shape == (2, 1, 3, 3)
    np.testing.assert_array_equal(first, again)
    assert (first != other).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"width": 0}, r"^layered_conv\(width\): needs a whole number from 1 to [\d,]+( \w+)?, has 0$"),
        ({"kernel_size": 4}, r"^layered_conv\(kernel_size\): needs an odd number, has 4$"),
        (
            {"kernel_size": 33},
            r"^layered_conv\(kernel_size\): needs at most 31 on an image of 32 x 32 pixels, has 33$",
        ),
        (
            {"kernel_size": 9, "width": 64, "height": 7, "n_bands": 1},
            r"^layered_conv\(kernel_size\): needs at most 7 on an image of 64 x 7 pixels, has 9$",
        ),
        ({"n_bands": 33}, r"^layered_conv\(n_bands\): needs at most height = 32, has 33$"),
        ({"gain": 0.0}, r"^layered_conv\(gain\): needs a number from [^,]+, has 0\.0$"),
        ({"rate_hz": -1.0}, r"^layered_conv\(rate_hz\): needs a number from [^,]+ Hz, has -1\.0$"),
        ({"kernel_seed": -1}, r"^layered_conv\(kernel_seed\): needs a whole number from 0 to [\d,]+( \w+)?, has -1$"),
        ({"delay_ms": 0.25}, r"^layered_conv\(delay_ms\): needs a multiple of dt_ms = 0\.1 ms .*, has 0\.25$"),
    ],
)
def test_layered_conv_refuses(given, message):
    with pytest.raises(ParameterError, match=message):
        layered_conv(**given)


def test_layered_conv_refuses_a_list_that_no_memory_holds():
    message = r"^synapses listed one by one at layered_conv: needs 17,205,986,304 synapses, has [\d,]+ syn"
    with pytest.raises(CapacityError, match=message):
        layered_conv(n_channels=256, kernel_size=9, width=18, height=18, n_bands=1, n_layers=11)


def test_the_most_synapses_are_those_of_a_network_without_edges():
    counts = {"width": 9, "height": 9, "n_layers": 2, "n_channels": 3, "n_bands": 1}
    assert most_synapses(counts, 1) == 9 * 9 * (3 + 3 * 3)  # a kernel of one pixel reaches over no edge
    network = layered_conv(kernel_size=1, **counts)
    assert network.expected_n_synapses() == most_synapses(counts, 1)
    assert layered_conv(kernel_size=5, **counts).expected_n_synapses() < most_synapses(counts, 5)


# Vogels & Abbott


def test_vogels_abbott_is_the_benchmark_of_brette():
    network = vogels_abbott()
    assert {p.name: p.n_neurons for p in network.populations} == {"E": 3200, "I": 800}
    assert {p.connector.probability for p in network.projections} == {0.02}
    weights = {p.source: p.weight_pa for p in network.projections}
    # 1.62 mV and 9 mV over 100 megaohm
    assert {name: weight.value for name, weight in weights.items()} == {"E": pytest.approx(16.2), "I": -90.0}
    neuron = network.populations[0].neuron
    assert neuron.tau_mem_ms / neuron.c_m_pf == 0.1  # 100 megaohm, in GOhm
    assert network.drive == "none"


def test_vogels_abbott_scale_keeps_in_degrees():
    network = vogels_abbott(scale=4.0)
    assert {p.source: p.connector.probability * network.group(p.source).n_neurons for p in network.projections} == {
        "E": pytest.approx(64),
        "I": pytest.approx(16),
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scale": 0.0}, r"^vogels_abbott\(scale\): needs a number from [^,]+, has 0\.0$"),
        ({"scale": 0.01}, r"^vogels_abbott\(scale\): needs a number >= 0\.02 \(in-degrees 64 and 16\), has 0\.01$"),
        ({"delay_ms": 0.05}, r"^vogels_abbott\(delay_ms\): needs a multiple of dt_ms = 0\.1 ms .*, has 0\.05$"),
        ({"dt_ms": 0.3, "delay_ms": 0.3}, r"^vogels_abbott: t_ref_ms: needs a multiple of dt_ms = 0\.3 ms .*, has 5"),
    ],
)
def test_vogels_abbott_refuses(given, message):
    with pytest.raises(ParameterError, match=message):
        vogels_abbott(**given)
