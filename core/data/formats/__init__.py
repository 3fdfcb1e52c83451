"""One file per format of labelled data, each with a `SPEC` (`core.data.reading.DataFormat`)."""
