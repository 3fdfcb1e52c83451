"""What a feature memory is made of: reach, nearest neighbours, what is worth remembering, what is doubted."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn

from core.errors import CancelledError
from core.jobs import CancelToken, no_progress
from core.models.networks.backbones import BACKBONES, DenseBackbone
from core.models.networks.memory_bank import coreset, doubts, nearest
from core.models.networks.memory_features import FINE_PX, TAPS, LocalFeatures
from core.models.networks.resnet_cells import ResNetCells

pytestmark = pytest.mark.usefixtures("one_thread")


def clouds(count: int, width: int = 12, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def lit(features: LocalFeatures) -> LocalFeatures:
    """The same layers with weights through which every px that is looked at shines."""
    copy = deepcopy(features)
    for module in copy.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
            module.reset_running_stats()
    return copy.double()


@torch.no_grad()
def reach_of(features: LocalFeatures, side: int) -> int:
    """How far beyond a cell a line of light still changes it."""
    shining, farthest = lit(features), 0
    for line in (side // 2, side // 2 + 7, side // 2 + 8, side // 2 + 15):
        image = torch.zeros(1, 3, side, 16, dtype=torch.float64)
        image[:, :, line] = 1
        rows = torch.nonzero(shining(image).amax((0, 1, 3)) > 0).ravel()
        first, last = int(rows[0]) * FINE_PX, int(rows[-1]) * FINE_PX
        farthest = max(farthest, line - (first + FINE_PX) + 1, last - line)
    return farthest


@pytest.mark.parametrize("blocks", [1, 2])
def test_small_networks_look_no_further_than_they_say(blocks: int):
    features = LocalFeatures(ResNetCells(2, 8, blocks))
    assert features.taps.reach_px - FINE_PX < reach_of(features, 288) <= features.taps.reach_px
    assert features.halo_px % FINE_PX == 0


@pytest.mark.parametrize("name", ["resnet18"])  # the others were measured once: it takes long
def test_torchvisions_networks_look_as_far_as_it_is_written_down(name: str):
    features = LocalFeatures(DenseBackbone(BACKBONES[name], 1))
    assert reach_of(features, 320) == TAPS[name].reach_px
    assert features.halo_px >= TAPS[name].reach_px
    assert features.halo_px % TAPS[name].coarse_px == 0


def test_nothing_of_the_network_learns_and_the_head_is_not_kept():
    features = LocalFeatures(ResNetCells(2, 8, 1))
    assert not any(values.requires_grad for values in features.parameters())
    assert not any(name.startswith("head") for name in features.state_dict())
    assert features.channels == 16 + 32


def test_the_nearest_member_is_the_nearest(monkeypatch: pytest.MonkeyPatch):
    asked, members = clouds(500), clouds(70, seed=1)
    expected, which = torch.cdist(asked.double(), members.double()).min(1)
    found, at = nearest(asked, members)
    assert torch.equal(at, which)
    torch.testing.assert_close(found, expected.float(), rtol=1e-5, atol=1e-6)
    monkeypatch.setattr("core.models.networks.memory_bank._AT_ONCE", 700)
    assert torch.equal(nearest(asked, members)[0], found), "however many are asked at once"


def test_what_was_seen_is_no_distance_away():
    members = clouds(40) * 100 + 1000
    assert nearest(members, members)[0].max() == 0


def test_a_coreset_leaves_nothing_far_away():
    """Three dense clouds and one place alone: four members stand for all of them, as no four drawn by chance do."""
    middles = torch.tensor([[0.0, 0], [50, 0], [0, 50]])
    features = torch.cat([middles.repeat(200, 1) + 0.1 * clouds(600, 2), torch.tensor([[90.0, 90]])])
    chosen = coreset(features, 4, 0, no_progress, CancelToken())
    assert nearest(features, features[chosen])[0].max() < 1
    assert len(set(chosen.tolist())) == 4
    drawn = features[torch.randperm(601, generator=torch.Generator().manual_seed(5))[:4]]
    assert nearest(features, drawn)[0].max() > 40


def test_a_coreset_of_many_components_is_chosen_in_fewer():
    features = clouds(300, 200)
    chosen = coreset(features, 50, 3, no_progress, CancelToken())
    again = coreset(features, 50, 3, no_progress, CancelToken())
    assert torch.equal(chosen, again)
    assert len(set(chosen.tolist())) == 50
    assert len(coreset(features, 1000, 3, no_progress, CancelToken())) == 300
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(CancelledError):
        coreset(features, 50, 3, no_progress, cancel)


def test_what_few_places_show_is_doubted():
    features = torch.cat([clouds(2000), clouds(3, seed=2) * 0.1 + 30])
    doubted = doubts(features, 0)
    assert doubted[-3:].min() > doubted[:-3].max()
