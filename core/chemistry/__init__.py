"""Chemistry that comes back from the SEM: read, matched with the defects it was measured on, kept with them."""
