"""The panel that registers the open section to the SEM: fiducials in a table, and what the fit to them says."""
