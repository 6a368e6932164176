"""Names the columns of the array by which the packet model tells the synapses which packets arrived, and when."""

# one row for each packet whose work a core finishes: number of the packet, column of the core in ``Work.row_length``,
# and how many ticks after the packet's own tick the work ends (0: on time)
S_PACKET, S_COLUMN, S_N_TICKS = range(3)
N_ARRIVAL = 3
