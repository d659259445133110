"""Checks of shapes and dtypes that alignments and their lengths share."""

import torch


def is_integer(tensor: torch.Tensor) -> bool:
    """Return whether a tensor holds whole numbers, truth values excluded.

    Arguments
    ---------
    tensor : torch.Tensor
        Any tensor.

    Returns
    -------
    bool
        Whether its dtype is an integer one.

    Example
    -------
    >>> is_integer(torch.tensor([3])), is_integer(torch.tensor([0.5]))
    (True, False)
    """
    return not (
        tensor.is_floating_point()
        or tensor.is_complex()
        or tensor.dtype == torch.bool
    )


def is_inside(
    name: str, lengths: torch.Tensor, batch: torch.Tensor, size: int
) -> torch.Tensor:
    """Return which positions lie within each item.

    Arguments
    ---------
    name : str
        What the caller calls the lengths.
    lengths : torch.Tensor
        Counts, ``(B,)`` integer.
    batch : torch.Tensor
        The tensor whose items they belong to, ``(B, ...)``.
    size : int
        Number of positions.

    Returns
    -------
    torch.Tensor
        True within the item, ``(B, size)``.

    Raises
    ------
    ValueError
        If the lengths are not one count per item.

    Example
    -------
    >>> lengths, batch = torch.tensor([1, 3]), torch.zeros(2, 3)
    >>> is_inside("lengths", lengths, batch, 3)
    tensor([[ True, False, False],
            [ True,  True,  True]])
    """
    check_lengths(name, lengths, batch)
    positions = torch.arange(size, device=batch.device)
    return positions < lengths.to(batch.device)[:, None]


def check_axes(**given: tuple[torch.Tensor, str]) -> None:
    """Refuse tensors whose axes do not fit each other.

    Arguments
    ---------
    **given : tuple of (torch.Tensor, str)
        Each tensor with its axes, such as ``"B, T, D"``: letters, of which
        the same one is the same size, and sizes. It is of floating point;
        with ``": integer"`` or ``": bool"`` at the end, of these.

    Raises
    ------
    ValueError
        If a shape or dtype is another.

    Example
    -------
    >>> memory, tokens = torch.zeros(2, 3, 8), torch.zeros(2, 5).long()
    >>> check_axes(memory=(memory, "B, T, 8"), tokens=(tokens, "B, Q: integer"))
    >>> check_axes(memory=(memory[0], "B, T, 8"))
    Traceback (most recent call last):
    ...
    ValueError: memory must have shape (B, T, 8); got (3, 8). Add or remove axes.
    """
    sizes, told = {}, {}
    for name, (tensor, axes) in given.items():
        axes, _, kind = axes.partition(": ")
        shape, letters = tuple(tensor.shape), axes.split(", ")
        if len(shape) != len(letters):
            raise ValueError(
                f"{name} must have shape ({axes}); got {shape}. Add or remove "
                "axes."
            )
        for size, letter in zip(shape, letters):
            wanted = int(letter) if letter.isdecimal() else None
            wanted = sizes.setdefault(
                letter, size if wanted is None else wanted
            )
            if size != wanted:
                other = f", as {told[letter]} has it" if letter in told else ""
                raise ValueError(
                    f"{name} must have shape ({axes}) with {letter} = {wanted}"
                    f"{other}; got {shape}. Give what belongs together."
                )
            told.setdefault(letter, name)
        if not _KINDS[kind](tensor):
            raise ValueError(
                f"{name} must be a tensor of {kind or 'floating point'}; got "
                f"{tensor.dtype}. Convert it."
            )


_KINDS = {
    "": torch.is_floating_point,
    "integer": is_integer,
    "bool": lambda tensor: tensor.dtype == torch.bool,
}


def check_alignments(alignments: torch.Tensor) -> None:
    """Refuse what is not a batch of alignments.

    Arguments
    ---------
    alignments : torch.Tensor
        Expected to be floating point, ``(B, H, Q, K)``, no axis empty.

    Raises
    ------
    ValueError
        If a shape or dtype is not the one above.

    Example
    -------
    >>> check_alignments(torch.zeros(2, 3, 4, 5))
    """
    shape = tuple(alignments.shape)
    if alignments.ndim != 4 or 0 in shape:
        raise ValueError(
            "alignments must have shape (B, H, Q, K), no axis empty; got "
            f"{shape}. Add the missing axis, or leave empty items out."
        )
    if not alignments.is_floating_point():
        raise ValueError(
            f"alignments must be floating point; got {alignments.dtype}. "
            "Convert them with .float()."
        )


def check_lengths(
    name: str, lengths: torch.Tensor, batch: torch.Tensor
) -> None:
    """Refuse lengths that are not one count per item.

    Arguments
    ---------
    name : str
        What the caller calls them.
    lengths : torch.Tensor
        Expected to be ``(B,)`` integer.
    batch : torch.Tensor
        The tensor whose items they belong to, ``(B, ...)``.

    Raises
    ------
    ValueError
        If a shape or dtype is not the one above.

    Example
    -------
    >>> check_lengths("mel_lengths", torch.tensor([4]), torch.zeros(1, 4, 8))
    """
    n_items = batch.shape[0]
    if lengths.shape != (n_items,):
        raise ValueError(
            f"{name} must have shape ({n_items},), one count per item; got "
            f"{tuple(lengths.shape)}. Pass the lengths of this batch."
        )
    if not is_integer(lengths):
        raise ValueError(
            f"{name} must be integer counts; got {lengths.dtype}. Multiply "
            "SpeechBrain's relative lengths by the longest, and round."
        )
