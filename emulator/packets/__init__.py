"""The packet model: what routers, links and cores do with every packet, as SimPy processes and as compiled code."""
