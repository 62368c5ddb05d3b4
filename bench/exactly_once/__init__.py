"""A load that proves what is promised of the journal: each call is in it exactly once, whatever happens to messages
and to those who take them."""
