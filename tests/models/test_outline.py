"""The outline of networks: layers in the order of the data, without memory."""

import torch

from models import MNIST, find_family, outline

CONFIG = find_family("dcgan").configure({"width": 8, "latent_dim": 4}, MNIST)


def test_layers_come_in_the_order_of_the_data_with_their_shapes() -> None:
    generator, discriminator = outline(find_family("dcgan"), CONFIG)
    assert [layer.kind for layer in generator.layers] == [
        "Linear",
        "Unflatten",
        "BatchNorm2d",
        "ReLU",
        "ConvTranspose2d",
        "BatchNorm2d",
        "ReLU",
        "ConvTranspose2d",
        "Tanh",
    ]
    first, last = generator.layers[0], generator.layers[-1]
    assert (first.name, first.inputs, first.output, first.parameters) == ("0", ((4,),), (16 * 7 * 7,), 4 * 16 * 7 * 7)
    assert (last.inputs, last.output, last.parameters) == (((1, 28, 28),), (1, 28, 28), 0)
    assert discriminator.layers[0].settings.startswith("1, 8, kernel_size=(4, 4)")
    assert discriminator.layers[-1].output == ()  # a number for each picture
    assert (generator.draws, discriminator.draws) == (True, False)


def test_networks_of_any_size_take_no_memory() -> None:
    large = find_family("dcgan").configure({"width": 256, "latent_dim": 1024}, MNIST)
    before = torch.random.get_rng_state()
    generator, _ = outline(find_family("dcgan"), large)
    assert generator.parameters > 25_000_000
    assert torch.equal(torch.random.get_rng_state(), before)
