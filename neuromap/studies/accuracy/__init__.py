"""Compares number formats: runs the same network in each and measures how far the results drift."""
