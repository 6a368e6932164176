"""Notes on the parameters of a network that the machine's fixed point cannot represent well."""

from __future__ import annotations

from models.network import Network
from neuromap.experiment.nouns import Experiment


def fixed_point_notes(experiment: Experiment, network: Network) -> tuple[str, ...]:
    """Return a sentence for each parameter that fixed point changes noticeably; none with double precision.

    Raises
    ------
    ParameterError
        For a parameter that fixed point changes too much.
    """
    if experiment.arithmetic != "fixed":
        return ()
    from emulator.rounding.deviation import deviation_notes
    from emulator.rounding.notes import fixed_point_deviations
    from models.vocabulary import WeightRounding

    rounding = WeightRounding(experiment.weight_rounding)
    return deviation_notes(
        fixed_point_deviations(network, ring_buffer=experiment.ring_buffer, weight_rounding=rounding)
    )
