"""PyTorch as a source of unit health. Nothing imports this before the user has imported torch."""
