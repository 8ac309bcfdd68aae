"""The trainer on a CUDA device: the same steps, and exact continuation there too."""

from pathlib import Path

import pytest
import torch

from datasets import load_dataset
from models import FLAGSHIP, find_family
from workers.trainer import Plan, Precision, Trainer

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here"),
]


def start(precision: Precision) -> Trainer:
    family = find_family(FLAGSHIP)
    data = load_dataset("segments", Path("unused"))
    plan = Plan(family.default_preset, seed=1, batch_size=32, images=640, averaging_half_life=100)
    return Trainer(family, family.configure({}, data.spec), plan, data, device="cuda", precision=precision)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_training_on_cuda_continues_from_its_snapshot(precision: Precision) -> None:
    whole, first = start(precision), start(precision)
    for _ in range(8):
        whole.step()
    for _ in range(4):
        first.step()
    second = start(precision)
    second.restore(first.snapshot())
    for _ in range(4):
        second.step()
    for name, tensor in whole.snapshot().networks.items():
        torch.testing.assert_close(second.snapshot().networks[name], tensor, rtol=1e-3, atol=1e-3)
    images = second.sampler().sample(range(20), seed=0, labels=[0] * 20)
    assert images.shape == (20, 1, 16, 16)
    assert images.device.type == "cpu"
