"""Monitoring: windows of the journal, and the verdict on them."""
