"""The digest of a network: the same for equal networks, another for each value that is changed."""

from dataclasses import replace

import numpy as np

from machines import network, pair
from mapping.files.digest import network_digest
from models.network import Explicit, Network


def explicit(weights: list[float]) -> Network:
    net = network({"A": 4}, [("A", "A")])
    connector = Explicit(
        sources=np.array([0, 1]), targets=np.array([1, 2]), weights_pa=np.array(weights), delays_ms=np.array([1.0, 1.0])
    )
    return replace(net, projections=(replace(net.projections[0], connector=connector),))


def test_equal_networks_have_one_digest():
    assert network_digest(pair()) == network_digest(pair())
    assert len(network_digest(pair())) == 64
    assert network_digest(explicit([1.0, 2.0])) == network_digest(explicit([1.0, 2.0]))


def test_every_change_gives_another_digest():
    base = pair()
    first = base.populations[0]
    others = [
        replace(base, name="other"),
        replace(base, dt_ms=0.2),
        replace(base, populations=(replace(first, n_neurons=201), *base.populations[1:])),
        replace(
            base, populations=(replace(first, neuron=replace(first.neuron, tau_mem_ms=11.0)), *base.populations[1:])
        ),
        replace(base, projections=base.projections[1:]),
        replace(base, projections=base.projections[::-1]),
        replace(base, sources=(replace(base.sources[0], rate_hz=11.0),)),
        explicit([1.0, 2.0]),
        explicit([1.0, 3.0]),
    ]
    digests = {network_digest(one) for one in (base, *others)}
    assert len(digests) == len(others) + 1
