"""Runs core work in threads: `Job` is one call, `Lane` a thread that runs jobs in turn, `Lanes` the program's two."""

from app.jobs.job import Job
from app.jobs.lane import Lane, Lanes

__all__ = ["Job", "Lane", "Lanes"]
