"""The pipeline's layers, one file each, in the order in which `pipeline.py` runs them.

Perception, memory, selection, generation, synthesis, reflection: a message goes into the first,
a reply comes out of the fifth, and the last keeps both.
"""
