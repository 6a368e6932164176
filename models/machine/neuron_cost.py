"""What neuron models beside ``LifCurrExp`` cost on a core."""

from __future__ import annotations

from dataclasses import dataclass

from models.bounds import check_fields
from models.machine.bound import Bytes, Cycles


@dataclass(frozen=True, slots=True, kw_only=True)
class NeuronModelSpec:
    """Cycles of one neuron's update in place of ``cost.neuron_update_cycles``, and bytes of its state and parameters.

    ``LifCurrExp`` is not here: its cycles are ``cost.neuron_update_cycles``, its bytes those of the machine's own code.
    """

    lif_curr_alpha_cycles: Cycles
    lif_cond_exp_cycles: Cycles
    lif_adapt_thresh_cycles: Cycles
    lif_delta_cycles: Cycles
    izhikevich_cycles: Cycles
    lif_curr_alpha_bytes: Bytes
    lif_cond_exp_bytes: Bytes
    lif_adapt_thresh_bytes: Bytes
    lif_delta_bytes: Bytes
    izhikevich_bytes: Bytes

    def __post_init__(self) -> None:
        check_fields(self, "neuron_models")
