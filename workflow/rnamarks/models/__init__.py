"""Networks, baselines, saving and loading."""
