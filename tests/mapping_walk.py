"""What a mapping means, found in plain Python one key at a time, to judge the verifier by.

Nothing here is shared with `mapping.verify`: tables are dictionaries, packets are followed one by one with a list,
bytes are added up with Python numbers and scipy's binomial distribution. Two mappings with the same `meaning` deliver
the same packets to the same slices over the same links, need the same resources and say the same of themselves.
"""

import math
from collections import Counter
from dataclasses import asdict

from scipy.stats import binom

from mapping.model import Mapping
from models.network import FixedProbability, Network
from models.topology import build_topology

HOPS = 500  # a packet that is still under way goes round
TAIL = 0.01


def meaning(mapping: Mapping, network: Network) -> dict[str, object]:
    """Return deliveries, links, resources and records of a mapping, in forms that can be compared."""
    topology = build_topology(mapping.machine)
    machine = Machine(topology)
    slices, vertices = mapping.partition.slices, mapping.partition.vertices
    core_of = [tuple(core) for core in mapping.placement.core.tolist()]
    vertex_on: dict[tuple[int, ...], list[int]] = {}
    for i, core in enumerate(core_of):
        vertex_on.setdefault(core, []).append(i)
    sender = {}
    for i, vertex in enumerate(vertices):
        if vertex.role.value in ("neuron", "combined", "source"):
            sender[vertex.slice_id] = core_of[i][:2]
    follow = Tables(mapping, machine) if mapping.machine.router.casting == "multicast" else Forest(mapping, machine)
    packets = {}
    for i, part in enumerate(slices):
        if part.population in mapping.trees:
            for key in (int(mapping.keys.key[i]), int(mapping.keys.key[i]) + part.n_neurons - 1):
                cores, links = follow.send(i, key, sender[i])
                reached = Counter(vertex for core in cores for vertex in vertex_on.get(core, [("nobody", core)]))
                needed = _needed_links(mapping.trees[part.population], machine, sender[i], {core[:2] for core in cores})
                packets[i, key] = (reached, "as the tree says" if links == needed else links)
    sdram: Counter[tuple[int, ...]] = Counter()
    for vertex, core in zip(vertices, core_of, strict=True):
        sdram[core[:2]] += vertex.sdram_bytes
    chips_of = [{core_of[i][:2] for i, v in enumerate(vertices) if v.slice_id == s} for s in range(len(slices))]
    return {
        "packets": packets,
        "bytes": [(vertex.dtcm_bytes, vertex.sdram_bytes) for vertex in vertices],
        "places": [machine.is_application_core(core) for core in core_of],
        "shared": max(len(users) for users in vertex_on.values()),
        "ensembles": [len(chips) for chips in chips_of],
        "full": max(sdram.values()) > mapping.machine.memory.sdram_bytes,
        "chips of parts": _chips_of_parts(mapping, chips_of),
        "entries": follow.faults(mapping.machine.router.n_table_entries),
        "outside": follow.n_outside,
        "trees": {name: _tree(tree, topology) for name, tree in mapping.trees.items()},
        "keys": (
            mapping.keys.key.tolist(),
            mapping.keys.mask.tolist(),
            mapping.keys.population_bits,
            mapping.keys.slice_bits,
            mapping.keys.neuron_bits,
        ),
        "vertices": [(v.vertex_id, v.slice_id, str(v.role), v.lane) for v in vertices],
        "slices": slices,
        "partition": (
            mapping.partition.recipe,
            list(mapping.partition.first_slice.items()),
            sorted(mapping.partition.n_lanes.items()),
            _parts(mapping),
        ),
        "lanes": {pair: lane.tolist() for pair, lane in mapping.partition.lane_of_source.items()},
        "marks": mapping.tables.is_default is not None and len(mapping.tables.key) > 0,
        "record": (mapping.network_name, mapping.seed, mapping.recipe, mapping.network_digest, asdict(mapping.machine)),
    }


def _needed_links(tree, machine, start: tuple[int, ...], targets: set[tuple[int, ...]]) -> Counter | None:
    """Links from ``start`` over the tree (the one that begins there, of several) to all targets; None if it is broken.

    Found by trying every way: a link is needed if a target lies beyond it.
    """
    chips, parents = [tuple(chip) for chip in tree.chip.tolist()], tree.parent.tolist()
    n_roots = sum(above < 0 for above in parents)
    ways: dict[int, list[tuple[int, tuple[tuple[int, ...], int]]]] = {i: [] for i in range(len(chips))}
    for i, above in enumerate(parents):
        if above < 0:
            continue
        up = int(tree.parent_link[i])
        if machine.behind.get((chips[i], up)) != chips[above]:
            return None
        ways[i].append((above, (chips[i], up)))
        ways[above].append((i, (chips[above], machine.back[chips[i], up])))
    begins = [i for i, chip in enumerate(chips) if chip == start and (n_roots == 1 or parents[i] < 0)]
    if len(begins) != 1:
        return None
    needed = Counter()

    def holds_target(node: int, before: int) -> bool:
        found = chips[node] in targets
        for other, link in ways[node]:
            if other != before and holds_target(other, node):
                needed[link] += 1
                found = True
        return found

    holds_target(begins[0], -1)
    return needed


