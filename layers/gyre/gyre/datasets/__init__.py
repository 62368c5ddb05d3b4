"""Data coming in: uploads, and what they hold."""
