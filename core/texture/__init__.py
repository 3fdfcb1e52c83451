"""What the training-free texture scan is made of: local statistics, a mixture of normal textures, gaps in mosaics."""
