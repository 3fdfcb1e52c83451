"""What helps in the program itself: pages to read, keys, and the tour."""
