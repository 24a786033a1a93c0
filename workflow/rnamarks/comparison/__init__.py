"""What a user measured against what a model predicts."""
