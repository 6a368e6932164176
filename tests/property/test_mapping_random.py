"""Random networks on random machines: whatever maps is valid, and comes back from disk the same."""

import tempfile

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from machines import machine, network
from mapping.files.io import load_mapping, save_mapping
from mapping.flow import map_network
from mapping.load import static_load
from mapping.packet_walk import Routers
from mapping.recipe import Recipe
from mapping.tables import _prefix_entries, _rank
from mapping.verify import verify
from models.topology import build_topology

NAMES = "ABCD"


@st.composite
def networks(draw):
    """Up to four populations and one source, any pairs joined."""
    sizes = draw(st.lists(st.integers(1, 300), min_size=1, max_size=4))
    names = NAMES[: len(sizes)]
    pairs = draw(st.lists(st.sampled_from([(a, b) for a in names + "S" for b in names]), unique=True))
    rates_hz = {name: draw(st.floats(0.0, 100.0)) for name in names}
    return network(
        dict(zip(names, sizes, strict=True)),
        pairs,
        poisson=draw(st.booleans()),
        rates_hz=rates_hz,
        source_sizes={"S": draw(st.integers(1, 40))},
    )


@st.composite
def machines(draw):
    """Three boards, wrapped or not, with up to 20 dead chips and 20 dead links."""
    wrap = draw(st.booleans())
    whole = build_topology(machine(n_boards=3, wrap=wrap))
    chips = [tuple(chip) for chip in whole.chip.tolist()]
    links = [(*chips[i], int(link)) for i, link in np.argwhere(whole.neighbour >= 0)]
    return machine(
        n_boards=3,
        wrap=wrap,
        dead_chips=tuple(draw(st.lists(st.sampled_from(chips), max_size=20, unique=True))),
        dead_links=tuple(draw(st.lists(st.sampled_from(links), max_size=20, unique=True))),
    )


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(networks(), machines(), st.sampled_from(["ensemble", "combined"]), st.integers(4, 64))
def test_random_mapping_is_valid_and_survives_the_disk(net, given_machine, recipe, neurons_per_core):
    mapping = map_network(net, given_machine, Recipe(name=recipe, neurons_per_core=neurons_per_core))
    assert verify(mapping, net) == ()
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_mapping(save_mapping(mapping, f"{folder}/m"))
    assert loaded.machine == mapping.machine
    assert loaded.partition.vertices == mapping.partition.vertices
    assert verify(loaded, net) == ()


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(networks(), machines())
def test_static_load_is_what_the_tables_carry(net, given_machine):
    mapping = map_network(net, given_machine, Recipe(neurons_per_core=16))
    load = static_load(mapping, net)
    topology = build_topology(mapping.machine)
    routers = Routers(mapping.tables, topology)
    core = mapping.placement.core
    carried = np.zeros((topology.n_chips, 6))
    for vertex in mapping.partition.vertices:
        part = mapping.partition.slices[vertex.slice_id]
        if vertex.role.value in ("synapse", "poisson") or part.population not in mapping.trees:
            continue
        x, y, _ = core[vertex.vertex_id]
        i = vertex.slice_id
        start = topology.index_of([x], [y]).astype(np.int64)
        walked = routers.walk(mapping.keys.key[i : i + 1], mapping.keys.mask[i : i + 1], start)
        carried.reshape(-1)[walked.crossed] += part.n_neurons * load.rate_hz[part.population]
        assert load.link_hops[i] == len(walked.crossed)
    np.testing.assert_allclose(load.link_packets_per_s, carried, rtol=1e-9)


@given(st.lists(st.integers(-1, 4), min_size=1, max_size=40), st.data())
def test_prefix_entries_look_up_every_route(routes, data):
    values = np.array([routes], dtype=np.int64)
    is_met = values >= 0
    is_default = ~is_met | np.array([[data.draw(st.booleans()) for _ in routes]])
    if is_default.all():
        return
    route = np.maximum(values, 0).astype(np.uint32)
    rank, distinct = _rank(route, is_met)
    row, start, level, value, may_go = _prefix_entries(rank, distinct, is_met, is_default)
    assert (row == 0).all()
    start, level, value = start[~may_go], level[~may_go], value[~may_go]
    order = np.argsort(level, kind="stable")
    for number in np.flatnonzero(is_met[0]):
        matching = [i for i in order if start[i] == number >> level[i] << level[i]]
        if matching:
            assert value[matching[0]] == routes[number]
        else:
            assert is_default[0, number]
