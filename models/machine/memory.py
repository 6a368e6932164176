"""The memory that the cores of a chip share, and the layout of synaptic rows in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.bounds import check_fields
from models.errors import ParameterError
from models.machine.bound import Bytes, BytesPerSOrNone, SomeBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipMemorySpec:
    """The memory that the cores of a chip share, and the layout of synaptic rows.

    ``synapse_store``: whether rows lie in the memory of the chip or in that of each core. ``hand_over_bytes_per_s``:
    speed at which a synapse core hands its sums to the neuron core through shared memory; 0 if the cores of a chip
    share no memory, so that ensembles of cores are impossible.
    """

    sdram_bytes: Bytes
    row_header_bytes: Bytes
    synapse_bytes: SomeBytes
    row_padding: Literal["none", "longest_in_block"]
    hand_over_bytes_per_s: BytesPerSOrNone
    synapse_store: Literal["chip", "core"] = "chip"

    def __post_init__(self) -> None:
        check_fields(self, "memory")
        if self.synapse_store == "chip" and self.sdram_bytes == 0:
            allowed = "a value > 0 bytes, since memory.synapse_store is 'chip'"
            raise ParameterError("memory.sdram_bytes", self.sdram_bytes, allowed)
