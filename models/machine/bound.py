"""Types of the numbers of a machine: each has a unit, a smallest and a largest value.

The bounds allow anything that can be built or that a study may ask for, far beyond any known machine. The loader, the
dataclasses of `models.machine` and the JSON Schema all take them from here.
"""

from __future__ import annotations

from typing import Annotated

from models.bounds import Bound

_MANY = 2**31 - 1

Cycles = Annotated[float, Bound(0, 1e12, "cycles")]
WholeCycles = Annotated[int, Bound(0, 10**9, "cycles")]
Nanoseconds = Annotated[float, Bound(0, 1e12, "ns")]
Seconds = Annotated[float, Bound(0, 1e9, "s")]
ClockHz = Annotated[float, Bound(1e3, 1e12, "Hz")]
RateHz = Annotated[float, Bound(0, 1e6, "Hz")]
Watts = Annotated[float, Bound(0, 1e9, "W")]
Picojoules = Annotated[float, Bound(0, 1e15, "pJ")]
Ratio = Annotated[float, Bound(0, 1)]
Sigmas = Annotated[float, Bound(1e-3, 1e6, "standard deviations")]
BytesPerS = Annotated[float, Bound(1, 1e18, "bytes/s")]
BytesPerSOrNone = Annotated[float, Bound(0, 1e18, "bytes/s")]  #: 0 if the machine has no such path
PacketsPerS = Annotated[float, Bound(1, 1e15, "packets/s")]
EventsPerS = Annotated[float, Bound(1, 1e18, "events/s")]
SynapsesPerS = Annotated[float, Bound(1, 1e18, "synapses/s")]
RowBytes = Annotated[float, Bound(1, 1e12, "bytes")]
Tiles = Annotated[float, Bound(1, 1e9, "tiles")]
Bytes = Annotated[int, Bound(0, 2**60, "bytes")]
SomeBytes = Annotated[int, Bound(1, 2**60, "bytes")]
Cores = Annotated[int, Bound(1, 2**16, "cores")]
CoresOrNone = Annotated[int, Bound(0, 2**16, "cores")]
Neurons = Annotated[int, Bound(1, _MANY, "neurons")]
Synapses = Annotated[int, Bound(1, _MANY, "synapses")]
Sources = Annotated[int, Bound(0, _MANY, "sources")]
Axons = Annotated[int, Bound(1, _MANY, "axons")]
Steps = Annotated[int, Bound(1, _MANY, "steps")]
Values = Annotated[int, Bound(1, _MANY, "values")]
Entries = Annotated[int, Bound(0, _MANY, "entries")]
Boards = Annotated[int, Bound(1, 10**6, "boards")]
Channels = Annotated[int, Bound(1, 2**16, "channels")]
WordBits = Annotated[int, Bound(1, 64, "bits")]
IndexBits = Annotated[int, Bound(0, 64, "bits")]
PacketBits = Annotated[int, Bound(1, 2**16, "bits")]
Packets = Annotated[int, Bound(1, 2**24, "packets")]
PacketsOrNone = Annotated[int, Bound(0, 2**24, "packets")]
WaitCode = Annotated[int, Bound(0, 255, "code")]
#: Largest number of chips of a machine: SpiNNaker's point-to-point table has 65,536 entries (spinnaker_tools
#: spinnaker.h:694), and no other machine that comes with neuromap is larger.
MAX_CHIPS = 65_536
Chips = Annotated[int, Bound(1, MAX_CHIPS, "chips")]
