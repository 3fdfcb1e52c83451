"""Decides which device computes, and what to say when the wanted one is not there."""

from __future__ import annotations

import platform
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.compute_memory import free_memory, is_out_of_memory
from core.errors import ResourceError, UsageError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose_device(wanted: str = "auto") -> torch.device:
    """The device to compute on; "auto" takes the fastest there is. "cuda:1" means the second CUDA device.

    Raises UsageError for a name that isn't a device, ResourceError for one that this computer doesn't have.
    """
    kind, _, number = wanted.partition(":")
    if kind not in DEVICES or (number and (kind != "cuda" or not number.isdecimal())):
        raise UsageError(f"there is no device {wanted!r}", remedy="Choose one of: " + ", ".join(DEVICES) + ".")
    import torch

    if kind == "auto":
        kind = next(name for name in ("cuda", "mps", "cpu") if _is_there(name, 0))
    elif not _is_there(kind, int(number or 0)):
        raise ResourceError(
            f"the device {wanted!r} is not there", remedy="Use --device auto, or see `schliff doctor` for what is."
        )
    return torch.device(kind, int(number)) if number else torch.device(kind)


def describe_devices() -> list[dict[str, Any]]:
    """Every device of this computer: `id`, `name`, `memory_gb` (None where it shares the computer's)."""
    import torch

    found: list[dict[str, Any]] = [{"id": "cpu", "name": f"{torch.get_num_threads()} threads", "memory_gb": None}]
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found.append(
            {"id": f"cuda:{index}", "name": properties.name, "memory_gb": round(properties.total_memory / 2**30, 1)}
        )
    if _is_there("mps", 0):
        found.append({"id": "mps", "name": "Apple GPU", "memory_gb": None})
    return found


def device_name(device: str) -> str:
    """What the device calls itself: the GPU's or the processor's name."""
    if device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(device))
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def other_cards(device: str, wanted: str) -> list[str]:
    """The CUDA devices beside `device` that may compute too, as it was left open which one (`wanted` "auto" or "cuda")."""
    kind, _, number = device.partition(":")
    if kind != "cuda" or wanted not in ("auto", "cuda"):
        return []
    import torch

    return [f"cuda:{index}" for index in range(torch.cuda.device_count()) if index != int(number or 0)]


def probe_batch(attempt: Callable[[int], object], most: int) -> int:
    """The largest batch, a power of two up to `most`, that an accelerator computes without running out of memory.

    `attempt` computes a batch of so many tiles, whatever else goes on beside it later. 0 when not even one fits.
    """
    size = 0
    while max(1, 2 * size) <= most:
        try:
            attempt(max(1, 2 * size))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            break
        size = max(1, 2 * size)
    free_memory()
    return size


def _is_there(kind: str, number: int) -> bool:
    import torch

    if kind == "cuda":
        return torch.cuda.is_available() and number < torch.cuda.device_count()
    return kind == "cpu" or (kind == "mps" and torch.backends.mps.is_available())
