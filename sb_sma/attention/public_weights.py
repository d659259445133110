"""Loading weights that were trained with the public implementation."""

from collections.abc import Mapping

import torch


class PublicWeights:
    """Gives a module one call that loads public weights.

    Parameters and buffers are named as in the public implementation, but for
    those of the layers in `public_names`.

    Attributes
    ----------
    public_names : Mapping[str, str]
        What the public implementation calls a layer of ours.

    Example
    -------
    >>> class Layer(PublicWeights, torch.nn.Linear):
    ...     pass
    >>> layer = Layer(2, 1, bias=False)
    >>> layer.load_public_state_dict({"weight": torch.tensor([[3.0, 4.0]])})
    >>> layer(torch.ones(1, 2)).item()
    7.0
    """

    public_names: Mapping[str, str] = {}

    def load_public_state_dict(
        self, state_dict: Mapping[str, torch.Tensor]
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
        names = {self._public_name(name): name for name in self.state_dict()}
        own = {
            public: self.state_dict()[name] for public, name in names.items()
        }
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
                "state_dict must hold the weights of the public module: "
                f"{'; '.join(sorted(faults))}. Build this one with the "
                "arguments that they were trained with."
            )
        self.load_state_dict(
            {names[public]: weight for public, weight in state_dict.items()}
        )

    def _public_name(self, name: str) -> str:
        """Return what the public implementation calls a weight of ours."""
        layer, separator, kind = name.rpartition(".")
        return self.public_names.get(layer, layer) + separator + kind
