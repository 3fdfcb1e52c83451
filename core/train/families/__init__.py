"""One file per way to train a model, each with a `SPEC` (`core.train.base.TrainerSpec`); nothing here imports torch."""
