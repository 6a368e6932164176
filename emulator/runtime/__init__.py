"""Threads, random streams, lazy arrays and interruption: the base of every part of the emulator."""
