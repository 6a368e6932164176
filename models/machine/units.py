"""Units of the numbers of a machine, derived from the ends of their fields' names."""

from __future__ import annotations

_COUNT_UNITS = {
    "n_boards": "boards",
    "n_per_chip": "cores",
    "n_monitor_per_chip": "cores",
    "n_monitor_per_ethernet_chip": "cores",
    "max_neurons": "neurons",
    "max_row_synapses": "synapses",
    "max_poisson_sources": "sources",
    "n_table_entries": "entries",
    "n_boards_per_frame": "boards",
    "max_synapses": "synapses",
    "max_fan_in": "synapses",
    "max_fan_out": "synapses",
    "max_in_axons": "axons",
    "max_out_axons": "axons",
    "max_delay_steps": "steps",
    "n_weight_values": "values",
    "neurons_per_core": "neurons",
    "barrier_tiles": "tiles",
    "n_dram_channels": "channels",
    "ring_buffer_sigma": "standard deviations",
    "cycles_per_packet": "cycles",
    "ring_buffer_drain_cycles_per_neuron": "cycles",
}
_SUFFIX_UNITS = {
    "_bytes_per_s": "bytes/s",
    "_packets_per_s": "packets/s",
    "_synapses_per_s": "synapses/s",
    "_events_per_s": "events/s",
    "_per_bit_pj": "pJ",
    "_packets": "packets",
    "_cycles": "cycles",
    "_bytes": "bytes",
    "_bits": "bits",
    "_code": "code",
    "_hz": "Hz",
    "_ns": "ns",
    "_pj": "pJ",
    "_w": "W",
    "_s": "s",
}


def unit_of(field_name: str) -> str:
    """Return the unit of a machine field (a dotted path or its last part), ``""`` for names and choices."""
    field_name = field_name.rpartition(".")[2]
    if field_name in _COUNT_UNITS:
        return _COUNT_UNITS[field_name]
    return next((unit for suffix, unit in _SUFFIX_UNITS.items() if ("_" + field_name).endswith(suffix)), "")
