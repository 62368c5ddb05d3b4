"""Five salary bands from answers about work, with a bias of the past in them."""
