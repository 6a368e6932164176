"""Defines `Spikes`, the spikes of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Spikes:
    """The spikes of a run.

    Attributes
    ----------
    step, neuron : ndarray, shape (n_spikes,), int32
        Sorted by step, then neuron id; spikes of spike sources included (ids from ``n_neurons`` on).
    n_steps : int
        Steps of the run.
    """

    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    n_steps: int

    @property
    def n_spikes(self) -> int:
        return self.step.size

    def ptr(self) -> NDArray[np.int64]:
        """Return where the spikes of each step begin: shape (n_steps + 1,), int64."""
        return np.searchsorted(self.step, np.arange(self.n_steps + 1)).astype(np.int64)
