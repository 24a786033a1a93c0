"""Fine-tuning tasks: examples from published files, fair splits, simple baselines, metrics."""
