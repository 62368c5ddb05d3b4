"""What a user declares about a model: model.yaml, read, checked and versioned."""
