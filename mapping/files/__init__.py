"""Saves, loads, compares and resumes mappings, and exports their tables."""
