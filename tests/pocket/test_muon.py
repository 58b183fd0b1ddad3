from __future__ import annotations

import pytest
import torch

from sdf_eval.pocket.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(24, 24), (16, 40), (40, 16)])
def test_three_updates_agree_with_those_of_torch_up_to_its_half_precision(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    start, gradients = torch.randn(shape), [torch.randn(shape) for _ in range(3)]
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    mine = Muon([ours], lr=0.1)
    reference = torch.optim.Muon([theirs], lr=0.1, weight_decay=0.01, momentum=0.95, adjust_lr_fn="match_rms_adamw")
    for gradient in gradients:
        for parameter, optimizer in ((ours, mine), (theirs, reference)):
            parameter.grad = gradient.clone()
            optimizer.step()
    moved = (theirs - start).norm()
    assert moved > 0.1
    assert (ours - theirs).norm() < 0.02 * moved


def test_orthogonalising_keeps_directions_and_levels_their_strengths() -> None:
    torch.manual_seed(0)
    strengths = torch.linalg.svdvals(orthogonal(torch.randn(32, 64) @ torch.diag(torch.linspace(1, 3, 64))))
    assert strengths.min() > 0.3
    assert strengths.max() < 1.6
