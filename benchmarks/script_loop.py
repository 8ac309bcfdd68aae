"""Pictures a second of our trainer, and of the loop that the scripts of eriklindernoren/PyTorch-GAN run.

    python -m benchmarks.script_loop

Both train the same networks, those of a family's preset `neutral`, in batches of the same size, on the threads that
torch takes by itself. What is restated here of the scripts are facts of how they go (implementations/gan, wgan_gp and
acgan):

* each picture is turned from PIL to a tensor and normalised by itself, by a DataLoader in this process;
* targets and noise are made by numpy for each batch, copied into new tensors and wrapped as Variables;
* the generator moves first, and the discriminator judges the same pictures again (gan, acgan); the critic moves at
  each batch and the generator at each fifth (wgan_gp);
* no network is frozen: each backward pass also fills gradients that nobody uses, wgan_gp's through the generator;
* the discriminator ends in a sigmoid or softmax, before BCELoss and CrossEntropyLoss;
* the losses are read and printed at each batch; here into nothing, which is quicker than a terminal.

Ours also keeps the moving average and the means of its terms, which the scripts do not. Both take turns in this
process; quote the ratio.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.autograd import Variable
from torch.nn.functional import one_hot
from torch.utils.data import DataLoader, Dataset

from datasets import TrainingData, load_dataset
from models import families
from workers.trainer import Plan, Trainer

PRESET = "neutral"

# --- The scripts' data ---------------------------------------------------------------------------------------------


class PILPictures(Dataset[tuple[Tensor, int]]):
    """A data set of PIL pictures with a transform for each, as torchvision's MNIST is."""

    def __init__(self, data: TrainingData) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data.labels)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self._data.images[place, 0].numpy())
        return normalise(to_tensor(picture)), int(self._data.labels[place])


def to_tensor(picture: Image.Image) -> Tensor:
    """Return a grey picture as (1, h, w) in [0, 1]."""
    pixels = torch.from_numpy(np.array(picture, np.uint8, copy=True))
    return pixels.view(picture.height, picture.width, 1).permute(2, 0, 1).contiguous().to(torch.float32).div(255)


def normalise(pixels: Tensor) -> Tensor:
    """Take away the mean, 0.5, and divide by the deviation, 0.5, channel by channel: (c, h, w)."""
    mean, deviation = torch.as_tensor([0.5]), torch.as_tensor([0.5])
    return pixels.clone().sub_(mean.view(-1, 1, 1)).div_(deviation.view(-1, 1, 1))


# --- The scripts' loops --------------------------------------------------------------------------------------------

Loader = Iterable[tuple[Tensor, Tensor]]


class Game:
    """What the loops share: both networks, an Adam for each, and where the losses are printed."""

    def __init__(self, networks: nn.ModuleDict, chosen: Any, classes: int, out: TextIO) -> None:
        self.generator, self.judge = networks.values()
        self.latent_dim, self.classes, self.critic_steps = chosen.latent_dim, classes, chosen.discriminator_steps
        adam = {"lr": chosen.learning_rate, "betas": (chosen.beta1, chosen.beta2)}
        self.of_generator = torch.optim.Adam(self.generator.parameters(), **adam)
        self.of_judge = torch.optim.Adam(self.judge.parameters(), **adam)
        self._out = out

    def noise(self, count: int) -> Tensor:
        """Latents by way of numpy: (count, latent_dim)."""
        return _variable(torch.FloatTensor(np.random.normal(0, 1, (count, self.latent_dim))))

    def print(self, batch: int, *losses: Tensor) -> None:
        """Read the losses and print them."""
        print(f"[Batch {batch}]", *(f"[{loss.item():f}]" for loss in losses), file=self._out)


def _variable(tensor: Tensor) -> Tensor:
    wrapped: Tensor = Variable(tensor)
    return wrapped


def _targets(count: int, value: float) -> Tensor:
    return _variable(torch.FloatTensor(count, 1).fill_(value))


def play_adversarial(game: Game, loader: Loader) -> Iterator[int]:
    """Generator first, binary cross entropy of probabilities; yield the pictures of each batch."""
    adversarial = nn.BCELoss()

    def validity(images: Tensor) -> Tensor:
        return torch.sigmoid(game.judge(images)).unsqueeze(1)

    for batch, (images, _) in enumerate(loader):
        count = len(images)
        valid, fake = _targets(count, 1.0), _targets(count, 0.0)
        real = _variable(images.type("torch.FloatTensor"))
        game.of_generator.zero_grad()
        drawn = game.generator(game.noise(count))
        generator_loss = adversarial(validity(drawn), valid)
        generator_loss.backward()
        game.of_generator.step()
        game.of_judge.zero_grad()
        judge_loss = (adversarial(validity(real), valid) + adversarial(validity(drawn.detach()), fake)) / 2
        judge_loss.backward()
        game.of_judge.step()
        game.print(batch, judge_loss, generator_loss)
        yield count


