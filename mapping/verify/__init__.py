"""Check a mapping without knowing how it was made.

Every key of every slice is sent through the final tables (`mapping.packet_walk`), and the cores that it reaches are
compared with the ones that the network asks for. Every core, byte and table entry is counted again and compared
exactly. The mapping's records of itself are compared with its parts and, if given, with the experiment's machine,
recipe and seed. The checks collect violations and never raise. Files: `layout` (kinds, types, shapes; it runs first,
since the other checks rely on it), `records`, `slices`, `resources`, `tables`, `trees`, `packets`.

===================  ==============================================================================================
invariant            a violation is
===================  ==============================================================================================
``layout``           a part of a wrong kind, type or shape
``record``           a name, network, recipe, seed, machine or number of boards other than asked for, or that the
                     mapping contradicts
``machine``          a machine whose chips and links cannot be built
``coverage``         slices that do not cover a population exactly once, or are larger than a core takes
``ensemble``         vertices of a slice that are missing, too many, of a wrong role or not consecutive
``same chip``        an ensemble on two chips
``part``             a part on two chips, or two parts on one (recipes that decide which slices share a chip)
``core``             a vertex on a core that is dead, reserved, runs a monitor or does not exist
``core shared``      two vertices on one core
``constraint``       a slice that is not on the chip, or not with the slices, that a constraint of the recipe names
``limit``            a slice that breaks a limit of the machine that no placement helps with (rows, delays, axons ...)
``dtcm``, ``sdram``  bytes of a vertex other than its slice needs, or more than a core or a chip has
``key clash``        two slices own the same key, or a slice has fewer keys than neurons
``key zone``         keys or zones that are not as the recipe's allocation numbers them
``lane``             a source slice without a lane, or with one that does not exist
``table``            a table on no working chip, two on one chip, or any on a machine whose routers have none
``table length``     more entries than the router holds
``entry``            an entry that tells neurons of one slice apart, has key bits outside its mask, that no packet
                     meets, or that is marked as default-routed and is not
``tree``             a tree that is broken, has an unused branch, or is not the one that the tables follow
``missed``           a packet that does not reach a core that needs it
``extra``            a packet that reaches a core that does not need it
``duplicate``        a packet that comes to a chip twice
``loop``             a packet that goes round for ever
``link``             a packet that leaves by a dead link or off the machine
===================  ==============================================================================================

These are not violations: another order of entries with the same effect, unused keys or cores, and another placement
that keeps every rule. If the number of boards was left open, it is checked to be the smallest only for the placer
``connected``. A mapping that was put together by hand (``recipe`` None) is not compared with a recipe.
"""

from __future__ import annotations

from mapping.model import Mapping, Violation
from mapping.verify.common import Asked
from mapping.verify.layout import check_layout
from mapping.verify.packets import check_packets
from mapping.verify.records import check_boards, check_records, check_zones
from mapping.verify.resources import check_cores, check_memory
from mapping.verify.slices import check_ensembles, check_lanes, check_slices
from mapping.verify.tables import check_keys, check_tables
from models.errors import NeuromapError
from models.network import Network
from models.topology import build_topology

__all__ = ["Asked", "verify"]


def verify(mapping: Mapping, network: Network, asked: Asked | None = None) -> tuple[Violation, ...]:
    """Check every invariant of a mapping.

    Parameters
    ----------
    mapping : Mapping
    network : Network
        The one that was mapped.
    asked : Asked, optional
        Machine, recipe and seed of the mapping's experiment; not compared if not given.

    Returns
    -------
    tuple of Violation
        Empty if all invariants hold; else at most one per invariant and place, which names up to five offenders.
    """
    violations = check_layout(mapping)
    if violations:  # the other checks rely on the layout
        return tuple(violations)
    violations += check_records(mapping, network, asked)
    try:
        topology = build_topology(mapping.machine)
    except NeuromapError as error:
        return (*violations, Violation("machine", mapping.machine.name, str(error)))
    structure = [
        *check_slices(mapping, network),
        *check_ensembles(mapping, network),
        *check_lanes(mapping, network),
    ]
    if structure:
        return (*violations, *structure)
    violations += [*check_cores(mapping, topology), *check_memory(mapping, network, topology)]
    violations += [*check_keys(mapping), *check_zones(mapping), *check_tables(mapping, topology)]
    violations += [*check_packets(mapping, network, topology), *check_boards(mapping, topology)]
    return tuple(violations)
