"""PostgreSQL: the only place that knows it."""
