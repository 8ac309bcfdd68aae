"""Train the classifier that judges pictures of a labelled data set, and store it in the checkpoint format."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from checkpoints.format import Checkpoint, Metadata
from datasets import Say, TrainingData
from models import Classifier, StepNoise, derive_seed, from_pixels, jitter

EPOCHS = 10
BATCH_SIZE = 128
PEAK_LEARNING_RATE = 4e-3
WEIGHT_DECAY = 1e-2


def train_judge(
    data: TrainingData,
    test: TrainingData,
    *,
    seed: int = 0,
    epochs: int = EPOCHS,
    batch_size: int = BATCH_SIZE,
    report: Say = lambda line: None,
) -> Checkpoint:
    """Train a classifier on randomly turned, scaled and shifted pictures; return it with its test accuracy.

    Its weights are of half precision, and so is what is measured: it ships.

    10 epochs of batches of 128.
    """

    def tell(epoch: int, classifier: Classifier) -> None:
        report(f"epoch {epoch} of {epochs}: {accuracy(classifier, test):.2%} of the test pictures recognised")

    classifier = fit(data, seed=seed, epochs=epochs, batch_size=batch_size, after_epoch=tell)
    weights = _halve(classifier.state_dict())
    classifier.load_state_dict(weights)
    batches = len(data.labels) // batch_size
    metadata = Metadata(
        family="judge",
        preset="default",
        dataset=data.spec,
        dataset_digest=data.digest,
        hyperparameters={"peak_learning_rate": PEAK_LEARNING_RATE, "weight_decay": WEIGHT_DECAY},
        batch_size=batch_size,
        images=epochs * batches * batch_size,
        seed=seed,
        step=epochs * batches,
        images_seen=epochs * batches * batch_size,
        metrics={"test_accuracy": accuracy(classifier, test)},
        versions={"torch": torch.__version__},
    )
    return Checkpoint(metadata, weights)


def fit(
    data: TrainingData,
    *,
    seed: int,
    epochs: int,
    batch_size: int,
    after_epoch: Callable[[int, Classifier], None] = lambda epoch, classifier: None,
) -> Classifier:
    """Train a classifier on randomly turned, scaled and shifted pictures; call `after_epoch` with the number of each.

    AdamW (Loshchilov & Hutter 2019) under the one-cycle schedule (Smith & Topin 2019).
    """
    torch.manual_seed(derive_seed("judge", seed))
    noise = torch.Generator().manual_seed(derive_seed("judge noise", seed))
    classifier = Classifier(data.spec)
    classifier.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    batches = len(data.labels) // batch_size
    optimizer = torch.optim.AdamW(classifier.parameters(), weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LEARNING_RATE, total_steps=epochs * batches)
    for epoch in range(1, epochs + 1):
        classifier.train()
        order = torch.randperm(len(data.labels), generator=noise)
        for places in torch.split(order, batch_size)[:batches]:
            images = jitter(from_pixels(data.images[places]), StepNoise(noise, len(places)))
            loss = cross_entropy(classifier(images), data.labels[places])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
        after_epoch(epoch, classifier)
    return classifier


def _halve(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return floating-point numbers in half precision, and all others as they are."""
    return {name: value.half() if value.is_floating_point() else value for name, value in tensors.items()}


def accuracy(classifier: Classifier, data: TrainingData) -> float:
    """Return the share of pictures that the classifier recognises."""
    recognised = classifier.probabilities(from_pixels(data.images), batch_size=500).argmax(dim=1)
    return float((recognised == data.labels).float().mean())
