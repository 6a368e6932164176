"""Random scenarios of the packet model, and small ones by hand."""

import numpy as np

from emulator.packets.model import FOREVER, Parameters
from emulator.packets.routes import NO_ENTRY as NO_DESTINATION
from emulator.packets.routes import Routes
from emulator.packets.scenario import Fabric, Scenario, Work, idle_work, make_packets
from models.vocabulary import EndOfTick

NO_ENTRY = None  # of `routes_of_outputs`
TRIANGULAR = ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1))
SQUARE = ((1, 0), (0, 1), (-1, 0), (0, -1))


def routes_of_outputs(outputs):
    """Return the routes of a list of nets, each a list of the outputs on every router (None: no entry)."""
    number = {}
    destination = [
        [NO_DESTINATION if some is None else number.setdefault(tuple(sorted(some)), len(number)) for some in net]
        for net in outputs
    ]
    first = np.cumsum([0, *(len(some) for some in number)])
    output = np.array([one for some in number for one in some], np.int32)
    return Routes(destination=np.array(destination, np.int32), first=first, output=output)


def grid_fabric(width, height, *, offsets=TRIANGULAR, wrap=False, n_cores=2, period=3, delay=2, dead=()):
    """Routers of a grid; ``period`` and ``delay`` may be arrays; ``dead``: (router, slot), one direction."""
    n, k = width * height, len(offsets)
    far_router, far_slot = np.full((n, k), -1, np.int32), np.zeros((n, k), np.int32)
    for x in range(width):
        for y in range(height):
            for slot, (dx, dy) in enumerate(offsets):
                fx, fy = x + dx, y + dy
                if wrap:
                    fx, fy = fx % width, fy % height
                if 0 <= fx < width and 0 <= fy < height:
                    far_router[x * height + y, slot] = fx * height + fy
                    far_slot[x * height + y, slot] = (slot + k // 2) % k
    is_dead = far_router < 0
    for router, slot in dead:
        is_dead[router, slot] = True
    full = np.ones((n, k), np.int64)
    return Fabric(
        far_router=far_router,
        far_slot=far_slot,
        is_dead=is_dead,
        period=(full * period).astype(np.int64),
        delay=(full * delay).astype(np.int64),
        straight=np.array([(slot + k // 2) % k for slot in range(k)], np.int32),
        n_cores=n_cores,
        has_triangles=k == 6,
    )


def random_tree(rng, fabric, source, *, p_core=0.4, p_link=0.5, p_straight=0.3):
    """Routes of one net: a random tree from ``source``; entries that only go straight on may be missing."""
    route = [NO_ENTRY] * fabric.n_routers
    seen, todo = {source}, [(source, -1)]
    while todo:
        router, arrival = todo.pop(int(rng.integers(len(todo))))
        links = []
        for slot in rng.permutation(fabric.n_slots).tolist():
            far = int(fabric.far_router[router, slot])
            if far >= 0 and far not in seen and rng.random() < p_link:
                seen.add(far)
                links.append(slot)
                todo.append((far, int(fabric.far_slot[router, slot])))
        cores = [p for p in range(fabric.n_cores) if rng.random() < p_core]
        is_straight = not cores and arrival >= 0 and links == [int(fabric.straight[arrival])]
        if is_straight and rng.random() < p_straight:
            continue
        route[router] = (*sorted(links), *(fabric.n_slots + p for p in cores))
    if rng.random() < 0.05:
        route[source] = NO_ENTRY
    # a router without an entry passes packets on: where it must not, it has an empty one
    walk_all = [(source, -1)]
    visited = set()
    while walk_all:
        router, arrival = walk_all.pop()
        visited.add(router)
        if route[router] is NO_ENTRY:
            slots = [int(fabric.straight[arrival])] if arrival >= 0 else []
        else:
            slots = [slot for slot in route[router] if slot < fabric.n_slots]
        for slot in slots:
            far = int(fabric.far_router[router, slot])
            if far in visited:
                route[router] = ()
            elif far >= 0:
                walk_all.append((far, int(fabric.far_slot[router, slot])))
    return route


def random_parameters(rng):
    """Small buffers and short waits, so that everything that can happen does."""
    wait1 = int(rng.choice([FOREVER, 0, 1, 5, 20, 80]))
    return Parameters(
        router_cycles=int(rng.integers(1, 4)),
        wait1_cycles=wait1,
        wait2_cycles=int(rng.choice([0, 0, 3, 30])),
        output_buffer_packets=int(rng.integers(1, 4)),
        input_buffer_packets=int(rng.integers(1, 4)),
        receive_cycles=int(rng.integers(1, 12)),
        spike_buffer_packets=int(rng.integers(1, 8)),
        dump_cycles=int(rng.integers(1, 15)),
        reinjection_queue_packets=int(rng.choice([0, 1, 3, 50])),
        reinjection_timer_cycles=int(rng.integers(5, 60)),
        reinjection_cycles=int(rng.integers(1, 10)),
        barrier_cycles=int(rng.integers(10, 40)),
        end_of_tick=rng.choice([EndOfTick.WAIT, EndOfTick.LATE, EndOfTick.DROP]),
    )


def random_work(rng, n_cores, n_rows, tick_cycles):
    n_columns = int(rng.integers(1, 4))
    return Work(
        spike_work=rng.integers(0, 10 * 256, n_cores).astype(np.int32),
        synapse_work=rng.integers(0, 256, n_cores).astype(np.int32),
        column=rng.integers(-1, n_columns, n_cores).astype(np.int32),
        row_length=rng.integers(0, 30, (n_rows, n_columns)).astype(np.uint16),
        tick_cycles=(rng.integers(0, 2, n_cores) * rng.integers(0, 60, n_cores)).astype(np.int32),
        phase_cycles=(rng.integers(0, 2) * rng.integers(0, tick_cycles, n_cores)).astype(np.int32),
    )


def random_scenario(seed, *, most_cores=3):
    """A scenario of up to 16 routers and some hundred packets."""
    rng = np.random.default_rng(seed)
    offsets = TRIANGULAR if rng.random() < 0.75 else SQUARE
    width, height = rng.integers(1, 5, 2).tolist()
    if width * height == 1:
        width = 2
    fabric = grid_fabric(
        width,
        height,
        offsets=offsets,
        wrap=bool(rng.integers(2)) and min(width, height) > 2,
        n_cores=int(rng.integers(max(1, most_cores - 2), most_cores + 1)),
        period=rng.integers(1, 9, (width * height, len(offsets))),
        delay=rng.integers(0, 12, (width * height, len(offsets))),
        dead=[(int(rng.integers(width * height)), int(rng.integers(len(offsets)))) for _ in range(rng.integers(0, 3))],
    )
    n_nets, n_ticks = int(rng.integers(1, 7)), int(rng.integers(1, 4))
    tick_cycles = int(rng.integers(40, 400))
    sources = rng.integers(0, fabric.n_routers, n_nets)
    n_rows = int(rng.integers(1, 6))
    rows = []
    for _ in range(int(rng.integers(1, 60)) * n_ticks):
        net = int(rng.integers(n_nets))
        core = int(sources[net]) * fabric.n_cores + int(rng.integers(fabric.n_cores))
        offset = int(rng.integers(0, max(2, tick_cycles // int(rng.choice([1, 4, 16])))))
        rows.append((int(rng.integers(n_ticks)), core, offset, net, int(rng.integers(-1, n_rows))))
    n_cores = fabric.n_routers * fabric.n_cores
    return Scenario(
        fabric=fabric,
        work=random_work(rng, n_cores, n_rows, tick_cycles),
        packets=make_packets(rows),
        routes=routes_of_outputs([random_tree(rng, fabric, int(source)) for source in sources]),
        parameters=random_parameters(rng),
        n_ticks=n_ticks,
        tick_cycles=tick_cycles,
        max_cycles=int(rng.choice([300, 3000, 20_000])),
        cycle_ns=7.5,
    )


def line(n_routers, *, n_cores=2, nets=None, packets=((0, 0, 0, 0, -1),), dead=(), **options):
    """Routers in a row (link 0 goes on, link 2 back); net 0 goes from the first router to core 0 of the last.

    ``nets``: lists of (router, links, cores); ``packets``: (tick, core, offset, net, row).
    """
    fabric = grid_fabric(
        n_routers, 1, offsets=((1, 0), (0, 1), (-1, 0), (0, -1)), n_cores=n_cores, dead=dead,
        period=options.pop("period", 3), delay=options.pop("delay", 2),
    )  # fmt: skip
    nets = nets or [[(i, [0], []) for i in range(n_routers - 1)] + [(n_routers - 1, [], [0])]]
    return scenario(fabric, nets, packets, **options)


def scenario(fabric, nets, packets, *, parameters=None, work=None, n_ticks=1, tick_cycles=1000, max_cycles=1 << 40):
    """A scenario with cores that take one cycle a packet."""
    routes = [[NO_ENTRY] * fabric.n_routers for _ in nets]
    for net, entries in enumerate(nets):
        for router, links, cores in entries:
            routes[net][router] = (*links, *(fabric.n_slots + p for p in cores))
    return Scenario(
        fabric=fabric,
        work=work or idle_work(fabric.n_routers * fabric.n_cores),
        packets=make_packets(list(packets)),
        routes=routes_of_outputs(routes),
        parameters=parameters or Parameters(),
        n_ticks=n_ticks,
        tick_cycles=tick_cycles,
        max_cycles=max_cycles,
        cycle_ns=7.5,
    )


def remade(case, **changes):
    """The same scenario with other fields."""
    names = [name for name in Scenario.__dataclass_fields__ if name not in ("n_sinks", "n_hops")]
    return Scenario(**({name: getattr(case, name) for name in names} | changes))
