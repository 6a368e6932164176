"""Advances the spiking network step by step: state, Poisson sources, recording, and `simulate`."""
