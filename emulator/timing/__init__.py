"""Works out the cycles, time and energy that cores spend in every step."""
