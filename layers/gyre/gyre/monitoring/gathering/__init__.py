"""Both sides of a look: read from the journal, from data sets, from files."""
