"""Published numbers of PD14 that `neuromap published` compares with, including those of `models.published.pd14`.

Fact sheet pd14 sections 3 and 4.2. "MCM" is SpiNNakerManchester/microcircuit_model, with the report of a full-scale
run of 3 July 2017 in ``latest_run_reports.tar.gz``.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from models.published.pd14 import PD14_SYSTEMS


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPoint:
    """One published number; ``low`` and ``high`` differ if sources disagree or give a range."""

    quantity: str
    unit: str
    low: float
    high: float
    source: str
    note: str = ""


def _systems() -> dict[str, PublishedPoint]:
    """Return the factors and energies of `PD14_SYSTEMS` as points ``ID.factor`` and ``ID.energy``."""
    points = {}
    for one in PD14_SYSTEMS:
        points[f"{one.system_id}.factor"] = PublishedPoint(
            quantity="real-time factor", unit="", low=one.real_time_factor, high=one.real_time_factor, source=one.source
        )
        if one.energy_per_event_uj is not None:
            low, high = one.energy_per_event_uj
            points[f"{one.system_id}.energy"] = PublishedPoint(
                quantity="energy per synaptic event", unit="uJ", low=low, high=high, source=one.source, note=one.note
            )
    return points


_RUN_REPORT = "MCM latest_run_reports.tar.gz, run of 3 July 2017"

#: Name to point.
PD14_POINTS = MappingProxyType(
    _systems()
    | {
        "Kau23.factor": PublishedPoint(  # 20x in the abstract and the yaml, 20.36x where it is plotted
            quantity="real-time factor", unit="", low=1 / 20.36, high=0.05,
            source="Kauth et al. 2023, doi:10.3389/fncom.2023.1144143; thebarnable/diss-plots at 77c18bf",
        ),
        "software2019.factor": PublishedPoint(
            quantity="time-scale factor", unit="", low=100.0, high=100.0,
            source="MCM history of spynnaker.cfg, 0c94d44; SpiNNFrontEndCommon#756",
        ),
        "software2020.factor": PublishedPoint(
            quantity="time-scale factor", unit="", low=40.0, high=40.0,
            source="MCM history of spynnaker.cfg, 11bb157; SpiNNFrontEndCommon#756",
        ),
        "vAl18c.cores": PublishedPoint(
            quantity="neuron cores, 80 neurons each", unit="cores", low=967, high=967, source=_RUN_REPORT
        ),
        "vAl18c.sdram": PublishedPoint(
            quantity="SDRAM of a neuron core", unit="MB", low=27.0, high=31.0,
            source=f"{_RUN_REPORT}, chip_sdram_usage_by_core.rpt",
        ),
        "vAl18c.draw": PublishedPoint(
            quantity="drawing synapses on the host", unit="h", low=4830 / 3600, high=4830 / 3600,
            source=f"{_RUN_REPORT}, pacman.xml: 1:20:30",
        ),
        "vAl18c.load": PublishedPoint(
            quantity="sending them", unit="h", low=32481 / 3600, high=32481 / 3600,
            source=f"{_RUN_REPORT}, pacman.xml: 9:01:21",
        ),
        "vAl18c.overruns": PublishedPoint(
            quantity="ticks that the busiest core overran", unit="ticks", low=21, high=21,
            source=f"{_RUN_REPORT}, at factor 20: 966 of 967 cores overran, at most 21 times",
            note="5,061 spikes in all: the volley of step 0 from N(-58, 5) mV, then hardly any",
        ),
        "Rho19.ensembles": PublishedPoint(
            quantity="ensembles, 64 neurons each", unit="ensembles", low=1210, high=1210,
            source="sPyNNaker 7.4.1 on a virtual machine, fact sheet spinnaker 4.1; MCM d62949a, 788e86b, 104f393",
        ),
    }
)  # fmt: skip
