"""Provides threads, random streams, lazy arrays and the handling of Ctrl-C to all parts of the emulator."""
