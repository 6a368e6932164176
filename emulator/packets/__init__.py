"""Models how routers, links and cores handle every packet, as SimPy processes and as compiled code."""
