"""What perf/run is made of."""
