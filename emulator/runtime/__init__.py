"""Threads, random streams, lazy arrays and interruption: what every part of the emulator stands on."""
