"""One neuron with a constant current: its membrane potential in S16.15 and in double precision, every millisecond."""

from emulator.engine.simulate import simulate
from models.network import CurrentDrive, Network, Population

neuron = Population(name="N", n_neurons=1, current=CurrentDrive(amplitude_pa=500.0))
network = Network(name="one neuron", populations=(neuron,))
fixed, exact = (simulate(network, n_steps=160, seed=1, arithmetic=kind, probes=[0]) for kind in ("fixed", "float"))
print("   t ms      fixed mV     float mV  difference in units of 2^-15 mV")
for step in range(9, 160, 10):
    a, b = fixed.v_mv[step, 0], exact.v_mv[step, 0]
    print(f"{(step + 1) * network.dt_ms:7.1f}  {a:12.6f} {b:12.6f}  {(a - b) * 2**15:10.1f}")
