"""Models the dump register of a router and the reinjector on its monitor core."""

from __future__ import annotations

from collections import deque

from emulator.packets.model import What
from emulator.packets.simpy_model.clock import CHANGE, REINJECT
from emulator.packets.simpy_model.ports import Copy, Dropper
from emulator.packets.simpy_model.state import RunState


class Reinjector:
    """Reads the packets that the router drops, queues them, and sends them again on a timer."""

    def __init__(self, state: RunState, router: Dropper) -> None:
        self.router, self.env, self.numbers, self.note = router, state.env, state.numbers, state.note
        self.dumped: Copy | None = None  # the dump register
        self.queue: deque[Copy] = deque()
        self.is_awake = False

    def dump(self, copy: Copy) -> None:
        """Take a packet into the dump register."""
        self.dumped = copy
        self.env.after(self.numbers.dump_cycles, CHANGE, self.read_dump)

    def read_dump(self) -> None:
        """Move the dropped packet to the queue, which is sent from the next timer tick on."""
        copy, self.dumped = self.dumped, None
        assert copy is not None
        count = self.router.count
        count["n_dropped_packets"] += 1
        if len(self.queue) >= self.numbers.reinjection_queue_packets:
            self.router.lose(What.QUEUE_FULL, "n_dropped_packet_overflows", copy)
            return
        self.queue.append(copy)
        count["max_reinjection_queue_packets"] = max(count["max_reinjection_queue_packets"], len(self.queue))
        if not self.is_awake:
            self.is_awake = True
            self.wait_for_timer()

    def wait_for_timer(self) -> None:
        """Look at the queue at the next timer tick."""
        period = self.numbers.reinjection_timer_cycles
        self.env.after(period - self.env.cycle % period, REINJECT, self.send)

    def send(self) -> None:
        """Send the next dropped packet again, if there is one and the router is not blocked."""
        if not self.queue:
            self.is_awake = False
        elif self.router.stalled_at is not None:
            self.wait_for_timer()
        else:
            copy = self.queue.popleft()
            self.note((self.env.cycle, What.REINJECT, self.router.router_id, copy[0]))
            self.router.count["n_reinjected_packets"] += 1
            self.router.offer(self.router.monitor_port, copy)

    def taken(self) -> None:
        """Learn that the router has taken the packet; the next one follows ``reinjection_cycles`` later."""
        self.env.after(self.numbers.reinjection_cycles, REINJECT, self.send)
