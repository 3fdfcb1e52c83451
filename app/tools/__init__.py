"""The tools the mouse can hold: one file per tool, all of them listed in `table`."""
