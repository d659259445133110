"""Installation of sb_sma."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "(.+)"$',
    (ROOT / "sb_sma" / "__init__.py").read_text(encoding="utf-8"),
    re.MULTILINE,
).group(1)

# numbers, dates and the like in texts, for the front ends characters and g2p
NUMBERS = "kitten-text-processing>=0.1,<0.2"
# a training set in tar files
SHARDS = "webdataset>=0.2.100,<2"

# docs/installation.md says what each is for, and how large
EXTRAS = {
    # the second writes M4B files where there is no program ffmpeg
    "text": [NUMBERS, "av>=16"],
    # shards, and the teachers; piper-tts (GPL-3) is not imported
    "data": [
        SHARDS,
        "hibari-tts>=0.2.1,<0.3",
        "onnx>=1.16",
        "piper-tts[http,alignment]>=1.8,<2",
    ],
    # the ears of sb-sma evaluate
    "evaluate": [NUMBERS, "faster-whisper>=1.0,<2", "distillmos>=0.9,<1"],
    # speech over HTTP; the first soundfile that sets a constant bit rate
    "serve": [
        "starlette>=0.40",
        "uvicorn>=0.30",
        "soundfile>=0.13",
        "gradio>=6.31,<7",
    ],
    # graphs that run without PyTorch: to export and to run them
    "onnx": ["onnx>=1.16", "onnxruntime>=1.18", "onnxscript>=0.3"],
}


setup(
    name="sb_sma",
    version=VERSION,
    description=(
        "Stepwise monotonic attention for SpeechBrain: text-to-speech and "
        "grapheme-to-phoneme models that do not skip, repeat or babble"
    ),
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "sb_sma/data/lexicon/cmudict.LICENSE"],
    keywords="speech tts g2p attention monotonic speechbrain pytorch",
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Multimedia :: Sound/Audio :: Speech",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=find_packages(include=["sb_sma", "sb_sma.*"]),
    package_data={
        "": ["*.pyi", "*.html", "*.js", "*.css"],
        "sb_sma": [
            "py.typed",
            "data/espeak/words.txt",
            "data/lexicon/cmudict.dict.gz",
            "data/lexicon/cmudict.LICENSE",
            "inference/g2p/packaged/*/*",
            "evaluation/texts.tsv",
        ],
    },
    # as wide as was tried: .ci/versions tests the lower and the upper ends
    install_requires=[
        "speechbrain>=1.1.0,<1.2",
        # the upper ends are a pair that loads, as most are not; where one of
        # them is there already, sb_sma/torch_pair.py has to tell
        "torch>=2.7.1,<=2.14.1",
        "torchaudio>=2.7.1,<=2.11.1",
        "hyperpyyaml>=1.2.3",
        "sentencepiece>=0.2.3",
        "espeakng-loader>=0.2.4",
        "filelock>=3.12",
        "safetensors>=0.4.3",
        "soundfile>=0.12.1",
        # the page of a run
        "jinja2>=3.1",
        "matplotlib>=3.8",
        "tensorboard>=2.15",
        "tqdm>=4.66",
        # packages hand on what is in them without loading it
        "lazy-loader>=0.4",
        # the fast CPU recurrence; plain PyTorch takes its place without it
        "numba>=0.61; python_version < '3.15'",
        "numpy>=1.26",
    ],
    extras_require={
        **EXTRAS,
        "all": sorted({each for extra in EXTRAS.values() for each in extra}),
        "dev": [
            NUMBERS,
            SHARDS,
            *EXTRAS["serve"],
            *EXTRAS["onnx"],
            # the client of sb-sma serve
            "openai>=2",
            # what the mel filters and the time warping are compared with
            "librosa>=0.10.2",
            "networkx>=3.0",
            # newer ones look into SpeechBrain's lazy modules, which raise
            "hypothesis>=6.100,<6.131",
            "pytest>=7.4.4",
            "pytest-xdist>=3.5",
            "ruff==0.12.4",
            "yamllint==1.35.1",
            "codespell==2.3.0",
            "pre-commit>=3.5",
            # the site of the documents
            *(
                f"{each}; python_version >= '3.11'"
                for each in (
                    "sphinx>=8.2",
                    "myst-parser>=4",
                    "furo>=2024.8.6",
                    "sphinx-copybutton>=0.5.2",
                )
            ),
            # what SpeechBrain's grapheme-to-phoneme models are tested with
            "transformers>=4.48",
        ],
    },
    entry_points={"console_scripts": ["sb-sma = sb_sma.cli:main"]},
)
