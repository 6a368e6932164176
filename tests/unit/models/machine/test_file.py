"""Machine files: the built-in one is complete, provenance is kept, every mistake gets one clear error."""

import math
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

from models.bounds import section_of
from models.errors import NeuromapError, ParameterError, UnknownNameError
from models.machine import Machine
from models.machine.file import list_machines, load_machine, machine_hints
from models.machine.units import unit_of
from models.topology import build_topology

#: Constants that a machine may leave out.
OPTIONAL = {
    f"{name}.{entry.name}"
    for name, hint in get_type_hints(Machine).items()
    if (section := section_of(hint)) is not None
    for entry in fields(section)
    if entry.default is not MISSING
}


def machine_text() -> str:
    import models.machines

    return (Path(models.machines.__file__).parent / "spinnaker1.yaml").read_text(encoding="utf-8")


@pytest.fixture
def machine_file(tmp_path):
    """Return a function that writes spinnaker1 with one text replaced by another and returns the file."""

    def write(old: str = "", new: str = "") -> Path:
        text = machine_text()
        assert text.count(old) >= 1, f"{old!r} is not in the file"
        path = tmp_path / "m.yaml"
        path.write_text(text.replace(old, new, 1) if old else text, encoding="utf-8")
        return path

    return write


def test_machines_that_come_with_neuromap():
    text = (Path(__file__).parents[4] / "docs" / "machines.md").read_text(encoding="utf-8")
    table = text.partition("| name | description | full-scale PD14 |\n")[2].partition("\n\n")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
    assert {"generic_mesh", "loihi1", "neuroaix", "spinnaker1", "spinnaker2", "truenorth"} <= set(named)
    assert list_machines() == tuple(sorted(named))


def test_spinnaker1_values():
    machine = load_machine("spinnaker1")
    assert machine.name == "spinnaker1"
    assert (machine.core.n_per_chip, machine.core.n_monitor_per_chip, machine.core.clock_hz) == (18, 2, 200e6)
    assert (machine.core.dtcm_bytes, machine.core.dtcm_reserved_bytes) == (65536, 65536 - 59756)
    assert (machine.memory.sdram_bytes, machine.router.n_table_entries) == (123_469_792, 1023)
    assert (machine.link.packet_bits, machine.link.packets_per_s) == (40, 5e6)
    assert machine.cost.synapse_cycles == pytest.approx(200e6 / 13e6, abs=0.02)
    assert machine.topology.n_boards == "auto"
    assert machine.budget_cycles(0.1) == 20_000


@pytest.mark.parametrize("name", list_machines())
def test_every_number_has_a_source_and_its_unit(name):
    machine = load_machine(name)
    noted = {note.path: note for note in machine.constants}
    present = tuple(f"{entry.name}." for entry in fields(Machine) if getattr(machine, entry.name) is not None)
    needed = {path for path in machine_hints() if path.startswith(present)} - OPTIONAL
    assert "core.clock_hz" in needed
    assert needed <= set(noted) <= needed | OPTIONAL
    for note in noted.values():
        assert note.source, note.path
        assert note.status != "stated", note.path
        assert note.unit == unit_of(note.path), note.path
        if isinstance(note.value, int | float) and not isinstance(note.value, bool):
            assert note.unit or note.path.endswith("_ratio"), note.path


@pytest.mark.parametrize("name", list_machines())
def test_ranges_hold_their_values(name):
    for note in load_machine(name).constants:
        if note.low is not None:
            assert note.low <= note.value <= note.high, note.path


def test_guesses_are_unverified():
    for name in list_machines():
        for note in load_machine(name).constants:
            if note.source.startswith(("guess", "prior", "as SpiNNaker 1", "invented")):
                assert note.status == "unverified", (name, note.path)


