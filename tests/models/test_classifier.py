import torch
from torch.nn.functional import cross_entropy

from models import BLOCK, MNIST, SEGMENTS, from_pixels
from models._classifier import FEATURES, Classifier
from tests.training import segments


def test_logits_features_and_probabilities_have_their_shapes() -> None:
    for spec in (MNIST, SEGMENTS, SEGMENTS.model_copy(update={"channels": 3, "classes": ("a", "b")})):
        classifier, images = Classifier(spec), torch.zeros(5, spec.channels, spec.size, spec.size)
        assert classifier(images).shape == (5, len(spec.classes))
        assert classifier.features(images).shape == (5, FEATURES)
        assert (classifier.features(images) >= 0).all()
        torch.testing.assert_close(classifier.probabilities(images).sum(dim=1), torch.ones(5))


def test_probabilities_do_not_depend_on_pictures_of_other_blocks() -> None:
    torch.manual_seed(0)
    classifier, images = Classifier(SEGMENTS), torch.rand(40, 1, 16, 16) * 2 - 1
    together = classifier.probabilities(images)
    assert torch.equal(classifier.probabilities(images[BLOCK : 2 * BLOCK]), together[BLOCK : 2 * BLOCK])


def test_it_learns() -> None:
    torch.manual_seed(0)
    classifier, images, labels = Classifier(SEGMENTS), from_pixels(segments().images[:40]), segments().labels[:40]
    optimizer = torch.optim.Adam(classifier.parameters(), 1e-3)
    losses = []
    for _ in range(10):
        loss = cross_entropy(classifier(images), labels)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert losses[-1] < 0.7 * losses[0]
