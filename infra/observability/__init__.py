"""What looks at a deployment from outside: Prometheus, Grafana."""
