"""A voice in Piper's format, small enough to be made by a test."""

import json

import numpy as np

HOP = 256
# a beginning, an end and a filler first, as in every voice of Piper
SYMBOLS = (
    "_^$ !'(),-.:;?abcdefhijklmnopqrstuvwxyzæðŋɐɑɒɔəɚɛɜɡɪɹɾʃʊʌʒʔˈˌːʲ\u0329θᵻ"
)
SILENT = "_^$ !'(),-.:;?"
FRAMES = {"_": 0, "^": 6, "$": 6, " ": 1, **dict.fromkeys("!,.:;?", 16)}
FRAMES_OF_SOUND = 8


def write_voice(path, sample_rate=16000, tells_times=True):
    """Write a voice that hums its phonemes, each at a pitch of its own.

    Marks are silent; how long each symbol lasts is in ``FRAMES``.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    frames = [FRAMES.get(c, FRAMES_OF_SOUND) for c in SYMBOLS]
    loudness = [0.0 if c in SILENT else 0.5 for c in SYMBOLS]
    pitches = [200.0 + 20 * i for i in range(len(SYMBOLS))]
    constants = {
        "frames": np.array(frames, np.float32),
        "loudness": np.array(loudness, np.float32),
        "pitches": np.array(pitches, np.float32),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "none": np.array(0, np.int64),
        "axis": np.array(1, np.int64),
        "first": np.array([0], np.int64),
        "last": np.array([1], np.int64),
        "all": np.array([1, 1, 1, -1], np.int64),
        "hop": np.array(HOP, np.float32),
        "within": np.arange(HOP, dtype=np.float32)[None],
        "step": np.array(2 * np.pi / sample_rate, np.float32),
    }
    rounding = "Ceil" if tells_times else "Round"
    nodes = [
        ("Gather", ["frames", "input"], "durations"),
        (rounding, ["durations"], "w_ceil"),
        ("CumSum", ["w_ceil", "axis"], "ends"),
        ("ReduceSum", ["w_ceil"], "total"),
        ("Squeeze", ["total"], "count"),
        ("Range", ["zero", "count", "one"], "steps"),
        ("Unsqueeze", ["steps", "last"], "step_column"),
        ("GreaterOrEqual", ["step_column", "ends"], "is_over"),
        ("Cast", ["is_over"], "over"),
        ("ReduceSum", ["over", "last"], "position"),
        ("Squeeze", ["input", "first"], "row"),
        ("Gather", ["row", "position"], "said"),
        ("Gather", ["loudness", "said"], "volume"),
        ("Gather", ["pitches", "said"], "pitch"),
        ("Mul", ["step_column", "hop"], "begin"),
        ("Add", ["begin", "within"], "time"),
        ("Mul", ["time", "pitch"], "cycles"),
        ("Mul", ["cycles", "step"], "phase"),
        ("Sin", ["phase"], "tone"),
        ("Mul", ["tone", "volume"], "sound"),
        # a voice is never the same twice, but without noise
        ("RandomNormalLike", ["sound"], "hiss"),
        ("Gather", ["scales", "none"], "noise_scale"),
        ("Mul", ["hiss", "noise_scale"], "noise"),
        ("Add", ["sound", "noise"], "voice"),
        ("Reshape", ["voice", "all"], "output"),
    ]
    options = {"Cast": {"to": TensorProto.INT64}}
    graph = helper.make_graph(
        [
            helper.make_node(
                kind,
                inputs,
                [name],
                **options.get(kind, {}),
                **({"keepdims": 1} if kind == "ReduceSum" else {}),
            )
            for kind, inputs, name in nodes
        ],
        "voice",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, [1, "n"]),
            helper.make_tensor_value_info(
                "input_lengths", TensorProto.INT64, [1]
            ),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
        ],
        [
            helper.make_tensor_value_info(
                "output", TensorProto.FLOAT, [1, 1, 1, "samples"]
            )
        ],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    onnx.checker.check_model(model)
    onnx.save(model, path)
    settings = {
        "audio": {"sample_rate": sample_rate},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "num_symbols": len(SYMBOLS),
        "num_speakers": 1,
        "inference": {"noise_scale": 0.5, "length_scale": 1, "noise_w": 0.5},
        "phoneme_id_map": {c: [i] for i, c in enumerate(SYMBOLS)},
        "hop_length": HOP,
    }
    path.with_name(f"{path.name}.json").write_text(json.dumps(settings))
    return path
