"""The simulated market and its bots: what the demo and the load tests run."""
