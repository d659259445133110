"""Compilation of kernels for the CPU."""

import pytest

compile = pytest.importorskip("sb_sma.ops.compile")


def test_the_kernels_run_where_their_code_cannot_be_kept(monkeypatch):
    asked = []

    def read_only(cache=False, **options):
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return lambda kernel: kernel

    monkeypatch.setattr(compile, "njit", read_only)
    assert compile.compile_kernel(abs) is abs
    assert asked == [True, False]
