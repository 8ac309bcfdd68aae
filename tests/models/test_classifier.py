import torch
from torch.nn.functional import cross_entropy

from models import BLOCK, MNIST, SEGMENTS, from_pixels
from models._classifier import FEATURES, ChannelwiseJudge, Classifier
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


# --- Channel by channel -------------------------------------------------------------------------------------------


def three_channels() -> tuple[Classifier, torch.Tensor]:
    torch.manual_seed(0)
    return Classifier(SEGMENTS).eval(), torch.rand(40, 3, 16, 16) * 2 - 1


def test_a_probability_is_the_product_of_the_channels_probabilities() -> None:
    classifier, images = three_channels()
    found = ChannelwiseJudge(classifier, channels=3).probabilities(images)
    first, second, third = (classifier.probabilities(images[:, [channel]]) for channel in range(3))
    assert found.shape == (40, 1000)
    for label in (0, 7, 123, 999):
        product = first[:, label // 100] * second[:, label // 10 % 10] * third[:, label % 10]
        torch.testing.assert_close(found[:, label], product)


def test_features_of_the_channels_stand_beside_each_other() -> None:
    classifier, images = three_channels()
    found = ChannelwiseJudge(classifier, channels=3).features(images)
    expected = torch.cat([classifier.features(images[:, [channel]]) for channel in range(3)], dim=1)
    torch.testing.assert_close(found, expected)


def test_the_head_reads_the_class_from_the_features() -> None:
    judge = ChannelwiseJudge(*three_channels()[:1], channels=3)
    images = three_channels()[1]
    torch.testing.assert_close(judge.head(judge.features(images)).softmax(dim=1), judge.probabilities(images))


def test_products_do_not_depend_on_pictures_of_other_blocks() -> None:
    classifier, images = three_channels()
    judge = ChannelwiseJudge(classifier, channels=3)
    block = slice(BLOCK, 2 * BLOCK)
    assert torch.equal(judge.probabilities(images[block]), judge.probabilities(images)[block])
