"""HTTP: one way to build an app, map errors, check keys."""
