"""Decides how pixels become logits on a device: memory layout, number format, what waits for what.

Number format: 32-bit floats, on CUDA and on processors with units for it 16-bit "brain" floats for everything but the
head (`half_precision`). Scores of windows then differ by at most `HALF_TOLERANCE` from those of 32-bit floats.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch

from core.compute_memory import memory_told
from core.models.networks.backbones import DenseBackbone
from core.models.networks.folding import folded, in_bands
from core.models.networks.resnet_cells import ResNetCells, normalise
from core.models.networks.winograd import with_winograd

Array = np.ndarray
Network = ResNetCells | DenseBackbone
HALF_TOLERANCE = 0.02


@dataclass(frozen=True)
class Pending:
    """Logits on their way: (n, classes, rows, columns) float32. `done`: when they have arrived; None: they have."""

    logits: torch.Tensor
    done: torch.cuda.Event | None = None

    def wait(self) -> Array:
        if self.done is not None:
            self.done.synchronize()
        return self.logits.numpy()


class DenseComputing:
    """A network ready for inference on a device. `bias`: of the head, (classes,) float32.

    Args:
        mean, deviation: see `normalise`.
        name: of the model, for messages.
        exact: 32-bit floats and no shortcuts, for explanations; slower.
    """

    def __init__(
        self,
        network: Network,
        device: torch.device,
        mean: float | torch.Tensor,
        deviation: float | torch.Tensor,
        name: str,
        number_format: torch.dtype | None = None,
        exact: bool = False,
    ) -> None:
        self.stride_px = network.stride_px
        self.bias: Array = network.head.bias.detach().cpu().numpy().astype(np.float32)  # type: ignore[union-attr]
        self._device, self._name = device, name
        self._format = torch.float32 if exact else number_format or format_for(network, device)
        # On Apple's GPUs channels-last gains nothing.
        self._layout = torch.contiguous_format if device.type == "mps" else torch.channels_last
        self._network = ready(network, device, self._format, exact).to(device).to(memory_format=self._layout)
        if isinstance(self._network, DenseBackbone):
            self._network.trunk.to(self._format)
        self._mean, self._deviation = (v.to(device) if isinstance(v, torch.Tensor) else v for v in (mean, deviation))
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def prepare(self, pixels: Array) -> torch.Tensor:
        """(h, w, 3) or (n, h, w, 3) uint8 → (n, h, w, 3), in memory from which a GPU can copy it by itself."""
        batch = torch.from_numpy(np.ascontiguousarray(pixels))
        batch = batch if batch.ndim == 4 else batch[None]
        return batch.pin_memory() if self._stream is not None else batch

    def submit(self, pixels: torch.Tensor) -> Pending:
        """Starts computing; on CUDA it returns before that is finished. Raises ResourceError when memory runs out."""
        with memory_told(self._device, self._name), torch.inference_mode():
            if self._stream is None:
                return Pending(self._logits(pixels.to(self._device)).cpu())
            with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
                found = self._logits(pixels.to(self._device, non_blocking=True))
                arrived = torch.empty(found.shape, dtype=found.dtype, pin_memory=True)
                arrived.copy_(found, non_blocking=True)
                done = torch.cuda.Event()
                done.record()
            return Pending(arrived, done)

    def _logits(self, pixels: torch.Tensor) -> torch.Tensor:
        network = self._network
        if not isinstance(network, DenseBackbone):
            return network(self._input(pixels)).float()
        if self._device.type == "cpu" and len(pixels) == 1:
            stride, reach = network.backbone.stem_stride_px, network.backbone.stem_reach_px
            found = in_bands(lambda rows: network.stem(self._input(rows)), pixels, stride, reach)
        else:
            found = network.stem(self._input(pixels))
        return network.head(network.body(found).float())

    def _input(self, pixels: torch.Tensor) -> torch.Tensor:
        return normalise(pixels, self._mean, self._deviation).to(self._format).contiguous(memory_format=self._layout)


def ready(network: Network, device: torch.device, number_format: torch.dtype, exact: bool = False) -> Network:
    """A copy for inference. The small network is left as it is: scans that exist were made with its exact rounding."""
    if not isinstance(network, DenseBackbone):
        return deepcopy(network).eval()
    copy = folded(network)
    if device.type == "cpu" and number_format == torch.float32 and not exact:
        with_winograd(copy)
    return copy


def format_for(network: Network, device: torch.device) -> torch.dtype:
    """The number format a network is computed in. The small one gains nothing from another one."""
    quick = device.type == "cuda" or (device.type == "cpu" and _has_half_units())
    return torch.bfloat16 if quick and isinstance(network, DenseBackbone) else torch.float32


def _has_half_units() -> bool:
    known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))
