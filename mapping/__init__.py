"""Puts a network onto a machine: cut into cores, placed, routed, with tables and keys, and verified."""
