"""Keeps compiled kernels between runs, in a folder that only this user can write to."""
