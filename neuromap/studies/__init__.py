"""Studies made of many runs: accuracy of number formats, sweeps over settings, published results."""
