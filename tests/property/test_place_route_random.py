"""Random networks, machines, placers and routers: every mapping is valid, and every walk of a tree is consistent."""

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from machines import SPINNAKER1, network
from mapping.flow import map_network
from mapping.load import static_load
from mapping.place import PLACERS
from mapping.place.filling.chip_order import hilbert_number
from mapping.recipe import Recipe, ReservedCores
from mapping.route import ROUTERS
from mapping.route.lattice import displacement, has_dimensions, unit_steps
from mapping.verify import verify
from models.errors import CapacityError
from models.machine import TopologySpec
from models.topology import build_topology

SPECS = [
    TopologySpec(kind="mesh", shape=(6, 5)),
    TopologySpec(kind="torus", shape=(4, 7)),
    TopologySpec(kind="mesh", shape=(3, 3, 3)),
    TopologySpec(kind="hyperx", shape=(5, 7)),
    TopologySpec(kind="ring", shape=(25,)),
    TopologySpec(kind="tree", shape=(3, 3, 3)),
    TopologySpec(n_boards=1),
    TopologySpec(n_boards=3, wrap=True),
]
_SLOW = [HealthCheck.too_slow]


@st.composite
def machines(draw):
    """A machine of any kind with up to a fifth of its chips and links dead."""
    spec = draw(st.sampled_from(SPECS))
    whole = build_topology(replace(SPINNAKER1, topology=spec))
    chips = [tuple(chip) for chip in whole.chip.tolist()]
    links = [(*chips[i], int(link)) for i, link in np.argwhere(whole.neighbour >= 0)]
    return replace(
        SPINNAKER1,
        topology=spec,
        dead_chips=tuple(draw(st.lists(st.sampled_from(chips), max_size=len(chips) // 5, unique=True))),
        dead_links=tuple(draw(st.lists(st.sampled_from(links), max_size=len(links) // 5, unique=True))),
    )


@st.composite
def networks(draw):
    """Up to five populations and a source, any pairs joined."""
    sizes = draw(st.lists(st.integers(1, 250), min_size=1, max_size=5))
    names = "ABCDE"[: len(sizes)]
    pairs = draw(st.lists(st.sampled_from([(a, b) for a in names + "S" for b in names]), unique=True))
    rates_hz = {name: draw(st.floats(0.0, 50.0)) for name in names}
    source = {"S": draw(st.integers(1, 40))}
    return network(dict(zip(names, sizes, strict=True)), pairs, rates_hz=rates_hz, source_sizes=source)


@settings(max_examples=80, suppress_health_check=_SLOW, deadline=None)
@given(
    networks(),
    machines(),
    st.sampled_from(sorted(PLACERS)),
    st.sampled_from(sorted(ROUTERS)),
    st.sampled_from(["ensemble", "combined"]),
    st.integers(0, 3),
    st.integers(0, 99),
)
def test_any_placer_and_router_give_a_valid_mapping(net, given_machine, place, route, recipe, n_reserved, seed):
    kept = (ReservedCores(n_reserved),)
    chosen = Recipe(name=recipe, neurons_per_core=16, constraints=kept, place=place, route=route)
    try:
        mapping = map_network(net, given_machine, chosen, seed=seed)
    except CapacityError:  # too few chips left
        assume(False)
    assert verify(mapping, net) == ()
    load = static_load(mapping, net)
    sent = np.array([part.n_neurons * load.rate_hz[part.population] for part in mapping.partition.slices])
    np.testing.assert_allclose(load.link_packets_per_s.sum(), (np.maximum(load.link_hops, 0) * sent).sum(), rtol=1e-9)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(0, 2**32 - 1))
def test_hilbert_curve_visits_each_point_once(sides, seed):
    points = np.stack(np.meshgrid(*[np.arange(side) for side in sides], indexing="ij"), axis=-1)
    points = np.random.default_rng(seed).permutation(points.reshape(-1, len(sides))).astype(np.int32)
    assert len(set(hilbert_number(points).tolist())) == len(points)


@given(st.integers(1, 3), st.integers(1, 3))
def test_hilbert_curve_goes_in_single_steps(n_dimensions, n_bits):
    side = 1 << n_bits
    points = np.stack(np.meshgrid(*[np.arange(side)] * n_dimensions, indexing="ij"), axis=-1)
    points = points.reshape(-1, n_dimensions).astype(np.int32)
    ordered = points[np.argsort(hilbert_number(points))]
    assert (np.abs(np.diff(ordered, axis=0)).sum(axis=1) == 1).all()


@settings(max_examples=60, deadline=None)
@given(machines(), st.data())
def test_displacement_leads_to_its_end_and_is_shortest(given_machine, data):
    topology = build_topology(given_machine)
    assume(has_dimensions(topology) and topology.n_chips)
    start, end = (data.draw(st.integers(0, topology.n_chips - 1)) for _ in range(2))
    steps = displacement(topology, start, np.array([end]))[0]
    place = topology.coordinate[start] + steps @ unit_steps(topology)
    sizes = np.array(topology.dims)
    wrapped = np.where(topology.wraps, place % sizes, place)
    assert wrapped.tolist() == topology.coordinate[end].tolist()
    n_hops = np.count_nonzero(steps) if topology.metric == "hyperx" else np.abs(steps).sum()
    assert n_hops == topology.distance(start, end)
