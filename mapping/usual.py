"""How a machine is used where nobody says otherwise."""

from __future__ import annotations

from types import MappingProxyType

from models.machine import Machine

#: Router of each way of casting.
_ROUTERS = MappingProxyType({"multicast": "shared_tree", "unicast": "unicast", "broadcast": "two_phase"})


def usual_recipe(machine: Machine) -> str:
    """Return ``ensemble``; on a machine whose cores share no memory ``spread`` with broadcast, else ``combined``."""
    if machine.memory.hand_over_bytes_per_s > 0:
        return "ensemble"
    return "spread" if machine.router.casting == "broadcast" else "combined"


def usual_router(machine: Machine) -> str:
    """Return the routing algorithm that does what the machine's routers do."""
    return _ROUTERS[machine.router.casting]
