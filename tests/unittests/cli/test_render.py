"""A variant is written as a single file that any HyperPyYAML loader reads."""

from hyperpyyaml import resolve_references

from sb_sma.cli import main


def test_a_variant_becomes_a_single_file(repository, tmp_path, capsys):
    variant = str(repository / "hparams" / "tts_gst.yaml")
    assert main(["render", variant]) == 0
    text = capsys.readouterr().out
    assert main(["render", variant, "--out", str(tmp_path / "a.yaml")]) == 0
    assert (tmp_path / "a.yaml").read_text(encoding="utf-8") == text
    resolved = resolve_references(text, "seed: 3").getvalue()
    assert "style: gst" in resolved and "seed: 3" in resolved
    assert "base:" not in text


def test_what_cannot_be_put_together_is_one_line(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text("base: b.yaml\n")
    assert main(["render", str(tmp_path / "a.yaml")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "base must be a YAML file" in line
