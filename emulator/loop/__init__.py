"""Runs a network and its packets together (closed loop), or replays recorded input (open loop, device traces)."""
