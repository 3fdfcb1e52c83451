"""Decides what running out of memory looks like, and what is tried before it is told."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import ResourceError, SchliffError


class TooLittleMemoryError(ResourceError):
    """A `device` has too little memory for even the least of `what` needs it."""

    def __init__(self, device: object, what: str) -> None:
        self.device = str(device)
        if self.device.startswith(("cuda", "mps")):
            remedy = "Close what else uses it, or scan with --device cpu; what was scanned is kept."
        else:
            remedy = "Close other programs and go on; what was scanned is kept."
        super().__init__(f"{device} has too little free memory for {what}", remedy=remedy)


# How torch's allocator for the processor, CUDA's libraries and OpenCV say it, in errors that have no class of their own.
_SAID = ("can't allocate memory", "not enough memory", "out of memory", "insufficient memory", "status_alloc_failed")


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or what it was raised from, is an allocation that failed on any device."""
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            return True
        text = str(error).lower()
        if not isinstance(error, ResourceError) and any(words in text for words in _SAID):
            return True
        error = error.__cause__
    return False


def free_memory() -> None:
    """Gives back what only caches hold: garbage, and what torch keeps of a device for later."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is None:
        return
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()


@contextmanager
def memory_told(device: object, what: str) -> Iterator[None]:
    """Turns memory running out into `TooLittleMemoryError`."""
    try:
        yield
    except Exception as error:
        if isinstance(error, SchliffError) or not is_out_of_memory(error):
            raise
        raise TooLittleMemoryError(device, what) from error