def test_neuroaix_is_what_its_static_model_says():
    machine = load_machine("neuroaix")
    pipeline = machine.pipeline
    assert build_topology(machine).n_chips == 35
    assert (machine.core.n_per_chip, pipeline.pipeline_depth_cycles, machine.core.clock_hz) == (10, 30, 189.393e6)
    hop_ns = pipeline.transceiver_ns + pipeline.cable_ns + pipeline.link_hop_delay_ns * (3 + 5) / 6
    assert machine.link_latencies_ns == (hop_ns, hop_ns) == (1029, 1029)
    assert machine.link.packets_per_s == pytest.approx(5.82e9 / 128, rel=1e-4)
    row_bytes = 64 * math.ceil(3880 / 35 * machine.memory.synapse_bytes / pipeline.dram_fetch_bytes)
    assert row_bytes == 896
    rate = np.interp(row_bytes, pipeline.dram_row_bytes, pipeline.dram_row_bytes_per_s)
    assert rate / pipeline.dram_bytes_per_s == pytest.approx(0.43, abs=0.005)
    per_core = pipeline.n_dram_channels * rate / machine.core.n_per_chip
    assert machine.plan.synapse_events_per_s == pytest.approx(per_core / machine.memory.synapse_bytes, rel=1e-3)
    cycles = machine.core.clock_hz / machine.plan.synapse_events_per_s
    assert machine.cost.synapse_cycles == pytest.approx(cycles, rel=1e-3)
    power_w = 2.99e8 * 3.2 * 20.36 * 47.55e-9
    assert machine.power.board_idle_w == pytest.approx(power_w / 35, rel=0.01)


def test_only_neuroaix_has_pipelines():
    assert [name for name in list_machines() if load_machine(name).pipeline is not None] == ["neuroaix"]


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("loihi1", {"max_in_axons": 4096, "max_out_axons": 4096, "max_delay_steps": 62, "max_neurons": 1024}),
        ("truenorth", {"max_fan_in": 256, "max_out_axons": 256, "max_delay_steps": 15, "n_weight_values": 4}),
        ("spinnaker2", {"n_per_chip": 152, "dtcm_bytes": 131072, "max_fan_in": None}),
    ],
)
def test_limits_of_machines(name, limits):
    core = load_machine(name).core
    assert {field: getattr(core, field) for field in limits} == limits


def test_optional_section_must_be_whole(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("base: spinnaker1\npipeline: {n_dram_channels: 4}\n")
    message = r"^pipeline\.pipeline_depth_cycles at .*m\.yaml: needs a value in cycles for 'pipeline_depth_cycles' in "
    with pytest.raises(ParameterError, match=message + "section 'pipeline', has None$"):
        load_machine(path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"pipeline.dram_row_bytes": [64, 32]},
            r"^pipeline\.dram_row_bytes at the settings: needs sizes > 0 bytes in ascending order, "
            r"has \(64\.0, 32\.0\)$",
        ),
        (
            {"pipeline.dram_row_bytes_per_s": [1e9]},
            r"^pipeline\.dram_row_bytes_per_s at the settings: needs 9 values > 0 bytes/s, as dram_row_bytes, has ",
        ),
        (
            {"router.n_table_entries": 10},
            r"^router\.n_table_entries at the settings: needs 0 entries with router\.casting 'broadcast', has 10$",
        ),
        (
            {"router.casting": "multicast"},
            r"^router\.n_table_entries at .*: needs at least 1 entry with router\.casting 'multicast', has 0$",
        ),
        (
            {"memory.sdram_bytes": 0},
            r"^memory\.sdram_bytes at the settings: needs a value > 0 bytes, "
            r"since memory\.synapse_store is 'chip', has 0$",
        ),
        (
            {"core.max_fan_in": 0},
            r"^core\.max_fan_in at the settings: needs a whole number from 1 to 2,147,483,647 synapses or null, has 0$",
        ),
    ],
)
def test_sections_that_contradict_themselves(settings, message):
    with pytest.raises(ParameterError, match=message):
        load_machine("neuroaix", settings)


