"""Which modules of a checkout import which, late imports included."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import networkx


def imported_modules(file: Path, package: str) -> Iterator[str]:
    """Find the names below sb_sma that a file imports: ``attention.masks``."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                parents = parents[: len(parents) + 1 - node.level]
                base = ".".join([*parents, base]).strip(".")
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("sb_sma.") and name != "sb_sma.__version__":
                yield name[len("sb_sma.") :]


def modules_of(root: Path) -> Mapping[str, Path]:
    """Find every module below a repository's root, by its dotted name."""
    modules = {}
    for file in root.glob("sb_sma/**/*.py"):
        parts = file.relative_to(root).with_suffix("").parts
        modules[".".join(p for p in parts if p != "__init__")] = file
    return modules


def names_handed_on(modules: Mapping[str, Path]) -> Mapping[str, str]:
    """Find where what a package hands on lazily stands, by dotted name."""
    homes = {}
    for package, file in modules.items():
        stub = file.with_suffix(".pyi")
        if not stub.exists():
            continue
        for node in ast.walk(ast.parse(stub.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    home = f"{package}.{node.module}"
                    homes[f"{package}.{alias.name}"] = home
    return homes


def import_arrows(root: Path) -> Mapping[str, set[str]]:
    """Find which modules each module imports, all by their dotted names."""
    modules = modules_of(root)
    homes = names_handed_on(modules)
    arrows = {}
    for module, file in modules.items():
        package = (
            module if file.stem == "__init__" else module.rpartition(".")[0]
        )
        names = {f"sb_sma.{n}" for n in imported_modules(file, package)}
        targets = {homes.get(name, name) for name in names}
        # a name stands in the module before it
        arrows[module] = {
            target if target in modules else target.rpartition(".")[0]
            for target in targets
        }
    return arrows


def circles_of(arrows: Mapping[str, set[str]]) -> Sequence[Sequence[str]]:
    """Find the groups of modules that import each other, however far round."""
    groups = networkx.strongly_connected_components(
        networkx.DiGraph({name: list(to) for name, to in arrows.items()})
    )
    return [sorted(group) for group in groups if len(group) > 1]
