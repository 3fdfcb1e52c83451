"""Decides how torchvision's trained weights become those of our networks, and where they come from."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torchvision.models import get_model_weights

from core.errors import InputError, ResourceError
from core.models.networks.backbones import DenseBackbone

State = Mapping[str, torch.Tensor]


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """A state dict from a file: safetensors, or what torchvision offers for download (.pth).

    A .pth is a pickle; torch's restricted reader takes tensors from it and runs nothing. Raises InputError.
    """
    remedy = "Use a .safetensors file, or a .pth file as torchvision offers it."
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"no weights can be read from it ({_line(error)})", path=path, remedy=remedy) from None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError("it holds something else than a network's weights", path=path, remedy=remedy)
    return state


def download_weights(name: str) -> dict[str, torch.Tensor]:
    """torchvision's ImageNet weights of a backbone, from its server or from where they were kept the last time.

    Raises ResourceError without a connection, or when what came is not what torchvision promises.
    """
    try:
        return get_model_weights(name).DEFAULT.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (URLError, OSError, RuntimeError) as error:
        raise ResourceError(
            f"torchvision's weights for {name} can't be fetched ({_line(error)})",
            remedy="Connect to the internet, name a file of weights, or start from random ones.",
        ) from None


def start_from(network: DenseBackbone, state: State) -> None:
    """Puts torchvision's weights into a network; the head too where it has as many classes, else it stays as it is.

    Raises ValueError naming the first tensor that doesn't fit.
    """
    given = converted(state)
    own = network.state_dict()
    for name, values in own.items():
        fits = name in given and given[name].shape == values.shape
        if fits or name.endswith("num_batches_tracked"):
            continue
        if not name.startswith("head."):
            raise ValueError(f"these are not the weights of this network: {name} is missing or of another size")
    network.load_state_dict({n: given[n] for n in own if n in given and given[n].shape == own[n].shape}, strict=False)


def converted(state: State) -> dict[str, torch.Tensor]:
    """A torchvision state dict under our names, the linear layer `fc` as the 1×1 convolution `head`.

    What we have no use for is left out: GoogLeNet's auxiliary classifiers, VGG's fully connected layers.
    """
    ours = {}
    for name, values in state.items():
        first, _, rest = name.partition(".")
        if first == "fc":
            ours[f"head.{rest}"] = values[:, :, None, None] if values.ndim == 2 else values
        elif first not in ("aux1", "aux2", "classifier"):
            ours[f"trunk.{rest}" if first == "features" else f"trunk.{name}"] = values
    return ours


def _line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
