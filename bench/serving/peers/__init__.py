"""What Gyre is measured against. These run in environments that know nothing of it."""
