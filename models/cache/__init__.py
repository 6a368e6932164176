"""Keeps the compiled kernels of `emulator` and `mapping` between runs, in a folder that only this user can write to."""
