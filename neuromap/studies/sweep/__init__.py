"""Runs an experiment at every point of a grid of settings."""
