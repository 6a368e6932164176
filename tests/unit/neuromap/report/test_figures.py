"""The figures of a run as public functions: what each shows, which names are public, where it is written."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

import neuromap as nm
import report_fixture
from machines import machine
from mapping.flow import map_network
from models.errors import ParameterError
from models.networks import pd14
from neuromap.report import figures

RUN = (
    "raster",
    "rates",
    "distributions",
    "step_times",
    "core_loads",
    "core_load_map",
    "memory_map",
    "link_loads",
    "link_map",
    "power_split",
    "published_systems",
)


@pytest.fixture(scope="module")
def result():
    arrays = report_fixture.make_arrays(n_boards=3, n_steps=2_000)
    return SimpleNamespace(report=report_fixture.make_report(arrays), arrays=arrays)


def test_every_figure_is_public():
    made_here = {
        name
        for name, value in vars(figures).items()
        if getattr(value, "__module__", "") == figures.__name__ and name[0].islower()
    }
    assert made_here == set(nm._RUN_FIGURES)
    assert all(getattr(nm, name) is getattr(figures, name) for name in made_here)


@pytest.mark.parametrize("name", RUN)
def test_figure_has_a_title_and_data(result, name):
    axes = getattr(nm, name)(result).axes
    assert any(ax.get_title() or ax.get_title(loc="left") for ax in axes) or name == "core_loads"
    assert any(ax.has_data() for ax in axes)


def test_raster_shows_the_spikes_of_its_window(result):
    top, bottom = nm.raster(result).axes
    assert top.get_title(loc="left") == "Spikes, all neurons"
    shown = sum(line.get_xdata().size for line in top.lines if line.get_marker() == ".")
    assert shown == np.count_nonzero(result.arrays.spike_step >= result.arrays.warmup_steps)
    assert next(label.get_text() for label in top.get_yticklabels()) == "L23E"
    assert bottom.get_xlabel() == "model time (ms)"


def test_rates_have_a_mean_for_each_population(result):
    (ax,) = nm.rates(result).axes
    means = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    assert means == pytest.approx(list(result.report.activity.rate_hz.values()), rel=1e-3)


def test_core_load_map_has_a_shape_for_each_chip(result):
    ax = nm.core_load_map(result).axes[0]
    assert len(ax.findobj(PolyCollection)[0].get_paths()) == len(result.arrays.chip_xy)


def test_power_split_has_a_bar_for_each_part(result):
    (ax,) = nm.power_split(result).axes
    assert sorted(bar.get_width() for bar in ax.patches) == sorted(result.report.energy.parts_w.values())


def test_step_times_mark_the_tick(result):
    left, right = nm.step_times(result).axes
    assert left.patches
    assert right.get_xlabel() == "model time (ms)"
    (tick,) = (line.get_xdata()[0] for line in left.lines)
    assert tick == result.report.network.dt_ms * 1e3 * result.report.timing.time_scale_factor


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_figure_is_written_where_asked(result, tmp_path, ending):
    path = tmp_path / f"power{ending}"
    nm.power_split(result, path)
    start = path.read_bytes()[:5]
    assert start.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[ending])


def test_a_file_of_another_kind_is_refused_before_anything_is_drawn(tmp_path):
    message = r"^figure: needs a file name ending in one of \.png, \.svg, \.pdf, has '.*a\.jpg'$"
    with pytest.raises(ParameterError, match=message):
        nm.raster(None, tmp_path / "a.jpg")


def test_maps_of_a_mapping():
    network = pd14(scale=0.02)
    mapping = map_network(network, machine())
    titles = [ax.get_title(loc="left") for ax in nm.mapping_maps(mapping, network, net="L4E").axes[:5]]
    assert titles[2].startswith("tree of L4E")
    assert titles[0] == "populations, by their share of a chip's cores"