def play_auxiliary(game: Game, loader: Loader) -> Iterator[int]:
    """As `play_adversarial`, with classes: the cross entropy of a softmax, and the accuracy by way of numpy."""
    adversarial, auxiliary = nn.BCELoss(), nn.CrossEntropyLoss()

    def validity_and_class(images: Tensor) -> tuple[Tensor, Tensor]:
        source, classes = game.judge(images)
        return torch.sigmoid(source).unsqueeze(1), torch.softmax(classes, dim=1)

    for batch, (images, wanted) in enumerate(loader):
        count = len(images)
        valid, fake = _targets(count, 1.0), _targets(count, 0.0)
        real, labels = _variable(images.type("torch.FloatTensor")), _variable(wanted.type("torch.LongTensor"))
        game.of_generator.zero_grad()
        noise = game.noise(count)
        asked = _variable(torch.LongTensor(np.random.randint(0, game.classes, count)))
        drawn = game.generator(torch.cat([noise, one_hot(asked, game.classes).float()], dim=1))
        source, classes = validity_and_class(drawn)
        generator_loss = 0.5 * (adversarial(source, valid) + auxiliary(classes, asked))
        generator_loss.backward()
        game.of_generator.step()
        game.of_judge.zero_grad()
        source_of_real, class_of_real = validity_and_class(real)
        source_of_fake, class_of_fake = validity_and_class(drawn.detach())
        on_real = (adversarial(source_of_real, valid) + auxiliary(class_of_real, labels)) / 2
        on_fake = (adversarial(source_of_fake, fake) + auxiliary(class_of_fake, asked)) / 2
        judge_loss = (on_real + on_fake) / 2
        guessed = np.concatenate([class_of_real.data.numpy(), class_of_fake.data.numpy()]).argmax(axis=1)
        accuracy = np.mean(guessed == np.concatenate([labels.numpy(), asked.numpy()]))
        judge_loss.backward()
        game.of_judge.step()
        game.print(batch, judge_loss, generator_loss, torch.as_tensor(accuracy))
        yield count


def play_wasserstein(game: Game, loader: Loader) -> Iterator[int]:
    """The critic at each batch with a penalty on its slope, the generator at each n-th."""
    for batch, (images, _) in enumerate(loader):
        count = len(images)
        real = _variable(images.type("torch.FloatTensor"))
        game.of_judge.zero_grad()
        noise = game.noise(count)
        drawn = game.generator(noise)
        on_real, on_fake = game.judge(real), game.judge(drawn)
        judge_loss = -on_real.mean() + on_fake.mean() + 10 * _slope_penalty(game.judge, real.data, drawn.data)
        judge_loss.backward()
        game.of_judge.step()
        game.of_generator.zero_grad()
        if batch % game.critic_steps == 0:
            generator_loss = -game.judge(game.generator(noise)).mean()
            generator_loss.backward()
            game.of_generator.step()
            game.print(batch, judge_loss, generator_loss)
        yield count


def _slope_penalty(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    share = torch.FloatTensor(np.random.random((len(real), 1, 1, 1)))
    between = (share * real + (1 - share) * fake).requires_grad_(True)
    judged = critic(between).unsqueeze(1)
    ones = _targets(len(real), 1.0)
    (slopes,) = torch.autograd.grad(judged, between, ones, create_graph=True, retain_graph=True)
    penalty: Tensor = ((slopes.view(len(slopes), -1).norm(2, dim=1) - 1) ** 2).mean()
    return penalty


SCRIPTS: Mapping[str, Callable[[Game, Loader], Iterator[int]]] = {
    "gan": play_adversarial,
    "wgan_gp": play_wasserstein,
    "acgan": play_auxiliary,
}
"""The loop of each script, by the family that has its method."""

# --- The comparison ------------------------------------------------------------------------------------------------


def start(name: str, data: TrainingData, out: TextIO) -> tuple[Iterator[int], Iterator[int]]:
    """Return our training and the script's; each yields the pictures that its discriminator saw in a move."""
    family = families()[name]
    preset = family.preset(PRESET)
    config = family.configure(preset.hyperparameters.model_dump(), data.spec)
    trainer = Trainer(family, config, Plan.of(PRESET, preset, seed=0), data)
    game = Game(family.build(config), preset.hyperparameters, len(data.spec.classes), out)
    loader = DataLoader(PILPictures(data), batch_size=preset.batch_size, shuffle=True)
    return _steps(trainer), SCRIPTS[name](game, loader)


def _steps(trainer: Trainer) -> Iterator[int]:
    while not trainer.is_finished:
        trainer.step()
        yield trainer.images_per_step


def time_pictures(moves: Iterator[int], least: int) -> float:
    """Let a training go on for that many pictures or more; return pictures a second."""
    began, pictures = time.perf_counter(), 0
    while pictures < least:
        pictures += next(moves)
    return pictures / (time.perf_counter() - began)


def main() -> None:
    """Print a row for each script."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=lambda text: text.split(","), default=tuple(SCRIPTS))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--pictures", type=int, default=640, help="pictures of each in a round, at least")
    parser.add_argument("--data", type=Path, default=Path("var/datasets"), help="cache of the data sets")
    arguments = parser.parse_args()
    data = load_dataset("mnist", arguments.data, report=print)
    print(f"{torch.get_num_threads()} threads\n{'pictures a second':<20}{'ours':>8}{'script':>8}{'ratio':>8}")
    with open(os.devnull, "w") as out:
        for name in arguments.families:
            ours, script = start(name, data, out)
            rates = [
                (time_pictures(ours, arguments.pictures), time_pictures(script, arguments.pictures))
                for _ in range(arguments.rounds + 1)
            ][1:]
            ratio = statistics.median(mine / theirs for mine, theirs in rates)
            medians = [statistics.median(column) for column in zip(*rates, strict=True)]
            print(f"{name:<20}" + "".join(f"{median:>8.0f}" for median in medians) + f"{ratio:>8.2f}", flush=True)


if __name__ == "__main__":
    main()
