"""Broken mappings: what an independent walk calls different the verifier finds, and nothing ends in a traceback."""

import functools
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from machines import machine, network
from mapping.flow import map_network
from mapping.model import Mapping
from mapping.recipe import FixedChip, Recipe, ReservedCores, SameChip
from mapping.verify import Asked, verify
from mapping_mutants import mutants
from mapping_walk import count_bytes, meaning
from models.machine.file import load_machine
from models.network import Network

PAIRS = [("A", "A"), ("A", "B"), ("B", "A"), ("S", "A"), ("S", "B")]
DRIVEN = network({"A": 40, "B": 20, "Q": 4}, PAIRS, poisson=True, source_sizes={"S": 12})
PLAIN = network({"A": 44, "B": 24}, [("A", "B"), ("B", "B")])
SPARSE = machine(dead_chips=((1, 1), (2, 0)), dead_cores=((0, 0, 4), (0, 0, 5)), dead_links=((0, 0, 0),))
FEW_CORES = {"core": {"n_per_chip": 6}}
KEPT = (FixedChip("B", (2, 2)), SameChip((("A", 0), ("A", 8))), ReservedCores(1))

TINY = {
    "generic_mesh": load_machine("generic_mesh", {"topology.shape": (2, 3), "topology.board_shape": (2, 3)}),
    "neuroaix": load_machine("neuroaix", {"topology.shape": (2, 3)}),
    "truenorth": load_machine("truenorth", {"topology.board_shape": (4, 4)}),
}
SMALL = machine(**FEW_CORES)
CUT = {"name": "combined", "neurons_per_core": 4}
WIDER = {"name": "combined", "neurons_per_core": 8}

#: Name: network, machine, choices of the recipe and perhaps the seed.
CASES = {
    "ensemble": (DRIVEN, machine(), {"neurons_per_core": 16, "n_synapse_cores": 2}),
    "ensemble, sparse machine": (DRIVEN, SPARSE, {"neurons_per_core": 8, "route": "ner"}),
    "combined": (DRIVEN, machine(n_boards="auto", **FEW_CORES), CUT),
    "constraints": (DRIVEN, SMALL, WIDER | {"constraints": KEPT}),
    "spread": (PLAIN, TINY["generic_mesh"], {"name": "spread", "neurons_per_core": 8, "route": "dimension_order"}),
    "hypergraph": (DRIVEN, SMALL, WIDER | {"name": "hypergraph"}),
    "pair, random": (DRIVEN, machine(), CUT | {"place": "random", "minimise": "pair", "seed": 3}),
    "layered, dense": (DRIVEN, SMALL, CUT | {"keys": "dense", "minimise": "layered"}),
    "ordered covering": (DRIVEN, SMALL, CUT | {"route": "shortest_path", "minimise": "ordered_covering"}),
    "default route": (PLAIN, machine(wrap=True, n_boards=3), CUT | {"place": "random", "minimise": "default_route"}),
    "two phase, tables": (PLAIN, SMALL, WIDER | {"route": "two_phase", "place": "hilbert"}),
    "generic mesh": (DRIVEN, load_machine("generic_mesh"), {"neurons_per_core": 8, "route": "congestion_aware"}),
    "many cores": (DRIVEN, load_machine("spinnaker2"), CUT),
    "neuroaix": (PLAIN, TINY["neuroaix"], {"name": "spread", "neurons_per_core": 8, "route": "two_phase"}),
    "loihi1": (PLAIN, load_machine("loihi1"), CUT | {"route": "unicast"}),
    "truenorth": (PLAIN, TINY["truenorth"], WIDER | {"route": "unicast"}),
}


@functools.cache
def made(case: str) -> tuple[Mapping, Network, Asked]:
    """Return a sound mapping, its network, and what was asked for."""
    given, onto, options = CASES[case]
    choices = {key: value for key, value in options.items() if key != "seed"}
    recipe, seed = Recipe(**choices, n_boards=onto.topology.n_boards), options.get("seed", 0)
    return map_network(given, onto, recipe, seed=seed), given, Asked(onto, recipe, seed)


def judge(case: str, n_each: int, stride: int = 1) -> tuple[int, int, int, list[str], list[str]]:
    """Numbers of mutants, of different ones, of found ones among these; names of those missed and with a traceback."""
    mapping, given, asked = made(case)
    right = meaning(mapping, given)
    n = n_different = n_found = 0
    missed: list[str] = []
    failed: list[str] = []
    all_mutants = mutants(mapping, np.random.default_rng(len(case)), n_each)
    for name, mutant in islice(all_mutants, len(case) % stride, None, stride):
        n += 1
        try:
            is_different = meaning(mutant, given) != right
        except Exception:  # a mapping that the walk cannot even read
            is_different = True
        try:
            violations = verify(mutant, given, asked)
            lines = [str(violation) for violation in violations]
        except Exception as error:
            failed.append(f"{case}: {name}: {type(error).__name__}: {error}")
            continue
        assert not any("\n" in line for line in lines), lines
        n_different += is_different
        n_found += is_different and bool(lines)
        if is_different and not lines:
            missed.append(f"{case}: {name}")
    return n, n_different, n_found, missed, failed


@pytest.mark.parametrize("case", CASES)
def test_sound_mapping_has_no_violation_and_the_bytes_that_are_counted_apart(case):
    mapping, given, asked = made(case)
    assert verify(mapping, given, asked) == ()
    assert verify(replace(mapping, recipe=None), given) == ()
    if mapping.tables.key.size:
        assert {links for _, links in meaning(mapping, given)["packets"].values()} == {"as the tree says"}
    stated = [(vertex.dtcm_bytes, vertex.sdram_bytes) for vertex in mapping.partition.vertices]
    assert stated == count_bytes(mapping, given)


def test_every_mutant_that_means_something_else_is_found(capsys):
    check_all(n_each=1, stride=5, capsys=capsys)


@pytest.mark.slow
def test_every_mutant_of_a_long_sweep_is_found(capsys):
    check_all(n_each=8, stride=1, capsys=capsys)


def check_all(n_each: int, stride: int, capsys) -> None:
    total = np.zeros(3, dtype=int)
    missed: list[str] = []
    failed: list[str] = []
    for case in CASES:
        n, n_different, n_found, not_found, ended = judge(case, n_each, stride)
        total += (n, n_different, n_found)
        missed += not_found
        failed += ended
    n, n_different, n_found = total.tolist()
    with capsys.disabled():
        print(
            f"\n{n:,} mutants of {len(CASES)} mappings: {n_different:,} mean something else, of which {n_found:,} "
            f"({n_found / n_different:.2%}) are found; {n - n_different:,} mean the same; {len(failed)} tracebacks"
        )
    assert failed == []
    assert missed == []
    assert n >= 2000
