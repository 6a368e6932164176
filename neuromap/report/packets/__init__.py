"""The pages and figures of the packet network."""
