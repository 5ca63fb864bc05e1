"""What a model makes for others."""
