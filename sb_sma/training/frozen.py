"""Parts of a model that training leaves as they are."""

from collections.abc import Collection, Iterable

from torch import nn


def freeze(
    model: nn.Module,
    names: str | Iterable[str],
    untrained: Collection[str] | None = (),
) -> list[nn.Module]:
    """Let no gradient reach some parts of a model.

    Dropout and statistics stand still, too, as long as the parts are in
    evaluation mode, in which they are put; SpeechBrain puts all of a model into
    training mode again when an epoch begins.

    Arguments
    ---------
    model : nn.Module
        Changed in place.
    names : str or iterable of str
        Of its parts, one or several.
    untrained : collection of str, optional
        Parts that have learnt nothing yet; None if the whole model has not.

    Returns
    -------
    parts : list of nn.Module
        Those that are frozen.

    Raises
    ------
    ValueError
        If there is no such part, it has nothing to keep, or nothing is left
        to train.

    Example
    -------
    >>> model = nn.ModuleDict({"encoder": nn.Linear(2, 2), "head": nn.ReLU()})
    >>> freeze(model, ["encoder", "decoder"])
    Traceback (most recent call last):
    ...
    ValueError: frozen must name parts of the model: encoder, head; got decoder. Correct the name, or leave it out.
    """
    names = [names] if isinstance(names, str) else list(names)
    parts = dict(model.named_children())
    unknown = [str(name) for name in names if name not in parts]
    if unknown:
        raise ValueError(
            f"frozen must name parts of the model: {', '.join(parts)}; got "
            f"{', '.join(unknown)}. Correct the name, or leave it out."
        )
    if names and untrained is None:
        raise ValueError(
            "frozen must be [] for a model that has learnt nothing; got "
            f"{', '.join(names)}. Give the trained one, --initial_model=DIR."
        )
    blank = [name for name in names if name in untrained]
    if blank:
        raise ValueError(
            f"frozen must name parts that initial_model has; it lacks "
            f"{', '.join(blank)}, which would never learn. Leave them out."
        )
    if names and {*names} == parts.keys():
        raise ValueError(
            f"frozen must leave a part to be trained; got all of them: "
            f"{', '.join(names)}. Leave one out."
        )
    frozen = [parts[name] for name in dict.fromkeys(names)]
    for part in frozen:
        part.requires_grad_(False).eval()
    return frozen
