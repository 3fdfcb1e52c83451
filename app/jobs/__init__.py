"""Runs core work in threads: `Job` is one call, `Lane` a thread that runs jobs in turn, `Lanes` all the program has."""

from app.jobs.job import Job
from app.jobs.lane import Lane, Lanes

__all__ = ["Job", "Lane", "Lanes"]
