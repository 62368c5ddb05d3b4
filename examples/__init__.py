"""Three example models: what they predict (model.yaml), made-up data to learn from, and ways to spoil it."""
