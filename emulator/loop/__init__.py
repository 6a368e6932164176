"""Runs the network and its packets together (closed loop), or replays inputs (open loop, traces)."""
