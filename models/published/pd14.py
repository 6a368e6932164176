"""Published results of the full-scale Potjans-Diesmann microcircuit (PD14) on real systems.

Real-time factors and energies are those of Senk et al. 2026 (Neuromorph. Comput. Eng. 6:012001; arXiv:2505.21185), data
file ``performance_data_raw.yaml`` of INM-6/microcircuit-PD14-model, whose rows the ``source`` of every system names. If
sources disagree, the range is given, and ``note`` says which source gives which value. The energy per synaptic event is
the energy of the simulation phase divided by the number of recurrent synaptic events; depending on the system, it was
measured for a board, a node or a rack. The values are those of the file in 2026. The DOIs were looked up in the
list of publications of the reference model's own documentation (INM-6/microcircuit-PD14-model) and in public
repositories that cite the papers, not in the papers.
"""

from __future__ import annotations

from dataclasses import dataclass

PD14_POPULATIONS = ("L23E", "L23I", "L4E", "L4I", "L5E", "L5I", "L6E", "L6I")

#: Mean rates in Hz, in population order. ``current`` and ``nest3`` are single simulations printed in model code.
PD14_RATES_HZ: dict[str, tuple[float, ...]] = {
    # INM-6/microcircuit-PD14-model, PyNEST/src/microcircuit/network_params.py:78
    "current": (0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829),
    # OpenSourceBrain/PotjansDiesmann2014, PyNEST/network_params.py:76; nest/nest-gpu has the same
    "nest3": (0.943, 3.026, 4.368, 5.882, 7.733, 8.664, 1.096, 7.851),
    # NEST's pynest example at aa9e64d; van Albada et al. 2018 (common_params.py:138-143)
    "original": (0.971, 2.868, 4.746, 5.396, 8.142, 9.078, 0.991, 7.523),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSystem:
    """One system that ran full-scale PD14.

    ``real_time_factor`` is wall time over model time (below 1 is faster than real time). ``energy_per_event_uj`` is the
    (low, high) range over the sources: equal values if they agree, ``None`` if nothing was published.
    """

    system_id: str
    system: str
    nodes: str
    process_nm: int
    real_time_factor: float
    energy_per_event_uj: tuple[float, float] | None
    drive: str
    source: str
    note: str = ""


def _one(energy_uj: float) -> tuple[float, float]:
    return (energy_uj, energy_uj)


PD14_SYSTEMS: tuple[PublishedSystem, ...] = (
    PublishedSystem(
        system_id="vAl18a",
        system="NEST, 2x Xeon E5-2680v3 (fastest)",
        nodes="12 nodes",
        process_nm=22,
        real_time_factor=2.465,
        energy_per_event_uj=_one(9.941),
        drive="dc",
        source="van Albada et al. 2018, doi:10.3389/fnins.2018.00291; yaml lines 7-34",
        note="the abstract says the factor saturates around 3",
    ),
    PublishedSystem(
        system_id="vAl18b",
        system="NEST, 2x Xeon E5-2680v3 (most efficient)",
        nodes="3 nodes",
        process_nm=22,
        real_time_factor=4.584,
        energy_per_event_uj=(4.4, 5.816),
        drive="dc",
        source="van Albada et al. 2018, doi:10.3389/fnins.2018.00291; yaml lines 36-49",
        note="5.816 in the yaml; Knight and Nowotny 2018 give 4.4",
    ),
    PublishedSystem(
        system_id="vAl18c",
        system="SpiNNaker 1, combined cores",
        nodes="6 boards",
        process_nm=130,
        real_time_factor=20.0,
        energy_per_event_uj=(4.4, 5.9),
        drive="dc",
        source="van Albada et al. 2018, doi:10.3389/fnins.2018.00291; yaml lines 51-64",
        note="4.4 in the yaml; 5.9 in Knight and Nowotny 2018, after idle power is accounted for",
    ),
    PublishedSystem(
        system_id="KN18",
        system="GeNN, Tesla V100",
        nodes="1 GPU",
        process_nm=12,
        real_time_factor=1.838,
        energy_per_event_uj=_one(0.47),
        drive="poisson",
        source="Knight and Nowotny 2018, doi:10.3389/fnins.2018.00941; yaml lines 66-79",
        note="its authors call 0.47 an estimate; 21.65 s for 10 s in their script",
    ),
    PublishedSystem(
        system_id="Rho19a",
        system="SpiNNaker 1, ensembles",
        nodes="12 boards",
        process_nm=130,
        real_time_factor=1.0,
        energy_per_event_uj=_one(0.601),
        drive="dc",
        source="Rhodes et al. 2019, doi:10.1098/rsta.2019.0160; yaml lines 81-94",
        note="Knight and Nowotny 2021 say 9 boards",
    ),
    PublishedSystem(
        system_id="Rho19b",
        system="SpiNNaker 1, ensembles",
        nodes="12 boards",
        process_nm=130,
        real_time_factor=1.0,
        energy_per_event_uj=_one(0.628),
        drive="poisson",
        source="Rhodes et al. 2019, doi:10.1098/rsta.2019.0160; yaml lines 96-109",
        note="Knight and Nowotny 2021 say 9 boards",
    ),
    PublishedSystem(
        system_id="Gol21",
        system="NEST GPU, RTX 2080 Ti",
        nodes="1 GPU",
        process_nm=12,
        real_time_factor=1.055,
        energy_per_event_uj=_one(0.25),
        drive="poisson",
        source="Golosio et al. 2021, doi:10.3389/fncom.2021.627620; yaml lines 111-124",
        note="energy is a new measurement of the review",
    ),
    PublishedSystem(
        system_id="Kni21",
        system="GeNN, Titan RTX",
        nodes="1 GPU",
        process_nm=12,
        real_time_factor=0.70,
        energy_per_event_uj=None,
        drive="poisson",
        source="Knight et al. 2021, doi:10.3389/fninf.2021.659005; yaml lines 126-139",
    ),
    PublishedSystem(
        system_id="Hei22",
        system="CsNN, IBM INC-3000 FPGA",
        nodes="345 nodes",
        process_nm=28,
        real_time_factor=0.25,
        energy_per_event_uj=_one(0.284),
        drive="poisson",
        source="Heittmann et al. 2022, doi:10.3389/fnins.2021.728460; yaml lines 141-154",
    ),
    PublishedSystem(
        system_id="Kur22a",
        system="NEST, 2x EPYC 7702 (fastest)",
        nodes="2 nodes",
        process_nm=7,
        real_time_factor=0.53,
        energy_per_event_uj=_one(0.48),
        drive="dc",
        source="Kurth et al. 2022, doi:10.1088/2634-4386/ac55fc; yaml lines 156-169",
        note="a conference version reports 0.39",
    ),
    PublishedSystem(
        system_id="Kur22b",
        system="NEST, 2x EPYC 7702",
        nodes="1 node",
        process_nm=7,
        real_time_factor=0.67,
        energy_per_event_uj=_one(0.33),
        drive="dc",
        source="Kurth et al. 2022, doi:10.1088/2634-4386/ac55fc; yaml lines 171-184",
        note="a conference version reports 0.26",
    ),
    PublishedSystem(
        system_id="Gol23a",
        system="NEST GPU, RTX 4090",
        nodes="1 GPU",
        process_nm=5,
        real_time_factor=0.386,
        energy_per_event_uj=_one(0.104),
        drive="dc",
        source="Golosio et al. 2023, doi:10.3390/app13179598; yaml lines 186-199",
    ),
    PublishedSystem(
        system_id="Gol23b",
        system="GeNN, RTX 4090",
        nodes="1 GPU",
        process_nm=5,
        real_time_factor=0.2719,
        energy_per_event_uj=_one(0.074),
        drive="poisson",
        source="Golosio et al. 2023, doi:10.3390/app13179598; yaml lines 201-214",
    ),
    PublishedSystem(
        system_id="Kau23",
        system="neuroAIx, NetFPGA SUME",
        nodes="35 FPGAs",
        process_nm=28,
        real_time_factor=0.05,
        energy_per_event_uj=_one(0.04755),
        drive="dc",
        source="Kauth et al. 2023, doi:10.3389/fncom.2023.1144143; yaml lines 216-229",
    ),
)
