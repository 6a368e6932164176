"""Lists the rows of `neuromap published`: each system, its set-up, and the published numbers to compare with.

A published time-scale factor is compared with our smallest factor at which no core overruns in any step. The first
steps decide this factor: from V0 = N(-58, 10) mV a fifth of all neurons are above threshold in step 0, and no factor in
use is large enough for such a volley; on the machines its packets were late or lost, within the time that the
publications discard. A row therefore gives two factors: first the one after 500 ms, then the one of the whole run. A
system that ran in hard real time (Rhodes et al. 2019) is compared by its real-time factor, which cannot be below 1; the
share of the tick in use shows how much time is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from models.errors import UnknownNameError
from models.option_names import option_name

How = Literal["cores", "pipeline", "run", "sizes", "volley", "reason"]
Claim = Literal["predicted", "calibrated", "reproduced", "open"]

_SPINNAKER_2017 = (
    "80 neurons on a core, a delay-extension core beside it, 16 delays in a ring buffer, no bit field, DC drive"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSpec:
    """One system as it is set up here.

    Attributes
    ----------
    row_id, system : str
        Short name of the row; name of the system.
    how : {"cores", "pipeline", "run", "sizes", "volley", "reason"}
        How our numbers are computed. ``cores``: by the core models, from the spikes of the shared simulation;
        ``pipeline``: by the step model of FPGA nodes; ``run``: by `neuromap run`; ``sizes``: as sizes of mappings;
        ``volley``: for one volley of spikes; ``reason``: not at all, and ``note`` gives the reason.
    drive, v_init, network_scale
        The parameters of the network, which is PD14 at this scale.
    machine, recipe, neurons_per_core, settings
        As for ``make_experiment``.
    same_as : str
        Row with the same set-up, whose numbers are used if it has been computed.
    is_software_2017 : bool
        Whether spikes are sent again for every stage of 16 delays (`neuromap.studies.published.software`).
    factor_point, energy_point : str or None
        Names of `models.published.PD14_POINTS`.
    is_hard_real_time : bool
        Whether the factor is compared as a real-time factor, which is at least 1.
    energy_factor : float or None
        Published factor at which the energy is computed; None: our own factor.
    factor_claim, energy_claim : {"predicted", "calibrated", "reproduced", "open"}
    configuration, given, calibrated, note : str
        The set-up; the values taken over from the publication; the constants calibrated to it; a remark.
    """

    row_id: str
    system: str
    how: How
    drive: str = "dc"
    v_init: str = "optimised"
    network_scale: float = 1.0
    machine: str = "spinnaker1"
    recipe: str | None = None
    neurons_per_core: int | None = None
    settings: tuple[str, ...] = ()
    same_as: str = ""
    is_software_2017: bool = False
    factor_point: str | None = None
    energy_point: str | None = None
    is_hard_real_time: bool = False
    energy_factor: float | None = None
    factor_claim: Claim = "predicted"
    energy_claim: Claim = "predicted"
    configuration: str = ""
    given: str = ""
    calibrated: str = "nothing"
    note: str = ""


def _combined_2017(row_id: str, system: str, **changes: object) -> RowSpec:
    values: dict[str, object] = {
        "how": "cores",
        "v_init": "original",
        "recipe": "combined",
        "neurons_per_core": 80,
        "settings": ("machine.topology.n_boards=6",),
        "is_software_2017": True,
        "configuration": _SPINNAKER_2017,
    }
    return RowSpec(row_id=row_id, system=system, **(values | changes))  # type: ignore[arg-type]


def _ensembles(row_id: str, system: str, n_neurons: int = 64, n_lanes: int = 3, **changes: object) -> RowSpec:
    values: dict[str, object] = {
        "how": "cores",
        "drive": "poisson",
        "recipe": "ensemble",
        "neurons_per_core": n_neurons,
        "settings": (f"recipe.n_synapse_cores={n_lanes}",),
        "is_hard_real_time": True,
        "configuration": f"ensembles of {n_neurons} neurons with {n_lanes} synapse core{'s' * (n_lanes > 1)}",
    }
    return RowSpec(row_id=row_id, system=system, **(values | changes))  # type: ignore[arg-type]


_RHODES_BOARDS = ("recipe.n_synapse_cores=3", "machine.topology.n_boards=12")
_RHODES_NOTE = (
    "which ensembles Rhodes et al. used is not known to us; these are sPyNNaker's (fact sheet pd14 4.2). Knight and "
    "Nowotny (2021) say 9 boards"
)
_PRIOR = "nothing, but cost.spike_cycles is a prior about this very software"

ROWS: tuple[RowSpec, ...] = (
    _combined_2017(
        "vAl18",
        "SpiNNaker 1, van Albada et al. 2018",
        factor_point="vAl18c.factor",
        energy_point="vAl18c.energy",
        energy_factor=20.0,
        given="V0 of N(-58, 10) mV; 6 boards; factor 20 for the energy; a frame of 24 boards powered as a whole",
        note="factor 20 lies between the factor that the cores need after 500 ms and the factor for the volley of step "
        "0, when a fifth of all neurons are above threshold; the run of 2017 at factor 20 was not lossless either (row "
        "volley2017)",
    ),
    _combined_2017(
        "vAl18-script",
        "the same from the initial potentials of SpiNNaker's model script",
        v_init="spinnaker",
        factor_point="vAl18c.factor",
        given="6 boards",
        note="which V0 the published runs used is not known to us: N(-58, 10), N(-58, 5) or the script's",
    ),
    _combined_2017(
        "volley2017",
        "SpiNNaker 1, full-scale run of 3 July 2017 at factor 20",
        how="volley",
        given="factor 20; a volley of 5.48 % of all neurons, the share that N(-58, 5) mV puts above threshold",
    ),
    _combined_2017(
        "software2019",
        "SpiNNaker 1, sPyNNaker of 2019",
        same_as="vAl18",
        factor_point="software2019.factor",
        given="6 boards",
        note="factor 100 is a setting that worked, not the smallest such setting: spikes were spread over the tick to "
        "avoid congestion, which the models of cores do not include",
    ),
    _combined_2017(
        "software2020",
        "SpiNNaker 1, sPyNNaker of 2020",
        same_as="vAl18",
        factor_point="software2020.factor",
        given="6 boards",
        note="factor 40 is a setting for spread sending (TDMA), not the factor that the cores need",
    ),
    _ensembles(
        "Rho19a",
        "SpiNNaker 1, Rhodes et al. 2019, DC",
        drive="dc",
        settings=_RHODES_BOARDS,
        factor_point="Rho19a.factor",
        energy_point="Rho19a.energy",
        energy_factor=1.0,
        given="12 boards, whole frame",
        calibrated=_PRIOR,
        note=_RHODES_NOTE,
    ),
    _ensembles(
        "Rho19b",
        "SpiNNaker 1, Rhodes et al. 2019, Poisson",
        settings=_RHODES_BOARDS,
        factor_point="Rho19b.factor",
        energy_point="Rho19b.energy",
        energy_factor=1.0,
        given="12 boards, whole frame",
        calibrated=_PRIOR,
        note=_RHODES_NOTE,
    ),
    _ensembles("Rho19-1", "the same with one synapse core", n_lanes=1, factor_claim="open", energy_claim="open"),
    _ensembles("Rho19-128", "the same with 128 neurons a core", 128, factor_claim="open", energy_claim="open"),
    _ensembles(
        "Rho19-256",
        "the same with 256 neurons a core, if ring buffers had 15 bits",
        256,
        factor_claim="open",
        energy_claim="open",
        settings=(
            "recipe.n_synapse_cores=3",
            "machine.core.ring_buffer_index_bits=15",
            "machine.core.dtcm_bytes=131072",
            "machine.core.max_row_synapses=512",
        ),
        note="it does not fit the real machine: 256 neurons, two receptors and 64 delays need a ring-buffer index of "
        "15 bits, and it has 14; here the machine has 15 bits, and memory for them",
    ),
    RowSpec(
        row_id="Kau23",
        system="neuroAIx, Kauth et al. 2023",
        how="pipeline",
        machine="neuroaix",
        factor_point="Kau23.factor",
        energy_point="Kau23.energy",
        factor_claim="reproduced",
        energy_claim="calibrated",
        configuration="35 nodes of 10 pipelines, 5 x 7 HyperX, DC drive",
        calibrated="power.board_idle_w = 26.5 W for each node, from the published 47.55 nJ",
        note="the step is computed by the authors' own static model, with their rate and synapses (docs/neuroaix.md)",
    ),
    RowSpec(
        row_id="Kau23-spikes",
        system="the same with every step's own spikes",
        how="run",
        machine="neuroaix",
        factor_point="Kau23.factor",
        energy_point="Kau23.energy",
        energy_claim="calibrated",
        configuration="35 nodes of 10 pipelines, 5 x 7 HyperX, DC drive",
        calibrated="power.board_idle_w, as above; pipeline.barrier_ns, from the step measured with 77 neurons",
        note="a queue that is nearly full loses more time in a step with many spikes than it gains in a step with few, "
        "and PD14's spikes are synchronous; the step measured on the machine is the model's step for mean spike counts "
        "(docs/neuroaix.md)",
    ),
    RowSpec(
        row_id="Hei22",
        system="IBM INC-3000, Heittmann et al. 2022",
        how="reason",
        factor_point="Hei22.factor",
        energy_point="Hei22.energy",
        note="of its 345 nodes only the mesh is known: no cycles of an update, spike or synapse, no times of links",
    ),
    RowSpec(
        row_id="SpiNNaker2",
        system="SpiNNaker 2",
        how="cores",
        drive="poisson",
        machine="spinnaker2",
        recipe="ensemble",
        factor_claim="open",
        energy_claim="open",
        is_hard_real_time=True,
        configuration="ensembles of 64 neurons, 300 MHz",
        note="nearly all costs are SpiNNaker 1's or guesses",
    ),
    RowSpec(
        row_id="Loihi1",
        system="Loihi 1, PD14 at scale 0.05",
        how="run",
        drive="poisson",
        machine="loihi1",
        network_scale=0.05,
        factor_claim="open",
        energy_claim="open",
        configuration="neuro-cores, steps end by a barrier, one packet for each destination core",
        note="at full scale a core would need in-axons for 67,595 neurons and has 4,096; idle power is a guess",
    ),
    RowSpec(
        row_id="sizes",
        system="SpiNNaker 1, sizes of mappings and loading",
        how="sizes",
        given="80 and 64 neurons a core",
        calibrated="host.load_bytes_per_s, from the published time of sending",
        note="SDRAM: we assume eight delay stages; loading: the software of 2017 drew the rows on the host",
    ),
)


def choose_rows(names: Sequence[str]) -> tuple[RowSpec, ...]:
    """Return the rows with these names, in the order of the table; without names, return all rows.

    Raises
    ------
    UnknownNameError
        If there is no such row.
    """
    known = [row.row_id for row in ROWS]
    for name in names:
        if name not in known:
            raise UnknownNameError(option_name("rows"), name, known)
    return tuple(row for row in ROWS if not names or row.row_id in names)
