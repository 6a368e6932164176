"""What plastic projections take in a plan: bytes of rows, histories and tables, and synapse cores."""

from dataclasses import replace

import pytest

from machines import SPINNAKER1, machine, network, projection
from mapping.model import Role, Slice
from mapping.partition import combined, ensemble
from mapping.partition.memory import InputPlanner, dtcm_bytes
from models.errors import ParameterError
from models.machine.file import load_machine
from models.network import AllToAll, Network
from models.network.plasticity import PairStdp, n_decays

RULE = PairStdp(w_max_pa=100.0, tau_plus_ms=20.0, tau_minus_ms=10.0)
STATIC = network({"A": 64}, [])


def plastic(*rules: PairStdp | None) -> Network:
    """64 neurons, all joined to all once for every rule."""
    joined = tuple(replace(projection("A", "A", AllToAll()), plasticity=rule) for rule in rules)
    return replace(STATIC, projections=joined)


def needs(net: Network, n_neurons: int = 64):
    return InputPlanner(net, SPINNAKER1).needs(Slice("A", 0, n_neurons))


def test_decay_tables_have_an_entry_a_step_down_to_one_unit():
    assert n_decays(20.0, 0.1) == 1526  # 2048 exp(-1525 / 200) = 1.0
    assert n_decays(20.0, 1.0) == 154
    assert n_decays(0.01, 1.0) == 2


def test_matrix_holds_the_header_the_weights_and_the_controls_of_each_row():
    assert needs(plastic(None)).matrix_bytes == 64 * (12 + 4 * 64)
    assert needs(plastic(RULE)).matrix_bytes == 64 * (12 + 8 + 2 * 64 + 2 * 64)
    assert needs(plastic(RULE), 63).matrix_bytes == 64 * (12 + 8 + 128 + 128)  # whole words
    assert needs(plastic(RULE)).row_buffer_bytes == 276


def test_plastic_synapses_count_by_what_the_tools_plan_with():
    static, learning = needs(plastic(None)), needs(plastic(RULE))
    assert learning.row_synapses_per_s == pytest.approx(static.row_synapses_per_s * 13.0 / 1.4)


def test_histories_and_tables_take_dtcm_of_every_synapse_core():
    tables = 2 * (n_decays(20.0, 0.1) + n_decays(10.0, 0.1))
    assert needs(plastic(None)).history_bytes == 0
    assert needs(plastic(RULE)).history_bytes == 64 * 100 + tables
    more = dtcm_bytes(SPINNAKER1, Role.SYNAPSE, 64, needs(plastic(RULE)))
    less = dtcm_bytes(SPINNAKER1, Role.SYNAPSE, 64, needs(plastic(None)))
    assert more - less == 64 * 100 + tables + 2 * 8  # two row buffers with the plastic header


def test_rules_share_histories_and_tables_where_they_can():
    same = replace(RULE, a_plus=0.5)
    assert needs(plastic(RULE, same)).history_bytes == needs(plastic(RULE)).history_bytes
    nearest = replace(RULE, pairing="nearest")
    assert needs(plastic(RULE, nearest)).history_bytes == needs(plastic(RULE)).history_bytes + 64 * 100


@pytest.mark.parametrize("recipe", [combined, ensemble])
def test_a_plan_has_more_memory_with_plasticity(recipe):
    plans = [recipe.partition(plastic(rule), machine(), neurons_per_core=64) for rule in (None, RULE)]
    sdram = [sum(vertex.sdram_bytes for vertex in plan.vertices) for plan in plans]
    assert sdram[1] > sdram[0]


def test_a_machine_that_does_not_say_what_plasticity_costs_refuses():
    message = (
        r"^plasticity of Projection\('A' -> 'A'\): needs a machine with a section 'plasticity' "
        r"\(spinnaker1 has one\), has 'generic_mesh'$"
    )
    with pytest.raises(ParameterError, match=message):
        combined.partition(plastic(RULE), load_machine("generic_mesh"), neurons_per_core=64)
