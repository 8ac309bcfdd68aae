from types import MappingProxyType

import pytest
import torch

from models import Objective, UnknownFamilyError, UnknownPresetError, UnsupportedShapeError, families, find_family
from models._family import require_size
from models._registry import FLAGSHIP
from tests.training import TOY, TOY_SPEC


def test_total_is_the_sum_of_the_terms_alone() -> None:
    objective = Objective({"a": torch.tensor(1.0), "b": torch.tensor(2.5)}, {"seen": torch.tensor(100.0)})
    assert objective.total().item() == 3.5


def test_default_preset_is_the_first() -> None:
    assert TOY.default_preset == "only"


def test_unknown_preset_names_those_that_there_are() -> None:
    with pytest.raises(UnknownPresetError, match="toy has no preset 'none'; it has only"):
        TOY.preset("none")


def test_unknown_family_names_those_that_there_are() -> None:
    with pytest.raises(UnknownFamilyError) as caught:
        find_family("nonesuch")
    assert str(caught.value) == f"there is no family 'nonesuch'; the zoo has {', '.join(families())}"


def test_flagship_is_in_the_zoo() -> None:
    assert find_family(FLAGSHIP).name == FLAGSHIP


def test_families_are_in_alphabetical_order_and_cannot_be_changed() -> None:
    assert list(families()) == sorted(families())
    assert isinstance(families(), MappingProxyType)


@pytest.mark.parametrize(("images", "steps"), [(1, 1), (8, 1), (9, 2), (80, 10)])
def test_steps_use_up_the_budget(images: int, steps: int) -> None:
    assert TOY.total_steps(TOY.configure({}, TOY_SPEC), 8, images) == steps


def test_a_repeated_phase_uses_a_batch_for_each_repeat() -> None:
    config = TOY.configure({"repeats": 5}, TOY_SPEC)
    assert TOY.images_per_step(config, 8) == 40
    assert TOY.total_steps(config, 8, 100) == 3


@pytest.mark.parametrize("size", [12, 16, 28])
def test_fitting_sides_pass(size: int) -> None:
    require_size(TOY_SPEC.model_copy(update={"size": size}), multiple=4, least=12)


@pytest.mark.parametrize("size", [8, 18, 27])
def test_other_sides_are_refused_with_what_would_fit(size: int) -> None:
    with pytest.raises(UnsupportedShapeError, match=rf"bright has .* side {size}; .* multiple of 4 .* at least 12"):
        require_size(TOY_SPEC.model_copy(update={"size": size}), multiple=4, least=12)