def _chips_of_parts(mapping: Mapping, chips_of: list[set[tuple[int, ...]]]) -> object:
    """Parts that have more than one chip, and chips that have more than one part."""
    pairs = {(part, chip) for part, chips in zip(_parts(mapping) or [], chips_of, strict=False) for chip in chips}
    return Counter(part for part, _ in pairs).most_common(1)[:1] and (
        max(Counter(part for part, _ in pairs).values()),
        max(Counter(chip for _, chip in pairs).values()),
    )


def _parts(mapping: Mapping) -> list[int] | None:
    part = mapping.partition.part_of_slice
    return None if part is None else part.tolist()


def _tree(tree, topology) -> object:
    """Edges of a tree, and how it is used; the order of nodes and the root of a single tree mean nothing."""
    chips = [tuple(chip) for chip in tree.chip.tolist()]
    parents, links = tree.parent.tolist(), tree.parent_link.tolist()
    n_roots = sum(above < 0 for above in parents)
    edges = Counter()
    for i, above in enumerate(parents):
        root = i
        for _ in range(len(parents)):
            root = parents[root] if parents[root] >= 0 else root
        if above < 0:
            edges["root", chips[i] if n_roots > 1 else None, links[i]] += 1
            continue
        at = int(topology.index_of(*chips[i]))
        back = int(topology.back_link[at, links[i]]) if 0 <= links[i] < topology.n_links else -7
        ends = frozenset(((chips[i], links[i]), (chips[above], back)))
        edges[chips[root] if n_roots > 1 else None, ends, above < i] += 1
    return edges, tree.is_unicast, len(tree.parent_link) == len(chips) == len(parents)


class Machine:
    """Chips, links and cores by name."""

    def __init__(self, topology) -> None:
        chips = [tuple(chip) for chip in topology.chip.tolist()]
        self.cores = {
            (*chip, p)
            for chip, row in zip(chips, topology.is_app_core.tolist(), strict=True)
            for p, is_app in enumerate(row)
            if is_app
        }
        self.chips, self.n_links = set(chips), topology.n_links
        self.behind, self.back = {}, {}
        for chip, row, back in zip(chips, topology.neighbour.tolist(), topology.back_link.tolist(), strict=True):
            for link, other in enumerate(row):
                if other >= 0:
                    self.behind[chip, link], self.back[chip, link] = chips[other], back[link]
        self.straight = topology.straight.tolist()

    def is_application_core(self, core: tuple[int, ...]) -> bool:
        return core in self.cores


class Tables:
    """Packets that follow routing tables."""

    def __init__(self, mapping: Mapping, machine: Machine) -> None:
        tables, self.machine = mapping.tables, machine
        self.has_default = mapping.machine.router.has_default_route
        self.entries: dict[tuple[int, ...], list[tuple[int, int, int]]] = {}
        self.met: set[tuple[tuple[int, ...], int]] = set()
        self.n_misplaced = 0  # tables on no chip, or second ones on a chip
        bounds = tables.indptr.tolist()
        n_outside = 0
        for row, chip in enumerate(map(tuple, tables.chip.tolist())):
            rows = range(bounds[row], bounds[row + 1])
            own = []
            for i in rows:
                route = int(tables.route[i])
                if tables.routes is not None:
                    route = sum(int(word) << (64 * at) for at, word in enumerate(tables.routes[route]))
                key, mask = int(tables.key[i]), int(tables.mask[i])
                n_outside += bool(key & ~mask)
                own.append((key, mask, route))
            self.n_misplaced += chip in self.entries or chip not in machine.chips
            self.entries.setdefault(chip, own)
        self.n_outside = n_outside + (bounds[0] != 0) + (bounds[-1] != len(tables.key))

    def faults(self, n_most: int) -> tuple[int, bool, int]:
        """Return tables that are misplaced, whether one is too long, and the entries that no packet has met."""
        n_met = sum(met is not None for _, met in self.met)
        lengths = [len(entries) for entries in self.entries.values()]
        return self.n_misplaced, max(lengths, default=0) > n_most, sum(lengths) - n_met

    def send(self, _, key: int, start: tuple[int, ...]) -> tuple[list[tuple[int, ...]], Counter]:
        """Follow one packet; return the cores that it comes to and the links that it crosses, each as often."""
        cores, links = [], Counter()
        waiting = [(start, None)]
        for _ in range(HOPS):
            if not waiting:
                return cores, links
            chip, came_by = waiting.pop()
            entries = self.entries.get(chip, ())
            met = next((i for i, (k, mask, _) in enumerate(entries) if (key & mask) == k & mask), None)
            route = None if met is None else entries[met][2]
            self.met.add((chip, met))
            if route is None:
                straight = -1 if came_by is None or not self.has_default else self.machine.straight[came_by]
                leaves = [straight] if straight >= 0 else []
            else:
                leaves = [link for link in range(self.machine.n_links) if route >> link & 1]
                bits = route >> self.machine.n_links
                cores += [(*chip, p) for p in range(bits.bit_length()) if bits >> p & 1]
            for link in leaves:
                links[chip, link] += 1
                if (chip, link) in self.machine.behind:
                    waiting.append((self.machine.behind[chip, link], self.machine.back[chip, link]))
        links["round and round"] = 1
        return cores, links


