"""Two releases side by side: what each did, and when a trial ends by itself."""
