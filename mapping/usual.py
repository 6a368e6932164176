"""The default recipe and router of a machine."""

from __future__ import annotations

from types import MappingProxyType

from models.machine import Machine

#: Default router for each kind of casting.
_ROUTERS = MappingProxyType({"multicast": "shared_tree", "unicast": "unicast", "broadcast": "two_phase"})


def usual_recipe(machine: Machine) -> str:
    """Return ``ensemble`` or, if the cores share no memory, ``spread`` (with broadcast) or ``combined``."""
    if machine.memory.hand_over_bytes_per_s > 0:
        return "ensemble"
    return "spread" if machine.router.casting == "broadcast" else "combined"


def usual_router(machine: Machine) -> str:
    """Return the routing algorithm that suits how the machine's routers cast."""
    return _ROUTERS[machine.router.casting]
