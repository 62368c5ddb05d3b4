"""What Prometheus and CloudWatch are told."""
