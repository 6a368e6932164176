"""Reports how far fixed point moves a parameter from the value that was asked for."""
