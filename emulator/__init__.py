"""Runs a network: fixed-point and float64 state engine, core timing, packets, energy."""
