"""Reads, checks and builds experiments."""
