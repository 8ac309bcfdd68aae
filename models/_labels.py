"""Labels between classes, for networks that embed them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import embedding, one_hot


class MixedLabels(Tensor):
    """Labels (n,), int64, that an embedding or a one-hot code takes for mixtures of classes.

    An embedding is a matrix times the one-hot label, so it is defined for every sum of labels; the same holds for a
    network that appends the one-hot code itself. Whatever else looks at the labels sees the heaviest class of each. So
    a family that embeds its labels, or encodes them, draws mixtures without knowing of them.
    """

    _weights: Tensor

    @classmethod
    def of(cls, weights: Tensor) -> "MixedLabels":
        """Return labels of these weights of the classes, (n, classes); of equal ones the first is the heaviest."""
        labels = weights.argmax(dim=1).as_subclass(cls)
        labels._weights = weights
        return labels

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Mix where `func` is an embedding or a one-hot code of such labels; else give it the heaviest classes."""
        labels = args[0]
        if func is embedding:
            table = args[1]
            return labels._weights.to(table.dtype) @ table
        if func is one_hot:
            return labels._weights
        with torch._C.DisableTorchFunctionSubclass():
            plain = [one.as_subclass(Tensor) if isinstance(one, cls) else one for one in args]
            return func(*plain, **(kwargs or {}))
