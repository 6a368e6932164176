"""The routing table of chip (0, 0) for a small PD14: the packets that each entry matches, and their links and cores."""

from mapping.flow import map_network
from mapping.recipe import Recipe
from models.machine.file import load_machine
from models.networks import pd14

mapping = map_network(pd14(scale=0.02), load_machine("spinnaker1"), Recipe(name="combined"))
tables = mapping.tables
print(f"keys: population {mapping.keys.population_bits} bits | slice | neuron {mapping.keys.neuron_bits} bits")
for entry in range(tables.indptr[0], tables.indptr[1]):
    route = int(tables.route[entry])
    links = [name for bit, name in enumerate(("E", "NE", "N", "W", "SW", "S")) if route >> bit & 1]
    cores = [bit - 6 for bit in range(6, 24) if route >> bit & 1]
    print(f"key 0x{tables.key[entry]:08x} mask 0x{tables.mask[entry]:08x} -> links {links} cores {cores}")
