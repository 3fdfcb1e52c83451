"""Decides how a processor does a 3×3 convolution with a quarter of the multiplications.

Lavin and Gray 2016, "Fast algorithms for convolutional neural networks", F(4×4, 3×3): six by six px are transformed, one
product of matrices per transformed px does the work of the convolution, and what comes out is transformed to four by
four px. The transforms are products of matrices too, on bands of tiles that stay in the processor's caches. Differs from
the plain convolution by rounding, about 1e-5 of the values; plain convolutions here already run at the processor's peak.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

# With fewer feature maps the transforms cost what the multiplications save.
FEWEST_CHANNELS = 128
_OUT, _IN = 4, 6
_TILES_PER_BAND = 256

_INPUT = torch.tensor(
    [
        [4.0, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ]
)
_KERNEL = torch.tensor(
    [[6.0, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]], dtype=torch.float64
) / torch.tensor(24.0, dtype=torch.float64)
_OUTPUT = torch.tensor([[1.0, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]])


class Winograd3x3(nn.Module):
    """Does what a 3×3 convolution of stride 1 with a border of 1 does: (n, channels, h, w) float32, channels-last."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    to_tiles: torch.Tensor
    from_tiles: torch.Tensor

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        weight = convolution.weight.detach().double()
        transformed = torch.einsum("ik,ockl,jl->ijco", _KERNEL, weight, _KERNEL)
        self.channels_out, self.channels_in = weight.shape[:2]
        self.register_buffer("weight", transformed.reshape(_IN * _IN, *transformed.shape[2:]).float().contiguous())
        self.register_buffer("bias", None if convolution.bias is None else convolution.bias.detach().clone())
        self.register_buffer("to_tiles", torch.kron(_INPUT, _INPUT))
        self.register_buffer("from_tiles", torch.kron(_OUTPUT, _OUTPUT))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.cat([self._one(image) for image in images.permute(0, 2, 3, 1)]).permute(0, 3, 1, 2)

    def _one(self, image: torch.Tensor) -> torch.Tensor:
        """(h, w, channels) → (1, h, w, channels)."""
        height, width, _ = image.shape
        rows, columns = -(-height // _OUT), -(-width // _OUT)
        framed = functional.pad(image, (0, 0, 1, _OUT * columns - width + 1, 1, _OUT * rows - height + 1))
        found = image.new_empty(rows, _OUT, columns, _OUT, self.channels_out)
        band = max(1, _TILES_PER_BAND // columns)
        for first in range(0, rows, band):
            self._band(framed[_OUT * first :], found[first : first + band])
        return found.view(1, _OUT * rows, _OUT * columns, self.channels_out)[:, :height, :width]

    def _band(self, framed: torch.Tensor, out: torch.Tensor) -> None:
        """Fills `out`, (rows, 4, columns, 4, channels), from the px that begin one before it."""
        rows, _, columns, _, _ = out.shape
        channels, line = self.channels_in, framed.stride(0)
        sides = (_IN, _IN, rows, columns, channels)
        tiles = framed.as_strided(sides, (line, channels, _OUT * line, _OUT * channels, 1)).reshape(_IN * _IN, -1)
        transformed = torch.mm(self.to_tiles, tiles).view(_IN * _IN, -1, channels)
        products = torch.bmm(transformed, self.weight).view(_IN * _IN, -1)
        pixels = torch.mm(self.from_tiles, products).view(_OUT, _OUT, rows, columns, -1).permute(2, 0, 3, 1, 4)
        if self.bias is None:
            out.copy_(pixels)
        else:
            torch.add(pixels, self.bias, out=out)


def with_winograd(network: nn.Module) -> nn.Module:
    """The same network, each convolution for which it pays replaced (in place)."""
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d) and _pays(child):
                setattr(module, name, Winograd3x3(child))
    return network


def _pays(convolution: nn.Conv2d) -> bool:
    shape = (convolution.kernel_size, convolution.stride, convolution.padding, convolution.dilation, convolution.groups)
    plain = shape == ((3, 3), (1, 1), (1, 1), (1, 1), 1) and convolution.padding_mode == "zeros"
    return plain and min(convolution.in_channels, convolution.out_channels) >= FEWEST_CHANNELS
