"""The pages and figures of the packet model."""