class Forest:
    """Packets that follow trees, where routers have no tables; which links they cross is what the trees say."""

    def __init__(self, mapping: Mapping, machine: Machine) -> None:
        self.mapping, self.machine = mapping, machine
        self.n_outside = len(mapping.tables.key)
        self.reached = {name: self._reached(tree) for name, tree in mapping.trees.items()}

    def faults(self, _: int) -> int:
        """Return the tables that are there, though there should be none."""
        return len(self.mapping.tables.chip)

    def _reached(self, tree) -> dict[tuple[int, ...], Counter]:
        """Chips that a packet from each chip comes to: over whole links, root by root."""
        chips, parents = [tuple(chip) for chip in tree.chip.tolist()], tree.parent.tolist()
        n_roots = sum(above < 0 for above in parents)
        reached: dict[tuple[int, ...], Counter] = {}
        for node, chip in enumerate(chips):
            at = node
            for _ in chips:
                if parents[at] < 0:
                    break
                link = int(tree.parent_link[at])
                at = parents[at] if self.machine.behind.get((chips[at], link)) == chips[parents[at]] else -1
                if at < 0:
                    break
            if at >= 0 and parents[at] < 0:
                for start in chips if n_roots == 1 else [chips[at]]:
                    reached.setdefault(start, Counter())[chip] += 1
        return reached

    def send(self, slice_id: int, _: int, start: tuple[int, ...]) -> tuple[list[tuple[int, ...]], Counter]:
        """Return the cores that a packet comes to."""
        mapping = self.mapping
        name = mapping.partition.slices[slice_id].population
        first = mapping.partition.first_slice[name]
        cores = []
        for i, vertex in enumerate(mapping.partition.vertices):
            target = mapping.partition.slices[vertex.slice_id].population
            lane = mapping.partition.lane_of_source.get((name, target))
            if lane is None or vertex.role.value not in ("combined", "synapse"):
                continue
            if lane[slice_id - first] == vertex.lane:
                core = tuple(mapping.placement.core[i].tolist())
                cores += [core] * self.reached[name].get(start, Counter())[core[:2]]
        return cores, Counter()


def count_bytes(mapping: Mapping, network: Network) -> list[tuple[int, int]]:
    """DTCM and SDRAM bytes that the vertices need, counted from the network and the machine alone."""
    machine, core, memory = mapping.machine, mapping.machine.core, mapping.machine.memory
    drives = {population.name: population.poisson for population in network.populations}
    sizes = {group.name: group.n_neurons for group in (*network.populations, *network.sources)}
    drawn_so_far: Counter[int] = Counter()
    counted = []
    for vertex in mapping.partition.vertices:
        part = mapping.partition.slices[vertex.slice_id]
        n = part.stop - part.start
        buffers = 4 * 2 ** math.ceil(math.log2(n))  # two receptors, two bytes
        rows = slots = matrix = longest = 0
        for projection in network.projections:
            if projection.target != part.population:
                continue
            assert isinstance(projection.connector, FixedProbability)
            p, n_sources = projection.connector.probability, sizes[projection.source]
            tail = TAIL / (n_sources * max(1, sizes[part.population] / n))
            bound = max(1, int(binom.isf(tail, n, p))) if p > 0 else 0
            mean = bound if memory.row_padding == "longest_in_block" else p * n
            matrix += n_sources * (memory.row_header_bytes + memory.synapse_bytes * mean)
            longest = max(longest, math.ceil(memory.row_header_bytes + memory.synapse_bytes * bound))
            slots = max(slots, round(projection.delay_ms.value / network.dt_ms))
            rows += 1
        slots = 2 ** math.ceil(math.log2(max(slots, 1)))
        matrix = round(matrix) if memory.synapse_store == "chip" else 0
        own = core.dtcm_reserved_bytes
        synapses = buffers * slots + 4 * core.spike_buffer_packets + 2 * longest + 20 * rows
        drive = drives.get(part.population)
        n_poisson = math.ceil(n / core.max_poisson_sources) if drive else 0
        match vertex.role.value:
            case "combined":
                counted.append((own + synapses + 60 * n + (24 * n if drive else 0), matrix))
            case "synapse":
                counted.append((own + synapses, buffers + (matrix if vertex.lane == 0 else 0)))
            case "neuron":
                handed = mapping.partition.n_lanes[part.population] + n_poisson
                counted.append((own + 60 * n + handed * buffers, 0))
            case "source":
                counted.append((own + 24 * n, 0))
            case "poisson":
                first = drawn_so_far[vertex.slice_id] * core.max_poisson_sources
                drawn_so_far[vertex.slice_id] += 1
                here = min(core.max_poisson_sources, n - first)
                counted.append((own + 24 * here + 4 * 2 ** math.ceil(math.log2(here)), buffers))
    assert machine is mapping.machine
    return counted
