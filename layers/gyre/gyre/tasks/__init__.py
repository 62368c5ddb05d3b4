"""The steps of the state machines, as they are called: references in, references out."""
