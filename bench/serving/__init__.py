"""Serving beside its peers: the same fitted model, the same rows, servers in turn."""
