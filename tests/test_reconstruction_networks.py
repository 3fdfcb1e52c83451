"""The networks that draw windows again are those of the dissertation (Badmos 2022, §3.11.3 and §3.12.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core.models.networks.cgan import EdgeToImage, PatchDiscriminator, sobel
from core.models.networks.folding import folded
from core.models.networks.reconstructors import as_seen, build, compared
from core.models.networks.vae import VariationalAutoencoder
from core.similarity import similarity
from tests.reconstruction_support import noise

pytestmark = pytest.mark.usefixtures("one_thread")


def layers(network: Any, *kinds: type[nn.Module]) -> list[Any]:
    return [layer for layer in network.modules() if isinstance(layer, kinds)]


def shapes(found: list[Any]) -> set[tuple[tuple[int, ...], tuple[int, ...]]]:
    return {(layer.kernel_size, layer.stride) for layer in found}


def test_the_autoencoder_is_the_dissertations() -> None:
    network = VariationalAutoencoder(8)
    assert shapes(layers(network.encoder, nn.Conv2d)) == {((3, 3), (2, 2))}
    assert len(layers(network.encoder, nn.Conv2d)) == len(layers(network.encoder, nn.LeakyReLU)) == 5
    assert shapes(layers(network.decoder, nn.ConvTranspose2d)) == {((5, 5), (2, 2))}
    assert len(layers(network.decoder, nn.ConvTranspose2d)) == len(layers(network.decoder, nn.LeakyReLU)) == 5
    *_, last, squashed = network.decoder
    assert (last.kernel_size, last.stride, last.out_channels) == ((5, 5), (1, 1), 3)
    assert isinstance(squashed, nn.Tanh)
    assert not layers(network, nn.BatchNorm2d, nn.MaxPool2d)
    assert (network.mean.out_features, network.log_variance.out_features, network.unfold.in_features) == (128, 128, 128)


def test_the_autoencoder_draws_from_a_sample_in_training_and_from_the_mean_otherwise() -> None:
    network, images = VariationalAutoencoder(8, 32, 6), torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        network.eval()
        drawn, mean, log_variance = network.drawn(images)
        assert drawn.shape == images.shape
        assert mean.shape == log_variance.shape == (2, 6)
        assert torch.equal(network(images), network.decode(mean))
        network.train()
        assert not torch.equal(network(images), network(images))


def test_the_generator_is_the_dissertations() -> None:
    network = EdgeToImage(8)
    assert len(network.down) == 8
    assert len(layers(network, nn.Conv2d)) == len(layers(network, nn.ConvTranspose2d)) == 8
    assert shapes(layers(network, nn.Conv2d, nn.ConvTranspose2d)) == {((4, 4), (2, 2))}
    assert len(layers(network.down, nn.BatchNorm2d)) == 7
    assert not layers(network.down[0], nn.BatchNorm2d)
    assert len(layers(network.up, nn.BatchNorm2d)) == len(layers(network.up, nn.ReLU)) == 7
    assert {layer.momentum for layer in layers(network, nn.BatchNorm2d)} == {0.1}
    assert {layer.negative_slope for layer in layers(network.down, nn.LeakyReLU)} == {0.2}
    assert [layer.p for layer in layers(network.up, nn.Dropout)] == [0.5] * 3
    assert isinstance(network.last[-1], nn.Tanh)
    # Half of what each layer of the decoder sees, but for the innermost, was skipped to it.
    widths = [8, 16, 32, 64, 64, 64, 64, 64]
    inputs = [layer.in_channels for layer in layers(network, nn.ConvTranspose2d)]
    assert inputs == [64, *(2 * width for width in widths[-2::-1])]


@pytest.mark.parametrize("side", [32, 64])
def test_the_generator_halves_until_one_px_is_left(side: int) -> None:
    network, images = EdgeToImage(8, side).eval(), torch.rand(2, 3, side, side) * 2 - 1
    with torch.no_grad():
        values = network.edges(images)
        for layer in network.down:
            values = layer(values)
        assert values.shape[2:] == (1, 1)
        drawn = network(images)
    assert drawn.shape == images.shape
    assert drawn.abs().max() <= 1


@torch.no_grad()
def test_weights_begin_as_in_the_dissertation() -> None:
    torch.manual_seed(0)
    for network in (EdgeToImage(16), PatchDiscriminator(16)):
        for layer in layers(network, nn.Conv2d, nn.ConvTranspose2d):
            few = 4 / layer.weight.numel() ** 0.5
            assert abs(float(layer.weight.mean())) < 0.02 * few
            assert float(layer.weight.std()) == pytest.approx(0.02, rel=few)


def test_the_judge_calls_each_patch_real_or_drawn() -> None:
    network = PatchDiscriminator(8)
    *halving, last = layers(network, nn.Conv2d)
    assert shapes(halving) == {((4, 4), (2, 2))}
    assert (last.kernel_size, last.stride, last.out_channels) == ((1, 1), (1, 1), 1)
    assert len(layers(network, nn.BatchNorm2d)) == len(halving) - 1
    edges, images = torch.rand(2, 1, 64, 64), torch.rand(2, 3, 64, 64)
    assert network(edges, images).shape == (2, 1, 4, 4)


def test_edges_are_sobels_of_grey_and_one_number_says_what_is_white() -> None:
    step = torch.full((1, 3, 32, 32), -1.0)
    step[..., 16:] = 1.0
    steep = sobel(step)
    assert torch.equal(steep[0, 0, :, 15:17], torch.full((32, 2), 2.0))
    assert float(steep[..., :15].abs().max()) == float(steep[..., 17:].abs().max()) == 0.0
    assert torch.allclose(sobel(0.25 * step)[0, 0, :, 15], torch.tensor(0.5))
    assert torch.allclose(sobel(step.transpose(2, 3)), steep.transpose(2, 3))
    network = EdgeToImage(8, 32, white=1.0)
    assert float(network.edges(step).max()) == 1.0
    # A strong edge elsewhere in the window changes nothing here.
    weak = 0.1 * step
    beside = weak.clone()
    beside[:, :, 28:, :8] = 1.0
    assert torch.equal(network.edges(weak)[:, :, :20], network.edges(beside)[:, :, :20])


def test_what_sees_edges_alone_does_not_see_how_bright_a_window_is() -> None:
    network, images = EdgeToImage(8, 32).eval(), torch.rand(1, 3, 32, 32) - 0.5
    with torch.no_grad():
        assert torch.allclose(network(images), network(images + 0.3), atol=1e-5)


@pytest.mark.parametrize("method", ["vae", "cgan"])
def test_folding_batch_norms_changes_nothing_but_rounding(method: str) -> None:
    torch.manual_seed(2)
    own = {"latent": 4} if method == "vae" else {"edge_white": 0.4}
    network = build({"method": method, "width": 8, "input_px": 32, **own}).train()
    images = torch.rand(3, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        network(images)
        network.eval()
        assert torch.allclose(folded(network)(images), network(images), atol=1e-5)
    assert not layers(folded(network), nn.BatchNorm2d)


def test_what_is_compared_of_a_window() -> None:
    windows = noise(64, 64)[None], noise(64, 64, 1)[None]
    seen, drawn = (as_seen(torch.from_numpy(one), 64) for one in windows)
    cells = compared(seen, drawn, None)
    assert cells.shape == (1, 3, 32, 32)
    off = np.square(windows[0].astype(float) - windows[1])[0].mean(2)
    assert np.allclose(cells[0, 1], off.reshape(32, 2, 32, 2).mean((1, 3)), rtol=1e-4)
    assert float(cells[0, 2, 5, 7]) == pytest.approx(1 - similarity(windows[0][0], windows[1][0]), abs=5e-4)
    assert float(compared(seen, seen, None).abs().max()) < 1e-5


def test_windows_are_shrunk_by_their_mean() -> None:
    window = noise(64, 64)
    seen = as_seen(torch.from_numpy(window[None]), 32)
    means = window.reshape(32, 2, 32, 2, 3).mean((1, 3))
    assert np.allclose((seen[0].permute(1, 2, 0).numpy() + 1) * 127.5, means, atol=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [{"method": "gan"}, {"width": 4}, {"input_px": 96}, {"input_px": 16}, {"edge_white": None}, {"width": 8.0}],
)
def test_cards_that_describe_no_network_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must be|no network"):
        build({"method": "cgan", "width": 8, "input_px": 32, "edge_white": 0.5, **wrong})
