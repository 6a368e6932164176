"""The arrays behind the figures of a run."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.files.atomic_file import write_arrays
from models.topology.drawing import Outline


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunArrays:
    """Arrays behind the figures.

    Attributes
    ----------
    spike_step, spike_neuron : ndarray, shape (n_spikes,), int32
        Steps from the start of the simulation (warm-up included) and neuron ids, sorted by step, then neuron.
    warmup_steps, n_steps : int
        Steps dropped from the statistics; steps simulated (warm-up included).
    step_us : ndarray, shape (n_steps,), float32
        Time of the slowest core in each step, microseconds.
    core_kind : tuple of str, length n_vertices
        Role of the vertex on each core.
    core_xyp : ndarray, shape (n_vertices, 3), int32
        Chip (x, y) and number of each core.
    core_mean_us, core_max_us : ndarray, shape (n_vertices,), float32
        Busy time of each core in the mean and in its longest step, microseconds.
    chip_xy : ndarray, shape (n_chips, 2), int32
        All chips of the machine.
    chip_board : ndarray, shape (n_chips,), int32
    chip_sdram_bytes : ndarray, shape (n_chips,), int64
    link_xyl : ndarray, shape (n_links, 3), int32
        Directed links that carry packets: chip (x, y) that the link leaves, and link number.
    link_packets_per_s : ndarray, shape (n_links,), float64
        Offered load of each link at the measured rates, per second of model time.
    link_capacity_packets_per_s : ndarray, shape (n_links,), float64
        Capacity of each link, per second of model time; links between boards have less than links within a board.
    chip_outline : str
        Shape of a chip in the maps: hexagon, square or circle.
    chip_centre : ndarray, shape (n_chips, 2), float64
        Centres of the chips in the maps; empty if they follow from ``chip_xy`` (hexagons).
    link_end : ndarray, shape (n_links, 2), float64
        Far ends of the links in the maps; empty if ``chip_centre`` is.
    link_bow : ndarray, shape (n_links,), float64
        Height of each link's arc in the maps, divided by the length of the link; empty if ``chip_centre`` is.
    """

    spike_step: NDArray[np.int32]
    spike_neuron: NDArray[np.int32]
    warmup_steps: int
    n_steps: int
    step_us: NDArray[np.float32]
    core_kind: tuple[str, ...]
    core_xyp: NDArray[np.int32]
    core_mean_us: NDArray[np.float32]
    core_max_us: NDArray[np.float32]
    chip_xy: NDArray[np.int32]
    chip_board: NDArray[np.int32]
    chip_sdram_bytes: NDArray[np.int64]
    link_xyl: NDArray[np.int32]
    link_packets_per_s: NDArray[np.float64]
    link_capacity_packets_per_s: NDArray[np.float64]
    chip_outline: Outline = "hexagon"
    chip_centre: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    link_end: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    link_bow: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def write(self, path: Path) -> None:
        """Write all arrays but the spikes to an npz file, under their field names."""
        kept = {entry.name: getattr(self, entry.name) for entry in fields(self) if not entry.name.startswith("spike_")}
        write_arrays(path, **kept)
