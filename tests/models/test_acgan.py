"""What Odena et al. say, in closed form."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from models import MNIST, SEGMENTS, Batch, ModelConfig, Networks, UnsupportedShapeError
from models.acgan import (
    FAMILY,
    ACGANHyperparameters,
    build,
    classify,
    compute_discriminator_loss,
    compute_generator_loss,
    sample,
    score,
)
from tests.models.closed_form import COUNT, SHAPE, Grey, step_noise
from tests.training import train

CLASSES = 10
CONFIG = ModelConfig(ACGANHyperparameters(), SEGMENTS)
LABELS = torch.tensor([0, 3, 3, 9])

Terms = tuple[dict[str, float], dict[str, float]]


class Known(nn.Module):
    """A discriminator with the mean pixel as source logit, and class logits that are the same for every picture."""

    def __init__(self, class_logits: Tensor) -> None:
        super().__init__()
        self.class_logits = class_logits

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return images.mean(dim=(1, 2, 3)), self.class_logits.expand(len(images), -1)


def known(class_logits: Tensor, *, fake: float = -0.3) -> Networks:
    return nn.ModuleDict({"generator": Grey(fake), "discriminator": Known(class_logits)})


def batch(labels: Tensor = LABELS, *, level: float = 0.7) -> Batch:
    return Batch(torch.full((COUNT, *SHAPE), level), labels)


def terms(networks: Networks, config: ModelConfig[ACGANHyperparameters] = CONFIG, *, labels: Tensor = LABELS) -> Terms:
    computed = (
        loss(networks, batch(labels), config, step_noise())
        for loss in (compute_discriminator_loss, compute_generator_loss)
    )
    of_discriminator, of_generator = (
        {name: term.item() for name, term in objective.terms.items()} for objective in computed
    )
    return of_discriminator, of_generator


def small() -> ModelConfig[ACGANHyperparameters]:
    return FAMILY.configure({"width": 8, "hidden": 32}, SEGMENTS)


# --- Losses -------------------------------------------------------------------------------------------------------


def test_losses_are_those_of_the_source_and_of_the_class() -> None:
    """Against the binary cross entropy, and the log probabilities written out: section 3, eq. 2 and 3."""
    logits = torch.linspace(-1, 2, CLASSES)
    probabilities = logits.exp() / logits.exp().sum()
    of_class = -probabilities[LABELS].log().mean().item()
    discriminator, generator = terms(known(logits))

    def source(level: float, target: float) -> float:
        return binary_cross_entropy_with_logits(torch.tensor(level), torch.tensor(target)).item()

    assert discriminator == pytest.approx(
        {"real": source(0.7, 1.0), "fake": source(-0.3, 0.0), "class_real": of_class, "class_fake": of_class}, rel=1e-5
    )
    assert generator == pytest.approx({"non_saturating": source(-0.3, 1.0), "class": of_class}, rel=1e-5)


def test_class_terms_are_log_ten_before_the_network_knows_anything() -> None:
    discriminator, generator = terms(known(torch.zeros(CLASSES)))
    assert (discriminator["class_real"], discriminator["class_fake"], generator["class"]) == pytest.approx(
        (math.log(10),) * 3
    )


def test_the_weight_is_of_the_class_terms_alone() -> None:
    networks = known(torch.linspace(-1, 2, CLASSES))
    heavier = ModelConfig(ACGANHyperparameters(class_weight=3.0), SEGMENTS)
    for plain, heavy in zip(terms(networks), terms(networks, heavier), strict=True):
        wanted = {name: value * (3 if name.startswith("class") else 1) for name, value in plain.items()}
        assert heavy == pytest.approx(wanted)


def test_classes_are_a_matter_of_logits_and_not_of_probabilities() -> None:
    """The trap of two softmaxes: even a sure and right head would then pay log(1 + 9 / e), about 1.46."""
    sure = 50 * torch.eye(CLASSES)[4]
    discriminator, generator = terms(known(sure), labels=torch.full((COUNT,), 4))
    assert max(discriminator["class_real"], discriminator["class_fake"], generator["class"]) < 1e-6
    assert not any(isinstance(module, nn.Softmax | nn.LogSoftmax) for module in build(small()).modules())


def test_swapped_labels_change_the_class_terms_alone() -> None:
    networks = known(torch.linspace(-1, 2, CLASSES))
    for right, swapped in zip(terms(networks), terms(networks, labels=LABELS.flip(0) // 2), strict=True):
        changed = {name for name in right if right[name] != pytest.approx(swapped[name])}
        assert changed == {name for name in right if name.startswith("class")}


def test_the_fakes_have_the_classes_of_the_real_batch() -> None:
    """The trap of other labels, by which the features could tell real from fake."""
    trainer = train(FAMILY, width=8, hidden=32)
    told: list[Tensor] = []
    latent_dim = trainer.config.hyperparameters.latent_dim
    trainer.networks["generator"].register_forward_pre_hook(
        lambda module, inputs: told.append(inputs[0][:, latent_dim:].argmax(dim=1))
    )
    wanted = trainer._batch(0).labels
    trainer.step()
    assert len(torch.unique(wanted)) > 1
    assert [torch.equal(labels, wanted) for labels in told] == [True, True]


def test_the_class_terms_reach_the_generator() -> None:
    config = small()
    networks = build(config)
    objective = compute_generator_loss(networks, Batch(torch.zeros(8, *SHAPE), torch.arange(8)), config, step_noise(8))
    slopes = torch.autograd.grad(objective.terms["class"], list(networks["generator"].parameters()))
    assert all(slope.abs().max() > 0 for slope in slopes)


def test_the_generator_learns_to_be_recognised() -> None:
    """With the discriminator's class head right, descending the class term alone brings up its own accuracy."""
    torch.manual_seed(0)
    config = small()
    networks = build(config)
    labels = torch.arange(8).repeat(4)
    optimizer = torch.optim.Adam(networks["generator"].parameters(), 1e-2)
    losses = []
    for step in range(20):
        noise = step_noise(32, seed=step)
        objective = compute_generator_loss(networks, Batch(torch.zeros(32, *SHAPE), labels), config, noise)
        optimizer.zero_grad()
        objective.terms["class"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(objective.terms["class"].item())
    assert losses[-1] < 0.8 * losses[0]


# --- Networks -----------------------------------------------------------------------------------------------------


def test_the_heads_share_every_other_layer() -> None:
    discriminator = build(ModelConfig(ACGANHyperparameters(), MNIST))["discriminator"]
    source, classes = discriminator(torch.zeros(2, 1, 28, 28))
    assert (source.shape, classes.shape) == ((2,), (2, CLASSES))
    heads = {name.split(".")[0]: tuple(p.shape) for name, p in discriminator.named_parameters() if p.dim() == 2}
    assert heads == {"features": (1024, 128 * 7 * 7), "source": (1, 1024), "classes": (CLASSES, 1024)}


def test_score_and_classes_are_what_the_heads_say() -> None:
    networks = known(torch.linspace(-1, 2, CLASSES))
    images = torch.stack([torch.full(SHAPE, level) for level in (-0.5, 0.0, 0.9)])
    torch.testing.assert_close(score(networks, CONFIG, images, LABELS[:3]), torch.tensor([-0.5, 0.0, 0.9]))
    weights = torch.linspace(-1, 2, CLASSES).exp()
    torch.testing.assert_close(classify(networks, CONFIG, images), (weights / weights.sum()).expand(3, -1))


def test_the_class_is_appended_to_the_latent() -> None:
    config = ModelConfig(FAMILY.preset("paper").hyperparameters, SEGMENTS)
    told: list[Tensor] = []
    networks = build(config).eval()
    networks["generator"].register_forward_pre_hook(lambda module, inputs: told.append(inputs[0]))
    sample(networks, config, step_noise(), LABELS)
    assert told[0].shape == (COUNT, 100 + CLASSES)
    assert torch.equal(told[0][:, 100:], torch.eye(CLASSES)[LABELS])
    assert torch.equal(told[0][:, :100], step_noise().uniform(100))


def test_a_side_that_is_no_multiple_of_four_is_refused() -> None:
    with pytest.raises(UnsupportedShapeError, match="side 18"):
        build(ModelConfig(ACGANHyperparameters(), SEGMENTS.model_copy(update={"size": 18})))


# --- The paper's setting ------------------------------------------------------------------------------------------


def test_the_paper_preset_is_the_papers_recipe() -> None:
    preset = FAMILY.preset("paper")
    chosen = preset.hyperparameters
    assert (chosen.learning_rate, chosen.beta1, chosen.class_weight) == (2e-4, 0.5, 1.0)
    assert (chosen.latent_dim, chosen.dropout, preset.batch_size) == (100, 0.5, 100)


def test_the_discriminator_of_the_paper_drops_half_of_its_hidden_units_in_training_alone() -> None:
    config = FAMILY.configure(FAMILY.preset("paper").hyperparameters.model_dump() | {"hidden": 32}, SEGMENTS)
    networks = build(config)
    assert [module.p for module in networks["discriminator"].modules() if isinstance(module, nn.Dropout)] == [0.5] * 3
    assert not any(isinstance(module, nn.Dropout) for module in networks["generator"].modules())
    images = torch.rand(COUNT, *SHAPE)
    assert not torch.equal(*(score(networks.train(), config, images, LABELS) for _ in range(2)))
    assert torch.equal(*(score(networks.eval(), config, images, LABELS) for _ in range(2)))
