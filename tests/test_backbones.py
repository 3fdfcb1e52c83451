"""torchvision's networks as dense ones: the same logits, made fast without changing them, explained as Grad-CAM does."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch.nn import functional

from core.errors import InputError, ResourceError
from core.models.card import spec_from_card
from core.models.networks import pretrained
from core.models.networks.backbones import BACKBONES, DenseBackbone, build
from core.models.networks.computing import HALF_TOLERANCE
from core.models.networks.folding import folded, in_bands
from core.models.networks.window_classifier import WindowClassifier
from core.models.networks.winograd import Winograd3x3
from tests.dense_support import calibrated, card_of, spotted

pytestmark = pytest.mark.usefixtures("whole_floats")
NAMES = sorted(BACKBONES)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def networks() -> dict[str, DenseBackbone]:
    pictures = [spotted(256, 256, seed) for seed in (1, 2)]
    return {name: calibrated(name, pictures) for name in NAMES}


def model_of(network: DenseBackbone, name: str, labels: Sequence[str] = ("spot",)) -> WindowClassifier:
    card = {**card_of(name), "labels": list(labels), "weights": {"blake2b": "0" * 32}}
    return WindowClassifier(spec_from_card(card, "trained", None), network, CPU)


def as_input(pixels: np.ndarray, name: str) -> torch.Tensor:
    mean, deviation = (np.array(v, np.float32) for v in BACKBONES[name].normalisation)
    return torch.from_numpy(((pixels / 255 - mean) / deviation).astype(np.float32).transpose(2, 0, 1)[None])


@pytest.mark.parametrize("name", NAMES)
def test_what_makes_it_fast_changes_next_to_nothing(networks: dict[str, DenseBackbone], name: str) -> None:
    pixels = spotted(608, 160, 3)
    with torch.inference_mode():
        plain = networks[name](as_input(pixels, name))[0].numpy()
    fast = model_of(networks[name], name).map_tile(pixels)
    assert fast.shape == plain.shape == (2, 19, 5)
    assert np.abs(fast - plain).max() < 2e-4 * max(1, np.abs(plain).max())


def with_classes(network: DenseBackbone, classes: int) -> DenseBackbone:
    """The same features, weighed for more classes than the first two; each has a bias of its own."""
    wider = deepcopy(network)
    wider.head = torch.nn.Conv2d(network.head.in_channels, classes, 1)
    torch.manual_seed(4)
    torch.nn.init.normal_(wider.head.weight, 0, float(network.head.weight[1].detach().std()))
    torch.nn.init.normal_(wider.head.bias)  # type: ignore[arg-type]
    with torch.no_grad():
        wider.head.weight.abs_()  # weights of both signs cancel, and what is left of them is rounding
        wider.head.weight[:2] = network.head.weight
    return wider


@pytest.mark.parametrize("name", NAMES)
def test_explaining_equals_grad_cam(networks: dict[str, DenseBackbone], name: str) -> None:
    """Selvaraju et al. 2017, eq. 1 and 2, with a hook on the features and the gradient by autograd; for each class."""
    pixels, labels = spotted(160, 192, 4), ["spot", "crack", "pore"]
    network, kept = with_classes(networks[name], 1 + len(labels)), []
    model = model_of(network, name, labels)
    hook = network.trunk.register_forward_hook(lambda module, given, found: kept.append(found))
    try:
        logits = network(as_input(pixels, name)).mean((2, 3))[0]
    finally:
        hook.remove()
    for number, label in enumerate(labels, start=1):
        (gradient,) = torch.autograd.grad(logits[number] - logits[0], kept, retain_graph=True)
        cam = functional.relu((gradient.mean((2, 3), keepdim=True) * kept[0]).sum(1, keepdim=True))
        wide = functional.interpolate(cam, pixels.shape[:2], mode="bilinear", align_corners=False)[0, 0]
        expected = (wide / wide.max().clamp(min=1e-6)).detach().numpy()  # nothing may speak for a random class
        assert label != "spot" or expected.max() == 1
        assert np.abs(model.explain(pixels, label) - expected).max() < 1e-4


def test_the_map_of_logits_holds_every_activation_map(networks: dict[str, DenseBackbone]) -> None:
    model, pixels = model_of(networks["resnet18"], "resnet18"), spotted(160, 192, 4)
    cells = model.activations(model.map_tile(pixels))
    assert cells.shape == (1, 5, 6)
    assert cells.min() >= 0
    with torch.inference_mode():
        features = networks["resnet18"].features(as_input(pixels, "resnet18"))[0]
    weight = networks["resnet18"].head.weight[1, :, 0, 0].detach()
    assert np.allclose(cells[0], torch.einsum("c,chw->hw", weight, features).clamp(min=0).numpy(), atol=1e-3)


@pytest.mark.parametrize("name", ["resnet18", "googlenet"])
def test_pooled_it_says_what_torchvisions_network_says(name: str) -> None:
    torch.manual_seed(3)
    extra = {"aux_logits": False, "init_weights": False} if name == "googlenet" else {}
    reference = getattr(torchvision.models, name)(weights=None, num_classes=3, **extra).eval()
    network = build({"backbone": name}, 3).eval()
    assert isinstance(network, DenseBackbone)
    pretrained.start_from(network, {**reference.state_dict(), "aux1.conv.weight": torch.zeros(1)})
    images = as_input(spotted(256, 256), name)
    with torch.inference_mode():
        assert torch.allclose(network(images).mean((2, 3)), reference(images), atol=1e-4, rtol=1e-4)


def test_of_vgg_the_convolutions_are_taken_and_the_head_stays() -> None:
    layers = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"])
    state = {f"features.{name}": values for name, values in layers.state_dict().items()}
    network = build({"backbone": "vgg16"}, 2)
    assert isinstance(network, DenseBackbone)
    head = network.head.weight.clone()
    pretrained.start_from(network, {**state, "classifier.6.bias": torch.zeros(1000)})
    assert torch.equal(network.trunk[28].weight, layers[28].weight)  # type: ignore[arg-type]
    assert torch.equal(network.head.weight, head)
    with pytest.raises(ValueError, match="trunk"):
        pretrained.start_from(network, {"features.0.weight": torch.zeros(1)})


def test_weights_from_a_file(tmp_path: Path) -> None:
    state = {"conv1.weight": torch.ones(2, 3)}
    save_file(state, tmp_path / "w.safetensors")
    torch.save(state, tmp_path / "w.pth")
    for name in ("w.safetensors", "w.pth"):
        assert torch.equal(pretrained.read_weights(tmp_path / name)["conv1.weight"], state["conv1.weight"])
    torch.save({"a": Path("x")}, tmp_path / "object.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "junk.pth").write_bytes(b"no weights")
    (tmp_path / "junk.safetensors").write_bytes(b"no weights")
    for name in ("object.pth", "list.pth", "junk.pth", "junk.safetensors", "missing.pth"):
        with pytest.raises(InputError) as caught:
            pretrained.read_weights(tmp_path / name)
        assert caught.value.path == tmp_path / name


def test_without_a_connection_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    with pytest.raises(ResourceError, match=r"resnet18.*no route"):
        pretrained.download_weights("resnet18")


@pytest.mark.parametrize(
    "network", [{"backbone": "resnet19"}, {"backbone": ["resnet18"]}, {"backbone": "resnet18", "width": 64}, {}]
)
def test_other_networks_are_refused(network: dict) -> None:
    with pytest.raises(ValueError, match="known"):
        build(network, 2)


@pytest.mark.parametrize(
    ("channels", "height", "width", "bias"), [(8, 17, 30, True), (5, 4, 4, False), (3, 3, 9, True)]
)
def test_fewer_multiplications_give_the_same(channels: int, height: int, width: int, bias: bool) -> None:
    torch.manual_seed(1)
    plain = torch.nn.Conv2d(channels, 7, 3, padding=1, bias=bias)
    images = torch.randn(2, channels, height, width).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        found = Winograd3x3(plain)(images)
        assert found.shape == (2, 7, height, width)
        assert torch.allclose(found, plain(images), atol=1e-4)


def test_bands_are_one_picture() -> None:
    torch.manual_seed(2)
    stem = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 7, 2, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(3, 2, 1))
    pixels = torch.randn(1, 104, 40, 3)
    with torch.inference_mode():
        whole = stem(pixels.permute(0, 3, 1, 2))
        parts = in_bands(lambda rows: stem(rows.permute(0, 3, 1, 2)), pixels, 4, 8, 32)
    assert torch.allclose(whole, parts, atol=1e-6)


def test_brain_floats_keep_scores_within_what_is_promised(networks: dict[str, DenseBackbone]) -> None:
    """Each weight and each layer's result rounded to 8 bits, sums in 32: what units for such floats compute."""
    pixels, network = spotted(256, 320, 9), folded(networks["resnet18"])
    exact = model_of(network, "resnet18").map_tile(pixels)
    for module in network.trunk.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.weight.data = module.weight.data.bfloat16().float()
            module.register_forward_hook(lambda module, given, found: found.bfloat16().float())
    with torch.inference_mode():
        rounded = network(as_input(pixels, "resnet18").bfloat16().float())[0].numpy()
    model = model_of(networks["resnet18"], "resnet18")
    difference = np.abs(model.scores(exact) - model.scores(rounded)).max()
    assert 1e-6 < difference < HALF_TOLERANCE
