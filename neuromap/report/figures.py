"""Draws the figures of a report one by one: ``neuromap.raster(result)`` and the other figure functions.

Every function takes the result of a run and returns a matplotlib figure; with ``path`` it also writes the figure into
a file that ends in ``.png``, ``.svg`` or ``.pdf``. The page of a report shows the same figures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from matplotlib.figure import Figure

from emulator.packets.outcome import Outcome
from mapping.model import Mapping
from models.network import Network
from neuromap.measures.arrays import RunArrays
from neuromap.measures.results import Report
from neuromap.page.style import draw_to
from neuromap.report import activity_figure, load_maps, machine_figure
from neuromap.report.mapping_figure import mapping_figure
from neuromap.report.packets import figure as packet_figure
from neuromap.report.packets import map as packet_map
from neuromap.report.packets.view import PacketView


class HasReport(Protocol):
    """The result of a run at the depth ``cores`` or ``full``."""

    @property
    def report(self) -> Report:
        """The numbers of the run."""

    @property
    def arrays(self) -> RunArrays:
        """The arrays behind its figures."""


class HasPackets(Protocol):
    """The result of a run at the depth ``dynamic`` or ``full``."""

    @property
    def outcome(self) -> Outcome:
        """What happened to the packets."""

    @property
    def mapping(self) -> Mapping:
        """The mapping that sent them."""


# ---- activity ----------------------------------------------------------------------------------------------------


def raster(result: HasReport, path: str | Path | None = None) -> Figure:
    """Draw the spikes of up to 400 ms after the warm-up, populations stacked from the first down.

    Excitatory populations are blue, inhibitory ones vermillion. If there are more than 40,000 spikes, only every n-th
    neuron is drawn; the title says so. The lower panel shows the rate of all neurons.

    Parameters
    ----------
    result : Result
        Of a run at the depth ``cores`` or ``full``.
    path : str or Path, optional
        File to write the figure into.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ParameterError
        If ``path`` does not end in .png, .svg or .pdf, or cannot be written.
    """
    return draw_to(path, lambda: activity_figure.raster(result.report, result.arrays))


def rates(result: HasReport, path: str | Path | None = None) -> Figure:
    """Draw the firing rates of each population: quartiles, 5 % and 95 % whiskers, mean, and the means of NEST.

    Parameters, result and errors are those of `raster`.
    """
    return draw_to(path, lambda: activity_figure.rate_boxes(result.report, result.arrays))


def distributions(result: HasReport, path: str | Path | None = None) -> Figure:
    """Draw the distributions of rate, CV of intervals and correlation of the first eight populations.

    Where the network has a NEST reference, its two runs are drawn as lines. Parameters, result and errors are those of
    `raster`.
    """
    return draw_to(path, lambda: activity_figure.distributions(result.report, result.arrays))


# ---- the machine -------------------------------------------------------------------------------------------------


def step_times(result: HasReport, path: str | Path | None = None) -> Figure:
    """Draw the time of the slowest core in each step, as a histogram and in the order of the steps.

    The tick is marked on machines that have one. Parameters, result and errors are those of `raster`.
    """
    return draw_to(path, lambda: machine_figure.step_times(result.report, result.arrays))


def core_loads(result: HasReport, path: str | Path | None = None) -> Figure:
    """Draw, for each kind of core, histograms of the busy time in a mean step and in the longest step.

    Parameters, result and errors are those of `raster`.
    """
    return draw_to(path, lambda: machine_figure.core_loads(result.report, result.arrays))


def core_load_map(result: HasReport, path: str | Path | None = None) -> Figure:
    """Draw the machine as a heat map: the longest step of the busiest core of each chip, in percent of the tick.

    Loads above 100 % are red. Parameters, result and errors are those of `raster`.
    """
    return draw_to(path, lambda: load_maps.core_load_map(result.report, result.arrays))


def memory_map(result: HasReport, path: str | Path | None = None) -> Figure:
    """Draw the machine as a heat map: the shared memory in use on each chip, in percent of what the chip has.

    Parameters, result and errors are those of `raster`.
    """
    return draw_to(path, lambda: load_maps.sdram_map(result.report, result.arrays))


def link_loads(result: HasReport, path: str | Path | None = None) -> Figure:
    """Draw the histogram of the loads of links at the measured rates, in percent of each link's own capacity.

    Parameters, result and errors are those of `raster`.
    """
    return draw_to(path, lambda: machine_figure.link_loads(result.report, result.arrays))


def link_map(result: HasReport, path: str | Path | None = None) -> Figure:
    """Draw the machine with its links coloured by load; each half of a line is one direction.

    Parameters, result and errors are those of `raster`.
    """
    return draw_to(path, lambda: load_maps.link_map(result.report, result.arrays))


def power_split(result: HasReport, path: str | Path | None = None) -> Figure:
    """Draw the parts of the machine's power as bars.

    Parameters, result and errors are those of `raster`.
    """
    return draw_to(path, lambda: machine_figure.energy_split(result.report))


def published_systems(result: HasReport, path: str | Path | None = None) -> Figure:
    """Draw real-time factor against energy per synaptic event of the systems that published PD14, and of this run.

    Parameters, result and errors are those of `raster`.
    """
    return draw_to(path, lambda: machine_figure.published_systems(result.report))


# ---- the mapping -------------------------------------------------------------------------------------------------


def mapping_maps(
    mapping: Mapping, network: Network, path: str | Path | None = None, *, net: str | None = None
) -> Figure:
    """Draw a mapping as five maps of the machine.

    They show populations, cores in use, the routing tree of one population, expected packets on links, and the lengths
    of routing tables.

    Parameters
    ----------
    mapping : Mapping
        What `neuromap.map_network` returns, or the ``mapping`` of a result.
    network : Network
        The network that is mapped.
    path : str or Path, optional
        File to write the figure into.
    net : str, optional
        Population whose routing tree is drawn; by default the one that sends most packets.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UnknownNameError
        If ``net`` is not a population that sends packets.
    ParameterError
        If ``path`` does not end in .png, .svg or .pdf, or cannot be written.
    """
    return draw_to(path, lambda: mapping_figure(mapping, network, net=net))


# ---- packets -----------------------------------------------------------------------------------------------------


def _view(result: HasPackets) -> PacketView:
    return PacketView(result.outcome, result.mapping)


def packet_latencies(result: HasPackets, path: str | Path | None = None) -> Figure:
    """Draw the histogram of the latencies of deliveries on two log axes, with median, 99 % and longest marked.

    Parameters
    ----------
    result : DynamicResult or FullResult
        Of a run at the depth ``dynamic`` or ``full``.
    path : str or Path, optional
        File to write the figure into.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ParameterError
        If ``path`` does not end in .png, .svg or .pdf, or cannot be written.
    """
    return draw_to(path, lambda: packet_figure.latencies(_view(result)))


def packet_lateness(result: HasPackets, path: str | Path | None = None) -> Figure:
    """Draw how many deliveries are worked off 0, 1, 2 ... ticks late.

    The number of ticks is known only from the log of the packets (``with_log`` or ``trace``); without it, one bar holds
    all late deliveries. Parameters, result and errors are those of `packet_latencies`.
    """

    def draw() -> Figure:
        view = _view(result)
        return packet_figure.lateness(view, view.lateness)

    return draw_to(path, draw)


def packet_ticks(result: HasPackets, path: str | Path | None = None) -> Figure:
    """Draw, tick by tick, the packets sent, the largest backlog and, if ticks wait for the cores, their duration.

    Parameters, result and errors are those of `packet_latencies`.
    """
    return draw_to(path, lambda: packet_figure.ticks(_view(result)))


def packet_link_loads(result: HasPackets, path: str | Path | None = None) -> Figure:
    """Draw the histogram of link loads: the share of the time in which each link was sending.

    Parameters, result and errors are those of `packet_latencies`.
    """
    return draw_to(path, lambda: packet_figure.link_loads(_view(result)))


def packet_link_map(result: HasPackets, path: str | Path | None = None) -> Figure:
    """Draw the machine with its links coloured by the share of the time in which they were sending.

    Parameters, result and errors are those of `packet_latencies`.
    """
    return draw_to(path, lambda: packet_map.link_load_map(_view(result)))


def packet_queue_map(result: HasPackets, path: str | Path | None = None) -> Figure:
    """Draw the machine with its links coloured by their longest queue, and its chips by how long their router blocked.

    Parameters, result and errors are those of `packet_latencies`.
    """
    return draw_to(path, lambda: packet_map.queue_map(_view(result)))


def packet_buffer_map(result: HasPackets, path: str | Path | None = None) -> Figure:
    """Draw the machine as a heat map: the fullest spike buffer of each chip.

    Parameters, result and errors are those of `packet_latencies`.
    """
    return draw_to(path, lambda: packet_map.buffer_map(_view(result)))


def packet_backlog_map(result: HasPackets, path: str | Path | None = None) -> Figure:
    """Draw the machine as a heat map: the longest backlog of work of any core of each chip.

    Parameters, result and errors are those of `packet_latencies`.
    """
    return draw_to(path, lambda: packet_map.backlog_map(_view(result)))


def packet_loss_map(result: HasPackets, path: str | Path | None = None) -> Figure:
    """Draw the machine as a heat map: the deliveries that were lost at each chip.

    Parameters, result and errors are those of `packet_latencies`.
    """
    return draw_to(path, lambda: packet_map.loss_map(_view(result)))


def packet_reinjection_map(result: HasPackets, path: str | Path | None = None) -> Figure:
    """Draw the machine as a heat map: the longest queue of dropped packets that waited on each chip to be sent again.

    Parameters, result and errors are those of `packet_latencies`.
    """
    return draw_to(path, lambda: packet_map.reinjection_map(_view(result)))
