"""What is done about a verdict: people hear, a training starts."""
