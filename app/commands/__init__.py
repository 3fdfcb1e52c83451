"""What the user can do by menu, key or button: one file for each menu, its actions and what they do."""
