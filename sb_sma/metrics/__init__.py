"""Numbers that say how well a model aligns and speaks: the focus and the path
of an alignment, the warped mel distance, and the verdict over one utterance.
"""