def test_shape_is_read_from_a_file(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("base: generic_mesh\ntopology:\n  kind: graph\n  board_shape: []\n  links: [[0, 1], [1, 2]]\n")
    machine = load_machine(path)
    assert machine.topology.links == ((0, 1), (1, 2))
    assert build_topology(machine).n_chips == 3


def test_guesses_about_spinnaker1_say_how_wide_they_are():
    machine = load_machine("spinnaker1")
    unverified = [note for note in machine.constants if note.status == "unverified"]
    assert [note.path for note in unverified] == list(machine.unverified)
    assert [note.path for note in unverified if note.low is None or not note.low < note.high] == []


def test_plain_scalars_are_stated(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("base: spinnaker1\nname: mine\ncore:\n  clock_hz: 150e6\n")
    machine = load_machine(path)
    note = next(note for note in machine.constants if note.path == "core.clock_hz")
    assert (machine.name, machine.core.clock_hz) == ("mine", 150e6)
    assert (note.status, note.unit, note.source) == ("stated", "Hz", "")
    assert "core.clock_hz" in machine.unverified
    assert machine.core.n_per_chip == 18


def test_base_may_be_a_file_in_the_same_folder(tmp_path):
    (tmp_path / "first.yaml").write_text("base: spinnaker1\nname: first\nplan: {default_rate_hz: 4}\n")
    (tmp_path / "second.yaml").write_text("base: first.yaml\nname: second\n")
    machine = load_machine(tmp_path / "second.yaml")
    assert (machine.name, machine.plan.default_rate_hz) == ("second", 4.0)


def test_base_of_itself_is_refused(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("base: m.yaml\n")
    with pytest.raises(ParameterError, match=r"^base at .*m\.yaml: needs a chain of at most 8 base files, has "):
        load_machine(path)


def test_settings_replace_values_and_are_noted():
    machine = load_machine("spinnaker1", {"core.clock_hz": 150_000_000, "core.dtcm_bytes": 64e3})
    assert (machine.core.clock_hz, machine.core.dtcm_bytes) == (150e6, 64_000)
    assert isinstance(machine.core.dtcm_bytes, int)
    note = next(note for note in machine.constants if note.path == "core.clock_hz")
    assert (note.status, note.source, note.unit) == ("stated", "set by the user", "Hz")


def test_dead_places_are_read(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("base: spinnaker1\ndead_chips: [[1, 2]]\ndead_links: [[0, 0, 3]]\ndead_cores:\n- [0, 0, 17]\n")
    machine = load_machine(path)
    assert machine.dead_chips == ((1, 2),)
    assert machine.dead_links == ((0, 0, 3),)
    assert machine.dead_cores == ((0, 0, 17),)
    assert "dead_chips" not in {note.path for note in machine.constants}


def test_topology_chosen_by_the_user_is_no_constant():
    machine = load_machine("spinnaker1", {"topology.n_boards": 12, "topology.wrap": True})
    assert (machine.topology.n_boards, machine.topology.wrap) == (12, True)
    assert not [path for path in machine.unverified if path.startswith("topology.")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("spinaker1", r"^machine: needs one of .*spinnaker1.*, has 'spinaker1'; did you mean 'spinnaker1'\?$"),
        ("no/such.yaml", r"^file: needs a file that can be read \(No such file or directory\), has 'no/such\.yaml'$"),
    ],
)
def test_unknown_machine(name, message):
    with pytest.raises(ParameterError, match=message):
        load_machine(name)


CORE_CLOCK = "clock_hz: {value: 200.0e+6, unit: Hz,"

WRONG_FILES = {
    "unknown key": (
        "spike_buffer_packets:",
        "spike_bufer_packets:",
        r"^key of core at {at}: needs one of spike_buffer_packets, .*, has 'spike_bufer_packets'; did you mean '.*'\?$",
    ),
    "unknown section": (
        "router:",
        "ruter:",
        r"^key at {at}: needs one of router and \d+ more, has 'ruter'; did you mean 'router'\?$",
    ),
    "other unit suffix": (
        CORE_CLOCK,
        "clock_mhz: {value: 200, unit: MHz,",
        r"^key of core at {at}: needs clock_hz \(rename it and multiply the value by 1,000,000: mhz to hz\), "
        r"has 'clock_mhz'$",
    ),
    "other unit": (
        CORE_CLOCK,
        "clock_hz: {value: 200, unit: MHz,",
        r"^unit of core\.clock_hz at {at}: needs Hz \(write the value in it\), has 'MHz'$",
    ),
    "text for a number": (
        "{value: 65536,",
        "{value: 64 KiB,",
        r"^core\.dtcm_bytes at {at}: needs a whole number from 1 to 1,152,921,504,606,846,976 bytes, has '64 KiB'$",
    ),
    "quoted number": (
        "{value: 65536,",
        '{value: "65536",',
        r"^core\.dtcm_bytes at {at}: needs a whole number .*'65536'$",
    ),
    "fraction for a count": (
        "{value: 65536,",
        "{value: 1.5,",
        r"^core\.dtcm_bytes at {at}: needs a whole number .*1\.5$",
    ),
    "truth for a number": (
        "{value: 65536,",
        "{value: true,",
        r"^core\.dtcm_bytes at {at}: needs a whole number .*True$",
    ),
    "negative size": (
        "{value: 65536,",
        "{value: -1,",
        r"^core\.dtcm_bytes at {at}: needs a whole number from 1 to .* bytes, has -1$",
    ),
    "negative cycles": (
        "{value: 170, unit: cycles",
        "{value: -170, unit: cycles",
        r"^cost\.neuron_update_cycles at {at}: needs a number from 0 to 1e\+12 cycles, has -170$",
    ),
    "not a number": (
        CORE_CLOCK,
        "clock_hz: {value: .nan,",
        r"^core\.clock_hz at {at}: needs a finite number from 1000 to 1e\+12 Hz, has nan$",
    ),
    "unknown status": (
        'version_spin1.py:69", status: code}',
        'version_spin1.py:69", status: cod}',
        r"^status of core\.n_per_chip at {at}: needs one of .*, has 'cod'; did you mean 'code'\?$",
    ),
    "no source": (
        'source: "sPyNNaker utilities/constants.py:83", ',
        "",
        r"^source of core\.ring_buffer_index_bits at {at}: needs a source, since its status is 'code', has 'none'$",
    ),
    "unknown key of a note": (
        "{value: 18, unit: cores",
        "{valu: 18, unit: cores",
        r"^key of core\.n_per_chip at {at}: needs one of .*, has 'valu'; did you mean 'value'\?$",
    ),
    "no value": (
        "{value: 18, unit: cores",
        "{unit: cores",
        r"^core\.n_per_chip at {at}: needs a key 'value', has 'no value'$",
    ),
    "unknown choice": (
        "{value: longest_in_block",
        "{value: longest",
        r"^memory\.row_padding at {at}: needs one of longest_in_block, none, has 'longest'; "
        r"did you mean 'longest_in_block'\?$",
    ),
    "neither number nor auto": (
        "n_boards: auto",
        "n_boards: atuo",
        r"^topology\.n_boards at {at}: needs a whole number from 1 to 1,000,000 boards or auto, has 'atuo'$",
    ),
    "no boards": (
        "n_boards: auto",
        "n_boards: 0",
        r"^topology\.n_boards at {at}: needs a whole number from 1 to .* or auto, has 0$",
    ),
    "reserve above size": (
        "{value: 5780,",
        "{value: 70000,",
        r"^core\.dtcm_reserved_bytes at {at}: needs at most dtcm_bytes = 65536 bytes, has 70000$",
    ),
    "only monitors": (
        "{value: 2, unit: cores",
        "{value: 18, unit: cores",
        r"^core\.n_monitor_per_chip at {at}: needs fewer than n_per_chip = 18 cores, has 18$",
    ),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_wrong_file_names_file_and_line(machine_file, case):
    old, new, message = WRONG_FILES[case]
    path = machine_file(old, new)
    with pytest.raises(NeuromapError) as caught:
        load_machine(path)
    found = re.search(r"m\.yaml:(\d+)", str(caught.value))
    assert found, str(caught.value)
    at = re.escape(str(path)) + ":" + found.group(1)
    assert re.match(message.replace("{at}", at), str(caught.value)), str(caught.value)
    if new:
        line = path.read_text().splitlines()[int(found.group(1)) - 1 : int(found.group(1)) + 1]
        assert any(new in text for text in line), line  # the key's line; a value may stand on the next


def test_missing_key_is_named(machine_file):
    note = '{value: 14, unit: bits, source: "sPyNNaker utilities/constants.py:83", status: code}'
    path = machine_file(f"  ring_buffer_index_bits: {note}\n", "")
    with pytest.raises(
        ParameterError,
        match=r"^core\.ring_buffer_index_bits at .*m\.yaml: needs a value in bits for 'ring_buffer_index_bits'",
    ):
        load_machine(path)


def test_section_that_is_no_mapping(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("base: spinnaker1\ncore: 3\n")
    with pytest.raises(ParameterError, match=r"^core at .*m\.yaml:2: needs a mapping with keys n_per_chip, .*, has 3$"):
        load_machine(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dead_chips: [[-1, 0]]", r"^dead_chips at .*m\.yaml:2: needs coordinates >= 0, has \(-1, 0\)$"),
        (
            "dead_chips: [[1, 0, 2]]",
            r"^dead_chips at .*m\.yaml:2: needs a list of \[a whole number, a whole number\], has ",
        ),
        (
            "dead_links: [[1, 0, 6]]",
            r"^dead_links at .*m\.yaml:2: needs \(x, y, link\) with a link in 0\.\.5 .*has \(1, 0, 6\)$",
        ),
        (
            "dead_cores: [[1, 0, 18]]",
            r"^dead_cores at .*m\.yaml:2: needs \(x, y, p\) with p below 18, has \(1, 0, 18\)$",
        ),
    ],
)
def test_wrong_dead_places(tmp_path, text, message):
    path = tmp_path / "m.yaml"
    path.write_text(f"base: spinnaker1\n{text}\n")
    with pytest.raises(ParameterError, match=message):
        load_machine(path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"core.clok_hz": 1},
            r"^machine setting: needs one of core\.clock_hz.* and \d+ more, has 'core\.clok_hz'; "
            r"did you mean 'core\.clock_hz'\?$",
        ),
        (
            {"core.clock_mhz": 1},
            r"^machine setting: needs core\.clock_hz \(rename it and multiply the value by 1,000,000",
        ),
        (
            {"core.clock_hz": "fast"},
            r"^core\.clock_hz at the settings: needs a number from 1000 to 1e\+12 Hz, has 'fast'$",
        ),
        ({"core.clock_hz": -1}, r"^core\.clock_hz at the settings: needs a number from 1000 to 1e\+12 Hz, has -1$"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ParameterError, match=message):
        load_machine("spinnaker1", settings)


def test_unknown_name_error_keeps_the_names():
    with pytest.raises(UnknownNameError) as caught:
        load_machine("abacus")
    assert caught.value.known == list(list_machines())


def test_latency_of_a_hop_is_given_once(tmp_path):
    from models.machine.file import machine_path

    lines = machine_path("generic_mesh").read_text(encoding="utf-8").splitlines()
    path = tmp_path / "mesh.yaml"
    path.write_text("\n".join(line for line in lines if not line.startswith("  latency_ns")), encoding="utf-8")
    with pytest.raises(
        ParameterError, match=f"^link.latency_ns at {re.escape(str(path))}: needs a value in ns, has None$"
    ):
        load_machine(path)
    message = "^link.latency_ns at the settings: needs no value: pipeline.transceiver_ns, .* has 5.0$"
    with pytest.raises(ParameterError, match=message):
        load_machine("neuroaix", {"link.latency_ns": 5})
