"""neurons_per_core="auto"."""

import numpy as np
import pytest

from machines import machine, network
from mapping.flow import map_network
from mapping.partition import combined, ensemble
from mapping.partition.automatic import MAX_LOAD_RATIO, automatic_neurons_per_core, busiest_cycles
from mapping.recipe import Recipe
from models.errors import CapacityError
from models.networks import pd14
from neuromap.cli.app import main
from neuromap.measures.static import static_report


def test_pd14_in_real_time_takes_64_neurons_a_core():
    assert automatic_neurons_per_core(pd14(), machine(), ensemble.partition) == 64


def test_the_number_found_fits_and_one_more_does_not():
    net, given = pd14(scale=0.2), machine(n_boards="auto")
    n = automatic_neurons_per_core(net, given, combined.partition, time_scale_factor=2.0)
    budget = given.budget_cycles(net.dt_ms, 2.0) * MAX_LOAD_RATIO
    cycles = [busiest_cycles(combined.partition(net, given, neurons_per_core=k), net, given)[0] for k in (n, n + 1)]
    assert cycles[0] <= budget < cycles[1]


@pytest.mark.parametrize("recipe", ["combined", "ensemble"])
def test_cycles_agree_with_the_static_depth(recipe):
    net = pd14(scale=0.1)
    mapping = map_network(net, machine(n_boards="auto"), Recipe(name=recipe))
    cycles, where = busiest_cycles(mapping.partition, net, mapping.machine)
    core = static_report(mapping, net).busiest_core
    # every packet is charged a row here; ensembles wait for what else is on their chip, which only a placement knows
    low, high = (1.0, 1.05) if recipe == "combined" else (0.95, 1.05)
    assert low * core.used_cycles <= cycles <= high * core.used_cycles
    assert where == f"a {core.kind} core of {core.population}"


def test_limits_of_memory_count():
    net = network({"A": 200}, [("A", "A")])
    small = machine(core={"max_neurons": 150})
    assert automatic_neurons_per_core(net, small, combined.partition, time_scale_factor=1000) == 150
    few = machine(core={"dtcm_bytes": 9_000, "dtcm_reserved_bytes": 5_000, "spike_buffer_packets": 64})
    n = automatic_neurons_per_core(net, few, combined.partition, time_scale_factor=1000)
    assert 1 <= n < 150
    with pytest.raises(CapacityError, match=r"^DTCM at combined core of A\[0:"):
        combined.partition(net, few, neurons_per_core=n + 1)


def test_a_tick_that_is_too_short():
    message = (
        r"^cycles of a tick at a combined core of A on spinnaker1: needs [\d,]+ cycles, has 80 cycles; "
        r"raise time_scale_factor to [\d.]+, or use another recipe$"
    )
    with pytest.raises(CapacityError, match=message):
        automatic_neurons_per_core(network({"A": 8}, [("A", "A")]), machine(core={"clock_hz": 1e6}), combined.partition)


def test_command_line_takes_auto(tmp_path, capsys):
    out = tmp_path / "o"
    options = ["--scale", "0.05", "--neurons-per-core", "auto", "--out", str(out)]
    assert main(["map", "pd14", *options]) == 0
    assert "cores" in capsys.readouterr().out
    with np.load(out / "mapping" / "mapping.npz") as arrays:
        assert len(arrays["vertex"]) > 0
