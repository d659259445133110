"""Which keys of ``hparams`` a recipe reads, told from its source."""

import ast
import os

from sb_sma.hparams.document import KeyPath


def keys_read_by(
    script: str | os.PathLike[str],
) -> tuple[set[KeyPath], set[KeyPath]]:
    """Find what a script reads from ``hparams``, and what of it must be there.

    ``hparams["key"]`` and ``self.hparams.key`` must, unless the script sets or
    asks for the key elsewhere; ``hparams.get("key")``,
    ``getattr(self.hparams, "key", None)``, ``hasattr`` and
    ``"key" in hparams`` ask. A key that only running the script would tell is
    not found.

    Arguments
    ---------
    script : path
        A Python file.

    Returns
    -------
    read : set of tuple of str
        ``("model", "tts")`` for ``hparams["model"]["tts"]``.
    required : set of tuple of str
        Those that must be there.
    """
    with open(script, encoding="utf-8") as stream:
        reader = _Reader()
        reader.visit(ast.parse(stream.read(), str(script)))
    names_set_or_asked = {path[0] for path in reader.set | reader.asked}
    required = {
        path for path in reader.read if path[0] not in names_set_or_asked
    }
    return reader.read | reader.asked, required


class _Reader(ast.NodeVisitor):
    """Collects paths of keys; a node is visited from its outermost part."""

    def __init__(self):
        self.read, self.set, self.asked = set(), set(), set()

    def visit_Subscript(self, node):
        """Look at what is read by brackets."""
        path = _path(node)
        if not path:
            self.generic_visit(node)
        elif isinstance(node.ctx, ast.Load):
            self.read.add(path)
        else:
            self.set.add(path)

    visit_Attribute = visit_Subscript

    def visit_Call(self, node):
        """Look at what is read by ``get``."""
        self.generic_visit(node)
        name = getattr(node.func, "attr", getattr(node.func, "id", None))
        if name == "get" and _path(node.func.value) == ():
            self._ask(node.args[0])
        if name in ("getattr", "hasattr") and _path(node.args[0]) == ():
            self._ask(node.args[1])

    def visit_Compare(self, node):
        """Look at what is asked by ``in``."""
        self.generic_visit(node)
        if any(_path(container) == () for container in node.comparators):
            self._ask(node.left)

    def _ask(self, node):
        if isinstance(node, ast.Constant):
            self.asked.add((node.value,))


def _path(node: ast.AST) -> KeyPath | None:
    """Find the keys that lead from ``hparams`` to a node, if any do."""
    if isinstance(node, ast.Name):
        return () if node.id == "hparams" else None
    if isinstance(node, ast.Attribute):
        if node.attr == "hparams":
            return ()
        # an attribute of a value that came out of hparams is not a key
        of_hparams = _path(node.value) == () and not hasattr(dict, node.attr)
        return (node.attr,) if of_hparams else None
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        path = _path(node.value)
        return None if path is None else (*path, node.slice.value)
    return None
