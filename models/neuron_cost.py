"""What neuron models beside ``LifCurrExp`` cost on a core."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from models.errors import ParameterError


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronModelSpec:
    """Cycles of one neuron's update in place of ``cost.neuron_update_cycles``, and bytes of its state and parameters.

    ``LifCurrExp`` is not here: its cycles are ``cost.neuron_update_cycles``, its bytes those of the machine's own code.
    """

    lif_curr_alpha_cycles: float
    lif_cond_exp_cycles: float
    lif_adapt_thresh_cycles: float
    lif_delta_cycles: float
    izhikevich_cycles: float
    lif_curr_alpha_bytes: int
    lif_cond_exp_bytes: int
    lif_adapt_thresh_bytes: int
    lif_delta_bytes: int
    izhikevich_bytes: int

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if not math.isfinite(value) or value < 0:
                unit = entry.name.rpartition("_")[2]
                raise ParameterError(f"neuron_models.{entry.name}", value, f"a value >= 0 {unit}")
