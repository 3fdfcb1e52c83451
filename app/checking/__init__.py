"""How good a scan is: its precision by a random sample, and beside what people found by eye."""
