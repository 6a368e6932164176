"""Saves, loads, compares and resumes mappings, and exports them for other programs."""
