"""The networks themselves. They import torch, so they are imported only when a model is loaded or trained."""
