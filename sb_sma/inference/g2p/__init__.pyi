from .interface import (
    G2P as G2P,
    Pronunciation as Pronunciation,
)
