"""Registration to the SEM: where a place on a section lies on the SEM's stage, and how sure that is."""
