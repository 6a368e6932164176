"""Reads and writes files: YAML, JSON and numpy arrays, with errors that name the place, and atomic writes."""
