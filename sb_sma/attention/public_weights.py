"""Loading weights that were trained with the public implementation."""

from typing import Dict

import torch


class PublicWeights:
    """Gives a module one call that loads public weights.

    For modules whose parameters and buffers are named as in the public
    implementation.

    Example
    -------
    >>> class Layer(PublicWeights, torch.nn.Linear):
    ...     pass
    >>> layer = Layer(2, 1, bias=False)
    >>> layer.load_public_state_dict({"weight": torch.tensor([[3.0, 4.0]])})
    >>> layer(torch.ones(1, 2)).item()
    7.0
    """

    def load_public_state_dict(
        self, state_dict: Dict[str, torch.Tensor]
    ) -> None:
        """Load every weight, or none.

        Arguments
        ---------
        state_dict : dict
            Of the public implementation's module of the same name and sizes.

        Raises
        ------
        ValueError
            If a weight is missing, unknown or of another shape; nothing is
            loaded then.
        """
        own = self.state_dict()
        faults = [f"'{name}' is missing" for name in own.keys() - state_dict]
        faults += [
            f"'{name}' is unknown" for name in state_dict.keys() - own.keys()
        ]
        faults += [
            f"'{name}' has shape {tuple(state_dict[name].shape)}, not "
            f"{tuple(own[name].shape)}"
            for name in own.keys() & state_dict.keys()
            if own[name].shape != state_dict[name].shape
        ]
        if faults:
            raise ValueError(
                "state_dict must hold the weights of a public "
                f"{type(self).__name__}: {'; '.join(sorted(faults))}. Build "
                "the module with the arguments that the weights were trained "
                "with."
            )
        self.load_state_dict(state_dict)
