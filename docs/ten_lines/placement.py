"""The placement of a small PD14: the cores of the first slice of every population."""

from mapping.flow import map_network
from mapping.recipe import Recipe
from models.machine.file import load_machine
from models.networks import pd14

mapping = map_network(pd14(scale=0.05), load_machine("spinnaker1"), Recipe(name="ensemble"))
print(len(mapping.partition.vertices), "cores on", mapping.machine.topology.n_boards, "board")
for name, first in mapping.partition.first_slice.items():
    ensemble = [vertex for vertex in mapping.partition.vertices if vertex.slice_id == first]
    x, y = mapping.placement.core[ensemble[0].vertex_id, :2]
    print(
        f"{name:<4} chip ({x}, {y}):", ", ".join(f"{v.role} {mapping.placement.core[v.vertex_id, 2]}" for v in ensemble)
    )
