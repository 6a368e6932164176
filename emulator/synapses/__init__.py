"""Builds, stores and redraws synapses, and changes plastic weights."""
