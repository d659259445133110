"""Parts of a model that compute their activations again in the backward pass.

Reference
---------
Chen et al.: "Training Deep Nets with Sublinear Memory Cost", arXiv:1604.06174,
2016.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class Recomputing:
    """What a module has that can forget the activations of its parts.

    Attributes
    ----------
    recomputes : bool
        Whether it does; outputs and gradients are the same.
    """

    recomputes = False

    def run(self, part: Callable[..., Any], *inputs: Any) -> Any:
        """Run a part, of which only the inputs are kept if `recomputes`.

        Arguments
        ---------
        part : callable
            A module, or a method of one.
        *inputs : Any
            Of the part.

        Returns
        -------
        outputs : Any
            Of the part.
        """
        if self.recomputes and torch.is_grad_enabled():
            # with the same dropout
            return checkpoint(part, *inputs, use_reentrant=False)
        return part(*inputs)


def set_recomputation(model: nn.Module, recomputes: bool) -> None:
    """Switch on or off that a model computes its activations again.

    Its layers then take less memory in training, and a third more time. The
    encoder is one part, each decoder layer, the postnet and the refiner.

    Arguments
    ---------
    model : nn.Module
        Whose parts are switched.
    recomputes : bool
        Whether they do.

    Example
    -------
    >>> from sb_sma.attention import RegularMHA
    >>> from sb_sma.models.decoder.stack import DecoderStack
    >>> stack = DecoderStack(8, 2, 3, 16, RegularMHA)
    >>> set_recomputation(stack, True)
    >>> stack.recomputes
    True
    """
    for module in model.modules():
        if isinstance(module, Recomputing):
            module.recomputes = recomputes
